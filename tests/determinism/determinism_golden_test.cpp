// A run is a pure function of scenario, profile and seed: the same bytes on any number of threads, and from every
// build.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>

namespace outrider {
namespace {

namespace fs = std::filesystem;

constexpr const char* kScenario = "scenarios/examples/quick.yaml";
constexpr const char* kFingerprint = "tests/golden/quick.fingerprint";

// A relative path, with '/', to the bytes of a file.
using Files = std::map<std::string, std::string>;

std::string contents(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// FNV-1a, 64 bits: no cryptography is needed to notice a change.
std::uint64_t fingerprint(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3U;
  return hash;
}

std::string fingerprints(const Files& files) {
  std::string result;
  for (const auto& [name, bytes] : files)
    result += fmt::format("{:016x} {} {}\n", fingerprint(bytes), bytes.size(), name);
  return result;
}

// Runs the program in the root of the tree and takes up all it writes; what it prints counts as a file.
class Determinism : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::temp_directory_path() / fmt::format("outrider_determinism_{}", test->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  Files run(int threads) const {
    // The same folder each time, since the program prints where it writes.
    const fs::path out = folder_ / "out";
    const fs::path printed = folder_ / "printed";
    fs::remove_all(out);
    const std::string line = fmt::format("cd '{}' && '{}' run {} --threads {} --out '{}' > '{}'", OUTRIDER_SOURCE_DIR,
                                         OUTRIDER_PROGRAM, kScenario, threads, out.string(), printed.string());
    const int status = std::system(line.c_str());
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << line;
    Files files;
    if (!fs::exists(out)) return files;
    for (const auto& entry : fs::recursive_directory_iterator(out)) {
      if (entry.is_regular_file()) files[entry.path().lexically_relative(out).generic_string()] = contents(entry);
    }
    files["(printed)"] = contents(printed);
    return files;
  }

  fs::path folder_;
};

TEST_F(Determinism, ThreadsDoNotChangeAByte) {
  const Files one = run(1);
  ASSERT_GE(one.size(), 3U) << "expected a table, CSV and JSON";
  for (const auto& [name, bytes] : one) EXPECT_FALSE(bytes.empty()) << name;
  const Files four = run(4);
  ASSERT_EQ(fingerprints(one), fingerprints(four));
  EXPECT_EQ(one, four);
}

TEST_F(Determinism, ASecondRunGivesTheSameBytes) {
  const Files first = run(2);
  ASSERT_FALSE(first.empty());
  EXPECT_EQ(first, run(2));
}

// The committed file was written by one build; every other compiler, build type and machine must meet it.
// After an intended change: OUTRIDER_UPDATE_GOLDEN=1, and say in the commit why the figures moved.
TEST_F(Determinism, EveryBuildMeetsTheCommittedFingerprint) {
  const fs::path golden = fs::path(OUTRIDER_SOURCE_DIR) / kFingerprint;
  Files files = run(2);
  ASSERT_FALSE(HasFailure());
  files.erase("(printed)");  // names the folder of this test
  const std::string now = fingerprints(files);
  const char* update = std::getenv("OUTRIDER_UPDATE_GOLDEN");
  if (update != nullptr && std::string_view(update) == "1") {
    fs::create_directories(golden.parent_path());
    std::ofstream(golden, std::ios::binary) << now;
  }
  ASSERT_TRUE(fs::exists(golden)) << kFingerprint << " is missing; OUTRIDER_UPDATE_GOLDEN=1 writes it";
  EXPECT_EQ(now, contents(golden)) << "the results of " << kScenario << " changed";
}

}  // namespace
}  // namespace outrider
