// Files are written whole or not at all.
#include "sim/io/atomic_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <stdexcept>

#include "tests/sim/io/documents.h"

namespace outrider {
namespace {

std::string content_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::size_t entries(const std::filesystem::path& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

TEST(AtomicFile, ReplacesTheWholeFile) {
  const Scratch scratch;
  const auto file = scratch.write("a", "something longer");
  write_atomically(file, std::string_view("b\0c\n", 4));
  EXPECT_EQ(content_of(file), std::string("b\0c\n", 4));
  EXPECT_EQ(entries(scratch.folder()), 1U);
}

TEST(AtomicFile, SaysWhyItCannotWrite) {
  const Scratch scratch;
  const auto file = scratch.folder() / "none" / "a";
  try {
    write_atomically(file, "b");
    FAIL() << "wrote into a folder that is not there";
  } catch (const std::runtime_error& problem) {
    EXPECT_THAT(problem.what(), testing::HasSubstr("cannot write " + file.string() + ": No such file or directory"));
  }
}

// The temporary file can be written here, but a folder cannot be replaced by a file.
TEST(AtomicFile, LeavesNothingBehindWhereTheNameIsTaken) {
  const Scratch scratch;
  const auto taken = scratch.folder() / "a";
  std::filesystem::create_directories(taken / "b");
  EXPECT_THROW(write_atomically(taken, "c"), std::runtime_error);
  EXPECT_TRUE(std::filesystem::is_directory(taken / "b"));
  EXPECT_EQ(entries(scratch.folder()), 1U);
}

// Every write to this device fails for want of room.
TEST(AtomicFile, ReportsAFullDisk) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  const Scratch scratch;
  const auto file = scratch.write("a", "before");
  const auto temporary = file.string() + "." + std::to_string(::getpid()) + ".part";
  std::filesystem::create_symlink("/dev/full", temporary);
  EXPECT_THROW(write_atomically(file, "after"), std::runtime_error);
  EXPECT_EQ(content_of(file), "before");
}

}  // namespace
}  // namespace outrider
