// What `validate` reports of executed points: tables, files, and that every field of the JSON is documented.
#include "sim/cli/report_validate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "sim/cli/report_json.h"
#include "tests/sim/cli/fake_report.h"
#include "tests/sim/cli/json_fields.h"
#include "validation/golden.h"

namespace outrider {
namespace {

using testing::HasSubstr;
using testing::Not;

Duration us(std::int64_t value) { return Duration::from_ps(value * 1'000'000); }

ActivityDiff share_of(const std::string& name, double simulated, double measured) {
  ActivityDiff diff{.name = name, .simulated = simulated, .measured = measured, .spread = 0.01};
  diff.has_ledger = name != "overlap";
  if (name != "gpu_compute") return diff;
  diff.measured_ledger.queue = us(120);
  diff.simulated_ledger.queue = us(90);
  diff.simulated_ledger.contention = us(30);
  return diff;
}

// 8 % slower in the simulation than measured; its repeats spread by 1 %, and timing lengthened its steps by a tenth.
MeasuredPoint executed_point() {
  MeasuredPoint point;
  point.predicted = fake_point("scout", "scout", 500.0);
  point.predicted.tpot = Seconds(0.0108);
  point.repeats = {Seconds(0.0100), Seconds(0.0101), Seconds(0.0100)};
  point.predicted.tpot_slowest = Seconds(0.0109);
  point.measured = Seconds(0.01);
  point.measured_slowest = Seconds(0.0102);
  point.spread = 0.01;
  point.host = {.dram_read = BytesPerSecond(120e9), .cpu_workers = 15};
  point.timed = Seconds(0.011);
  point.activities = {share_of("gpu_compute", 0.93, 0.90), share_of("copies_h2d", 0.02, 0.03),
                      share_of("copies_d2h", 0.0, 0.0), share_of("cpu", 0.5, 0.58), share_of("overlap", 0.40, 0.42)};
  point.operations.families = {{.name = "cpu_attend",
                                .ops = 4,
                                .ran = {us(100), us(150)},
                                .queue = {us(5), us(9)},
                                .predicted_contention = us(7)}};
  point.operations.worst = {
      {.name = "cpu_attend", .lane = "cpu queue", .layer = 12, .step = 3, .op = 7, .ran = {us(20), us(105)}}};
  point.facts.device = "some GPU";
  point.facts.cpu_workers = 15;
  return point;
}

MeasuredPoint impossible_point() {
  MeasuredPoint point;
  point.predicted = fake_point("hgca", "hgca", 100.0);
  point.impossible = "no GPU, \"none\"";
  return point;
}

ValidationReport fake_validation() {
  const ResultShape shape{.q_heads = 8, .kv_heads = 2, .head_dim = 128, .blocks = 40, .selected = 16, .offloaded = 5};
  const auto check = [](double error) {
    return ResultCheck{.kernels = "CPU avx2", .what = "parts merged", .error = error, .bound = 3e-5};
  };
  return {.about = fake_report(),
          .points = {executed_point(), impossible_point()},
          .results = {{.label = "scout", .context = 1024, .shape = shape, .check = check(1e-6)},
                      {.label = "hgca", .context = 8192, .shape = shape, .check = check(2e-6)}}};
}

TEST(ValidationText, ShowsTheErrorBesideTheNoiseFloor) {
  const std::string text = validation_text(fake_validation(), {});
  EXPECT_THAT(text, HasSubstr("1 of 2 points executed: error 8.0 % in the median"));
  EXPECT_THAT(text, HasSubstr("repeats spread by 1.0 % in the median,\nand 0 errors are no larger than the spread"));
}

TEST(ValidationText, ShowsSharesWithTheirDifferenceInPoints) {
  const std::string text = validation_text(fake_validation(), {});
  EXPECT_THAT(text, HasSubstr("42.0 % -2.0  90.0 % +3.0"));
  EXPECT_THAT(text, HasSubstr("58.0 % -8.0"));
  EXPECT_THAT(text, HasSubstr("+10.0 %"));
  EXPECT_THAT(text, HasSubstr("0.12 / 0.09"));
  EXPECT_THAT(text, HasSubstr("cpu_attend -85 us, layer 12, step 3"));
}

TEST(ValidationText, SaysWhatItShowsOfSeveralGpus) {
  EXPECT_THAT(validation_text(fake_validation(), {}), Not(HasSubstr("GPUs")));
  ValidationReport report = fake_validation();
  for (MeasuredPoint& point : report.points) point.predicted.gpus = 2;
  const std::string text = validation_text(report, {});
  EXPECT_THAT(text, HasSubstr("2 GPUs at once, each with that batch: step times are means over them"));
  EXPECT_THAT(text, HasSubstr("2 × 4"));
}

// The CPU's 8 points break the goal.
TEST(ValidationText, CountsThePointsThatKeepTheGoal) {
  const std::string text = validation_text(fake_validation(), {});
  EXPECT_THAT(text, HasSubstr("within 5 points of the measured ones at 0 of 1 points; "));
  EXPECT_THAT(text, HasSubstr("copies_h2d at 1, cpu at 0, gpu_compute at 1, overlap at 1.\n"));
  ValidationReport report = fake_validation();
  for (ActivityDiff& each : report.points.front().activities) each.simulated = each.measured - 0.04;
  EXPECT_THAT(validation_text(report, {}), HasSubstr("within 5 points of the measured ones at 1 of 1 points; "));
}

TEST(ValidationText, WithoutTimedOperationsThereAreNoTablesOfThem) {
  ValidationReport report = fake_validation();
  report.points.front().timed = Seconds();
  report.points.front().operations = {};
  report.points.front().activities = {share_of("cpu", 0.5, 0.58)};
  report.points.front().activities.front().has_ledger = false;
  const std::string text = validation_text(report, {});
  EXPECT_THAT(text, HasSubstr("58.0 % -8.0"));
  EXPECT_THAT(text, Not(HasSubstr("each operation timed")));
  EXPECT_THAT(text, Not(HasSubstr("within 5 points")));
}

TEST(ValidationText, ShowsTheResultNearestToItsBound) {
  const std::string text = validation_text(fake_validation(), {});
  EXPECT_THAT(text,
              HasSubstr("CPU avx2  parts merged       2  2e-06  3e-05  hgca at 8k, 16 of 40 blocks, 5 by the CPU\n"));
  EXPECT_THAT(text, HasSubstr("All 2 results are within their bounds.\n"));
  EXPECT_TRUE(fake_validation().results_pass());
}

TEST(ValidationText, SaysSoWhenAResultIsWrong) {
  ValidationReport report = fake_validation();
  report.results.front().check.error = 4e-5;
  EXPECT_FALSE(report.results_pass());
  EXPECT_THAT(validation_text(report, {}), HasSubstr("WRONG RESULTS: 1 of 2 checks fail.\n"));
  report.results.front().check.error = std::nan("");
  EXPECT_FALSE(report.results_pass());
  EXPECT_THAT(validation_text(report, {}), HasSubstr("nan  3e-05  scout at 1k"));
  report.results.front().check = {.kernels = "GPU", .what = "selection", .wrong = "a block is missing"};
  EXPECT_FALSE(report.results_pass());
  EXPECT_THAT(validation_text(report, {}), HasSubstr("5 by the CPU: a block is missing"));
  EXPECT_FALSE(validation_json(report)["results"][0]["passes"]);
}

TEST(ValidationFiles, StepsAreReadBackByTheGate) {
  const std::filesystem::path file = std::filesystem::path(testing::TempDir()) / "report_validate_steps.csv";
  std::ofstream(file) << steps_csv(fake_validation().points);
  ConfigErrors errors;
  const auto steps = read_recorded_steps(file, errors);
  std::filesystem::remove(file);
  ASSERT_TRUE(steps.has_value());
  ASSERT_EQ(steps->size(), 1U);
  EXPECT_EQ(steps->front().point.label, "scout");
  EXPECT_DOUBLE_EQ(steps->front().measured_s, 0.01);
}

TEST(ValidationFiles, StepsNameTheWorstOperation) {
  const std::string csv = steps_csv(fake_validation().points);
  EXPECT_THAT(csv, HasSubstr(",0.01,0.0100,1.2e+11,15,0.0108,0.0800,0.0102,0.0109,0.011,cpu_attend,12,3,0.000105,2e-05,"
                             "\n"));
  EXPECT_THAT(csv, HasSubstr(",no GPU   none\n"));
}

TEST(ValidationFiles, SharesHaveARowForEachActivityAndTheOverlap) {
  const std::string csv = shares_csv(fake_validation().points);
  EXPECT_THAT(csv, HasSubstr(",gpu_compute,0.9000,0.0100,0.9300,3.00,0.1000,0.0700,0,0.00012,9e-05,3e-05\n"));
  EXPECT_THAT(csv, HasSubstr(",overlap,0.4200,0.0100,0.4000,-2.00,,,,,,\n"));
  EXPECT_THAT(operations_csv(fake_validation().points), HasSubstr(",cpu_attend,4,0.00015,0.0001,9e-06,5e-06,7e-06\n"));
}

TEST(ValidationJson, EveryFieldIsDocumentedInTheHeader) {
  const auto json = validation_json(fake_validation());
  EXPECT_EQ(json["points"][0]["shares"].size(), 5U);
  EXPECT_TRUE(json["points"][0]["shares"][4]["idle_measured"].is_null());
  EXPECT_EQ(json["points"][1]["not_executed"], "no GPU, \"none\"");
  EXPECT_FALSE(json["points"][1].contains("measured_s"));
  const std::set<std::string> words = documented_words("report_validate.h"), keys = keys_of(json);
  EXPECT_GT(keys.size(), 40U);
  for (const std::string& key : keys) EXPECT_EQ(words.count(key), 1U) << key;
}

}  // namespace
}  // namespace outrider
