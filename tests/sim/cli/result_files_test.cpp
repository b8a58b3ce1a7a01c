// Where a run's files go and what they are.
#include "sim/cli/result_files.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "sim/cli/console.h"
#include "sim/cli/report_csv.h"
#include "tests/sim/cli/fake_report.h"

namespace outrider {
namespace {

namespace fs = std::filesystem;

std::string contents(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

class ResultFiles : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::temp_directory_path() / (std::string("outrider_result_files_test_") + test->name());
    fs::remove_all(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path folder_;
};

TEST(ResultsFolderName, StaysBelowTheFolderItIsJoinedTo) {
  EXPECT_EQ(results_folder_name("paper/scout"), "paper/scout");
  EXPECT_EQ(results_folder_name("../../etc/passwd"), "etc/passwd");
  EXPECT_EQ(results_folder_name("/absolute"), "absolute");
  EXPECT_EQ(results_folder_name("a b\n$(rm)"), "a-b---rm-");
  EXPECT_EQ(results_folder_name(".."), "scenario");
  EXPECT_EQ(results_folder_name(""), "scenario");
}

TEST(DefaultTimeline, IsTheFirstScoutLikePointThatFits) {
  RunReport report = fake_report();
  std::swap(report.points[0], report.points[1]);  // full_kv first
  const auto point = default_timeline(report);
  ASSERT_TRUE(point.has_value());
  EXPECT_EQ(point->label, "scout");
  EXPECT_EQ(point->context, 65536);
  EXPECT_EQ(point->batch, 40);
  report.points[1].fits = false;
  EXPECT_EQ(default_timeline(report)->label, "full_kv");
  report.points[0].fits = false;
  EXPECT_FALSE(default_timeline(report).has_value());
}

TEST_F(ResultFiles, AreWrittenAndListed) {
  const WrittenFiles written = write_result_files(fake_report(), std::nullopt, folder_ / "deep");
  ASSERT_EQ(written.files.size(), 3U);
  for (const std::string& file : written.files) EXPECT_TRUE(fs::is_regular_file(written.folder / file)) << file;
  EXPECT_EQ(contents(folder_ / "deep/results.csv"), results_csv(fake_report()));
  EXPECT_EQ(nlohmann::json::parse(contents(folder_ / "deep/results.json"))["scenario"], "paper/scout");
  EXPECT_EQ(written.note, "No timeline: no point fits.");
  // Nothing else, such as a temporary file, stays behind.
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_ / "deep"), fs::directory_iterator()), 3);
}

TEST_F(ResultFiles, OfAnEarlierRunDoNotStayBehind) {
  fs::create_directories(folder_);
  std::ofstream(folder_ / "claims.csv") << "old";
  std::ofstream(folder_ / "timeline.json") << "old";
  RunReport report = fake_report();
  report.claims.clear();
  write_result_files(report, std::nullopt, folder_);
  EXPECT_FALSE(fs::exists(folder_ / "claims.csv"));
  EXPECT_FALSE(fs::exists(folder_ / "timeline.json"));
}

TEST_F(ResultFiles, ThatCannotBeWrittenAreAnErrorOfTheEnvironment) {
  std::ofstream(folder_.string()) << "a file where the folder should be";
  EXPECT_THROW(write_result_files(fake_report(), std::nullopt, folder_), EnvironmentError);
  fs::remove(folder_);
  fs::create_directories(folder_ / "results.csv" / "occupied");  // a folder where the file should be
  EXPECT_THROW(write_result_files(fake_report(), std::nullopt, folder_), EnvironmentError);
}

}  // namespace
}  // namespace outrider
