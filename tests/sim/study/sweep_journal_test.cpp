// What a sweep finished is there after it ended in any way, and only that.
#include "sim/study/sweep_journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <stdexcept>

namespace outrider {
namespace {

namespace fs = std::filesystem;

class Journal : public testing::Test {
 protected:
  void SetUp() override {
    file_ = fs::path(testing::TempDir()) /
            (std::string("outrider_journal_") + testing::UnitTest::GetInstance()->current_test_info()->name() + "_" +
             std::to_string(::getpid()));
    fs::remove(file_);
  }
  void TearDown() override { fs::remove(file_); }

  SweepJournal::Opening opening(bool resume, std::uint64_t study = 1) const {
    return {.file = file_, .study = {study, 0}, .points = 3, .resume = resume};
  }
  void fill(std::size_t points) const {
    SweepJournal journal(opening(false));
    for (std::size_t i = 0; i < points; ++i) journal.add(i, "record " + std::to_string(i));
  }
  std::string text() const {
    std::ifstream stream(file_, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  void overwrite(const std::string& text) const { std::ofstream(file_, std::ios::binary) << text; }

  fs::path file_;
};

TEST_F(Journal, GoesOnWhereItWas) {
  fill(2);
  SweepJournal journal(opening(true));
  EXPECT_EQ(journal.done(), 2u);
  EXPECT_EQ(journal.record(1), "record 1");
  EXPECT_FALSE(journal.has(2));
  journal.add(2, "late");
  EXPECT_EQ(journal.record(2), "late");
  EXPECT_EQ(journal.done(), 3u);
}

TEST_F(Journal, IsCutAtEveryPlaceWhereAWriteMayHaveEnded) {
  fill(2);
  const std::string whole = text();
  const std::size_t first = whole.find('\n') + 1, second = whole.find('\n', first) + 1;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    overwrite(whole.substr(0, size));
    {
      SweepJournal journal(opening(true));
      EXPECT_EQ(journal.done(), size < second ? 0u : 1u) << size;
      journal.add(1, "anew");
    }
    SweepJournal again(opening(true));
    EXPECT_EQ(again.record(1), "anew") << size;
  }
}

TEST_F(Journal, TrustsNoLineWhoseChecksumDoesNotFit) {
  fill(3);
  std::string damaged = text();
  damaged[damaged.find("record 1")] = 'R';
  overwrite(damaged);
  SweepJournal journal(opening(true));
  EXPECT_EQ(journal.done(), 1u);
  EXPECT_FALSE(journal.has(1));
  EXPECT_FALSE(journal.has(2));
}

TEST_F(Journal, AnUnfinishedOneIsNotDroppedUnasked) {
  fill(2);
  const std::string before = text();
  EXPECT_THROW(SweepJournal{opening(false)}, std::runtime_error);
  EXPECT_THROW(SweepJournal{opening(true, 2)}, std::runtime_error);
  EXPECT_EQ(text(), before);
}

TEST_F(Journal, ACompleteOneIsReplaced) {
  fill(3);
  EXPECT_EQ(SweepJournal(opening(true)).done(), 3u);
  EXPECT_EQ(SweepJournal(opening(false)).done(), 0u);
}

TEST_F(Journal, IsOneWritersOnly) {
  const SweepJournal journal(opening(false));
  EXPECT_THROW(SweepJournal{opening(true)}, std::runtime_error);
}

}  // namespace
}  // namespace outrider
