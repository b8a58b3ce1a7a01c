// `outrider check` as CI runs it: it passes untouched, and names what a changed coefficient moved.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

#include "sim/cli/report_check.h"

namespace outrider {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const fs::path kRoot = OUTRIDER_SOURCE_DIR;

std::string contents(const fs::path& file) {
  std::ifstream stream(file);
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

struct Outcome {
  int code = -1;
  std::string out, error;
};

class CheckProgram : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::temp_directory_path() / fmt::format("outrider_check_test_{}_{}", test->name(), ::getpid());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  Outcome run(const std::string& arguments) const {
    const std::string line = fmt::format("cd '{0}' && OUTRIDER_HOME='{1}' '{2}' {3} >'{0}/out' 2>'{0}/error'",
                                         folder_.string(), OUTRIDER_SOURCE_DIR, OUTRIDER_PROGRAM, arguments);
    const int status = std::system(line.c_str());
    return {.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
            .out = contents(folder_ / "out"),
            .error = contents(folder_ / "error")};
  }

  // The H200 machine's profile with one coefficient multiplied, its interval widened to hold it.
  void write_profile(const std::string& coefficient, double factor) const {
    const std::string text = contents(kRoot / "calibration/data/h200-16c/profile.yaml");
    const std::regex figures(coefficient + R"(: \{value: ([^,]+), low: [^,]+, high: [^,}]+)");
    std::smatch found;
    ASSERT_TRUE(std::regex_search(text, found, figures)) << coefficient;
    const double value = std::stod(found[1]) * factor;
    const std::string changed = fmt::format("{}: {{value: {}, low: {}, high: {}", coefficient, value, value, value);
    std::ofstream(folder_ / "profile.yaml") << std::regex_replace(text, figures, changed);
  }

  // A scenario of one small point, and rows of measured steps.
  void write_own(const std::string& steps) const {
    std::ofstream(folder_ / "mine.yaml") << "name: mine\nmodel: llama-3.1-8b\nmachine: h200-16c\nmethods: [full_kv]\n"
                                            "workloads:\n  - name: steps\n    contexts: [4K]\n    batches: [1]\n"
                                            "    decode_steps: 2\n    warmup_steps: 1\n    prefill: false\n";
    fs::create_directories(folder_ / "recorded");
    std::ofstream(folder_ / "recorded/steps.csv") << "method,workload,context,batch,measured_s\n" << steps;
  }

  fs::path folder_;
};

TEST_F(CheckProgram, PassesUntouched) {
  const Outcome outcome = run("check");
  EXPECT_EQ(outcome.code, 0) << outcome.out << outcome.error;
  for (const char* name : {"validation/h200-llama-3.1-8b", "validation/h200-qwen3-14b"})
    EXPECT_THAT(outcome.out, HasSubstr(name));
}

TEST_F(CheckProgram, ACoefficientChangedByATenthFailsAndNamesWhatMoved) {
  write_profile("gpu.gemm_hbm_efficiency", 0.9);
  const Outcome outcome = run("check validation/h200-llama-3.1-8b --set profile=profile.yaml");
  EXPECT_EQ(outcome.code, 3) << outcome.error;
  EXPECT_THAT(outcome.out, HasSubstr("fails"));
  EXPECT_TRUE(std::regex_search(
      outcome.out, std::regex(R"(full_kv, resident, 4096 x 1: tpot \S+ ms → \S+ ms \(\+\S+ %\); gemm \S+ ms → )")))
      << outcome.out;
}

TEST_F(CheckProgram, ACoefficientOffTheCriticalPathIsNoticedToo) {
  write_profile("link.copy_latency", 1.1);
  const Outcome outcome = run("check validation/h200-llama-3.1-8b --set profile=profile.yaml --json");
  EXPECT_EQ(outcome.code, 3) << outcome.error;
  const auto json = nlohmann::json::parse(outcome.out);
  EXPECT_FALSE(json["passes"]);
  const auto& findings = json["scenarios"][0]["findings"];
  ASSERT_FALSE(findings.empty());
  for (const auto& each : findings) EXPECT_EQ(each["families"][0]["name"].get<std::string>().find("copy"), 0u) << each;
}

TEST_F(CheckProgram, OnesOwnScenarioNeedsAGoldenFileWhichAnUpdateWrites) {
  write_own("full_kv,steps,4096,1,0.0045\n");
  const Outcome missing = run("check mine.yaml --recorded recorded");
  EXPECT_EQ(missing.code, 2);
  EXPECT_THAT(missing.error, HasSubstr("golden/mine.csv: expected golden predictions, got no file"));
  const Outcome written = run("check mine.yaml --recorded recorded --update-golden");
  EXPECT_EQ(written.code, 0) << written.error;
  EXPECT_THAT(written.out, StartsWith("mine: 1 new points; error "));
  EXPECT_EQ(run("check mine.yaml --recorded recorded").code, 0);
  write_own("full_kv,steps,4096,1,0.009\n");
  const Outcome slow = run("check mine.yaml --recorded recorded");
  EXPECT_EQ(slow.code, 3);
  EXPECT_THAT(slow.out, HasSubstr("worst error"));
}

TEST_F(CheckProgram, AnUpdateSaysWhatMoved) {
  write_own("full_kv,steps,4096,1,0.0047\n");
  ASSERT_EQ(run("check mine.yaml --recorded recorded --update-golden").code, 0);
  std::string golden = contents(folder_ / "golden/mine.csv");
  golden = std::regex_replace(golden, std::regex(",4096,1,[^,]+"), ",4096,1,0.004");
  std::ofstream(folder_ / "golden/mine.csv") << golden;
  EXPECT_EQ(run("check mine.yaml --recorded recorded").code, 3);
  const Outcome updated = run("check mine.yaml --recorded recorded --update-golden");
  EXPECT_EQ(updated.code, 0);
  EXPECT_THAT(updated.out, HasSubstr("mine: 1 of 1 points changed"));
  EXPECT_THAT(updated.out, HasSubstr("full_kv, steps, 4096 x 1: tpot 4 ms → "));
  EXPECT_EQ(run("check mine.yaml --recorded recorded").code, 0);
}

TEST_F(CheckProgram, BadRecordingsAreRefusedWithTheirLines) {
  write_own("full_kv,steps,4096,1,fast\nfull_kv,steps,4096\n");
  EXPECT_THAT(run("check mine.yaml --recorded recorded").error,
              HasSubstr("recorded/steps.csv:3:1: expected 5 columns"));
  write_own("full_kv,steps,4096,2,0.0045\n");
  const Outcome unknown = run("check mine.yaml --recorded recorded --update-golden");
  EXPECT_EQ(unknown.code, 2);
  EXPECT_THAT(unknown.error, HasSubstr("recorded/steps.csv:2:1: expected a point of scenario mine"));
  EXPECT_FALSE(fs::exists(folder_ / "golden/mine.csv"));
  const Outcome none = run("check mine.yaml --recorded nowhere");
  EXPECT_EQ(none.code, 2);
  EXPECT_THAT(none.error, HasSubstr("nowhere/mine/steps.csv: expected a CSV file that can be read, got none"));
}

TEST_F(CheckProgram, JUnitFilesHaveACaseForEachPointAndBudget) {
  const Outcome outcome = run("check validation/h200-qwen3-14b --junit reports/check.xml");
  EXPECT_EQ(outcome.code, 0) << outcome.error;
  const std::string xml = contents(folder_ / "reports/check.xml");
  EXPECT_THAT(xml, StartsWith("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites"));
  EXPECT_THAT(xml, HasSubstr("<testsuite name=\"validation/h200-qwen3-14b\" tests=\"29\" failures=\"0\">"));
}

// Every element that opens also closes, in order, and attributes hold no raw markup.
void expect_well_formed(const std::string& xml) {
  const std::regex tag(R"(<(/?)([a-z]+)((?: [a-z]+="[^"<>]*")*)(/?)>)");
  std::vector<std::string> open;
  std::string rest = std::regex_replace(xml.substr(xml.find("?>") + 2), tag, "");
  EXPECT_EQ(rest.find_first_not_of(" \n"), std::string::npos) << rest;
  EXPECT_FALSE(std::regex_search(xml, std::regex("&(?!(amp|lt|gt|quot);)"))) << xml;
  for (std::sregex_iterator at(xml.begin(), xml.end(), tag), end; at != end; ++at) {
    if ((*at)[4].length() > 0) continue;
    if ((*at)[1].length() == 0) {
      open.push_back((*at)[2]);
    } else {
      ASSERT_FALSE(open.empty());
      EXPECT_EQ(open.back(), (*at)[2].str());
      open.pop_back();
    }
  }
  EXPECT_TRUE(open.empty());
}

TEST(CheckReport, JUnitIsWellFormedWhateverNamesHold) {
  const PointKey odd{.label = "a<b>&\"c\"\x01", .workload = "w", .context = 1, .batch = 1};
  const CheckedScenario checked{
      .name = "x & y",
      .errors = {},
      .budget = {},
      .points = {{.now = {.point = odd, .families = {}}, .golden = {}, .recordings = {}}},
      .findings = {{.kind = FindingKind::moved, .point = odd, .figure = "tpot", .was = "<1>", .is = "2"},
                   {.kind = FindingKind::budget, .point = odd, .figure = "worst error", .was = "1", .is = "2"}}};
  const std::string xml = check_junit({checked});
  expect_well_formed(xml);
  EXPECT_THAT(xml, HasSubstr("tests=\"4\" failures=\"2\""));
  EXPECT_THAT(xml, Not(HasSubstr("\x01")));
}

}  // namespace
}  // namespace outrider
