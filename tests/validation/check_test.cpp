// The gate on hand-made predictions: what passes, what fails, and what a failure names.
#include "validation/check.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace outrider {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

PointKey scout(std::int64_t batch) { return {.label = "scout", .workload = "sparse", .context = 8192, .batch = batch}; }

// 10 ms a step: 6 of gemm, 4 of attention, which 1 of copies runs beside.
Prediction golden_point(std::int64_t batch) {
  return {.point = scout(batch),
          .tpot_s = 0.010,
          .order = 7,
          .families = {{"attend", 0.004}, {"copy_h2d", 0.001}, {"gemm", 0.006}}};
}

CheckInput untouched() {
  const std::vector<Prediction> points = {golden_point(8), golden_point(64)};
  return {.name = "mine",
          .predictions = points,
          .recorded = {{.point = scout(8), .measured_s = 0.0104}, {.point = scout(64), .measured_s = 0.0098}},
          .golden = Golden{.comments = {}, .budget = {.median = 0.04, .p90 = 0.04, .worst = 0.04}, .points = points}};
}

TEST(Check, PassesUntouched) {
  const CheckedScenario checked = check_predictions(untouched());
  EXPECT_TRUE(checked.passes());
  EXPECT_EQ(checked.measured, 2u);
  EXPECT_NEAR(checked.errors.worst, 0.4 / 10.4, 1e-12);  // |10 ÷ 10.4 − 1|, above |10 ÷ 9.8 − 1|
}

TEST(Check, AStepTimeMayMoveByTheToleranceAndNoFurther) {
  CheckInput input = untouched();
  input.predictions[0].tpot_s = 0.010 * 1.005;
  EXPECT_TRUE(check_predictions(input).passes());
  input.predictions[0].tpot_s = 0.010 * 1.0051;
  ASSERT_EQ(check_predictions(input).findings.size(), 1u);
  EXPECT_EQ(check_predictions(input).findings[0].kind, FindingKind::moved);
  input.tolerance = 0.01;
  EXPECT_TRUE(check_predictions(input).passes());
}

TEST(Check, AMovedStepTimeNamesPointFigureAndTheFamiliesThatMovedMost) {
  CheckInput input = untouched();
  input.predictions[1].tpot_s = 0.0108;
  input.predictions[1].families = {{"attend", 0.0042}, {"copy_h2d", 0.001}, {"gemm", 0.0066}};
  const CheckedScenario checked = check_predictions(input);
  ASSERT_EQ(checked.findings.size(), 4u);  // and |10.8 ÷ 9.8 − 1| is above all budgets
  EXPECT_EQ(to_string(checked.findings[0]),
            "scout, sparse, 8192 x 64: tpot 10 ms → 10.8 ms (+8.00 %); gemm 6 ms → 6.6 ms (+10.00 %), "
            "attend 4 ms → 4.2 ms (+5.00 %)");
}

TEST(Check, AFamilyThatMovesBesideTheCriticalPathIsFound) {
  CheckInput input = untouched();
  input.predictions[0].families[1].seconds = 0.0011;
  const CheckedScenario checked = check_predictions(input);
  ASSERT_EQ(checked.findings.size(), 1u);
  EXPECT_EQ(checked.findings[0].kind, FindingKind::operations);
  EXPECT_THAT(to_string(checked.findings[0]), HasSubstr("copy_h2d 1 ms → 1.1 ms (+10.00 %)"));
}

TEST(Check, AnotherOrderFailsThoughNoTimeMoved) {
  CheckInput input = untouched();
  input.predictions[0].order = 8;
  const CheckedScenario checked = check_predictions(input);
  ASSERT_EQ(checked.findings.size(), 1u);
  EXPECT_EQ(checked.findings[0].kind, FindingKind::order);
  EXPECT_EQ(checked.findings[0].point, scout(8));
}

TEST(Check, PointsThatComeOrGoAreFound) {
  CheckInput input = untouched();
  input.recorded.clear();
  input.predictions[0].point.batch = 16;
  const CheckedScenario checked = check_predictions(input);
  ASSERT_EQ(checked.findings.size(), 2u);
  EXPECT_EQ(to_string(checked.findings[0]), "scout, sparse, 8192 x 16: point not in the golden file → predicted");
  EXPECT_EQ(to_string(checked.findings[1]), "scout, sparse, 8192 x 8: point predicted → no longer in the scenario");
}

TEST(Check, APointThatNoLongerFitsIsFoundAndHasNoError) {
  CheckInput input = untouched();
  input.predictions[0] = {.point = scout(8), .fits = false, .families = {}};
  const CheckedScenario checked = check_predictions(input);
  EXPECT_EQ(checked.measured, 1u);
  ASSERT_EQ(checked.findings.size(), 1u);
  EXPECT_EQ(to_string(checked.findings[0]), "scout, sparse, 8192 x 8: point fits → does not fit");
}

TEST(Check, AnErrorAboveItsBudgetFailsAndTheWorstNamesItsPoint) {
  CheckInput input = untouched();
  input.recorded[1].measured_s = 0.008;  // 10 ÷ 8: 25 % too slow
  const CheckedScenario checked = check_predictions(input);
  ASSERT_EQ(checked.findings.size(), 3u);  // of two points, the median and P90 are the larger
  EXPECT_EQ(to_string(checked.findings[0]), "median error 4 % allowed → 25 %");
  EXPECT_EQ(to_string(checked.findings[2]), "scout, sparse, 8192 x 64: worst error 4 % allowed → 25 %");
}

TEST(Check, ARecordedStepOfNoPointIsAnErrorWithItsLine) {
  CheckInput input = untouched();
  const RecordedStep unknown{.point = scout(9), .measured_s = 0.01, .line = 4};
  input.recorded.push_back(unknown);
  ConfigErrors errors;
  refuse_unknown_steps(input, input.recorded, "steps.csv", errors);
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(to_string(errors.all()[0]),
            "steps.csv:4:1: expected a point of scenario mine, got 'scout, sparse, 8192 x 9'");
}

// Each against its own prediction; a point's error is the median of its machines'.
TEST(Check, EachMachineIsComparedWithThePredictionForItsOwnDram) {
  CheckInput input = untouched();
  input.recorded = {{.point = scout(8), .measured_s = 0.010},
                    {.point = scout(8), .measured_s = 0.012, .predicted_s = 0.0117},
                    {.point = scout(8), .measured_s = 0.020, .predicted_s = 0.0190}};
  const CheckedScenario checked = check_predictions(input);
  EXPECT_EQ(checked.measured, 1u);
  EXPECT_NEAR(*checked.points[0].error(), -0.025, 1e-12);
  EXPECT_NEAR(checked.errors.median, 0.025, 1e-12);
  EXPECT_NEAR(checked.errors.worst, 0.05, 1e-12);
  ASSERT_EQ(checked.findings.size(), 2u);  // P90 and worst
  EXPECT_EQ(checked.findings[1].point, scout(8));
}

class CheckFiles : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    file_ = std::filesystem::temp_directory_path() / fmt::format("outrider_check_{}_{}", test->name(), ::getpid());
  }
  void TearDown() override { std::filesystem::remove(file_); }

  void write(const std::string& text) const { std::ofstream(file_) << text; }
  std::vector<std::string> errors_of(const ConfigErrors& errors) const {
    std::vector<std::string> texts;
    for (ConfigError each : errors.all()) {
      each.file = "f";
      texts.push_back(to_string(each));
    }
    return texts;
  }

  std::filesystem::path file_;
};

TEST_F(CheckFiles, GoldenFilesReadBackAsTheyWereWritten) {
  CheckInput input = untouched();
  input.golden.reset();
  input.predictions.push_back({.point = scout(999), .fits = false, .families = {}});
  const Golden first = updated_golden(check_predictions(input), std::nullopt);
  EXPECT_DOUBLE_EQ(first.budget.worst, 0.04);  // 3.85 %, rounded up to half percents
  write(golden_text(first));
  ConfigErrors errors;
  const auto read = read_golden(file_, errors);
  ASSERT_TRUE(read) << errors_of(errors)[0];
  EXPECT_EQ(golden_text(*read), golden_text(first));
  input.golden = read;
  EXPECT_TRUE(check_predictions(input).passes());
}

TEST_F(CheckFiles, AnUpdateKeepsBudgetAndComments) {
  CheckInput input = untouched();
  input.golden->comments = {"# mine", "# budget: median 4 %, P90 4 %, worst 4 %"};
  input.predictions[0].tpot_s = 0.02;
  const Golden updated = updated_golden(check_predictions(input), input.golden);
  EXPECT_EQ(updated.comments, input.golden->comments);
  EXPECT_EQ(updated.budget.worst, 0.04);
  EXPECT_EQ(updated.points[0].tpot_s, 0.02);
}

TEST_F(CheckFiles, MistakesInAGoldenFileAreAllReportedWithTheirLines) {
  write(
      "# budget: median 4, P90 4 %, worst 4 %\nlabel,workload,context,batch,tpot_s,order,families\n"
      "a,w,1,1,-1,0123456789abcdef,x=1\na,w,1,1,1,xyz,x=1\nb,w,1,1,1,0123456789abcdef,x\nc,w,1\n");
  ConfigErrors errors;
  EXPECT_FALSE(read_golden(file_, errors));
  EXPECT_THAT(errors_of(errors), ElementsAre("f:6:1: expected 7 columns as in the header, got c,w,1"));
  write(
      "# budget: median 4, P90 4 %, worst 4 %\nlabel,workload,context,batch,tpot_s,order,families\n"
      "a,w,1,1,-1,0123456789abcdef,x=1\na,w,1,1,1,xyz,x=1\nb,w,1,1,1,0123456789abcdef,x\n");
  ConfigErrors more;
  EXPECT_FALSE(read_golden(file_, more));
  EXPECT_THAT(errors_of(more),
              ElementsAre("f:1:1: expected one line '# budget: median 6 %, P90 21 %, worst 22 %', got '# budget: "
                          "median 4, P90 4 %, worst 4 %'",
                          "f:3:1: tpot_s: expected seconds above 0, got '-1'",
                          "f:4:1: order: expected 16 hexadecimal digits, got 'xyz'",
                          "f:4:1: expected each point once (line 3), got 'a, w, 1 x 1'",
                          "f:5:1: families: expected name=seconds;…, got 'x'"));
}

TEST_F(CheckFiles, RecordedStepsThatWereNotExecutedAreLeftOut) {
  write(
      "method,preset,workload,context,batch,measured_s,not_executed\nfull_kv,default,w,4096,1,0.004,\n"
      "full_kv,default,w,4096,0,,does not fit\n");
  ConfigErrors errors;
  const auto steps = read_recorded_steps(file_, errors);
  ASSERT_TRUE(steps);
  ASSERT_EQ(steps->size(), 1u);
  EXPECT_EQ(steps->front().line, 2);
  EXPECT_EQ(steps->front().measured_s, 0.004);
}

TEST_F(CheckFiles, MistakesInRecordedStepsHaveTheirLines) {
  ConfigErrors none;
  EXPECT_FALSE(read_recorded_steps(file_, none));
  EXPECT_THAT(errors_of(none), ElementsAre("f: expected a CSV file that can be read, got none"));
  write("method,batch\n");
  ConfigErrors header;
  EXPECT_FALSE(read_recorded_steps(file_, header));
  EXPECT_THAT(errors_of(header), ElementsAre("f:1:1: expected a header with the columns method, workload, context, "
                                             "batch, measured_s, got method,batch"));
  write("method,workload,context,batch,measured_s\na,w,4k,1,1\na,w,1,1,fast\na,w,1,1,nan\n");
  ConfigErrors cells;
  EXPECT_FALSE(read_recorded_steps(file_, cells));
  EXPECT_THAT(errors_of(cells), ElementsAre("f:2:1: context: expected a whole number, got '4k'",
                                            "f:3:1: measured_s: expected seconds above 0, got 'fast'",
                                            "f:4:1: expected each point once (line 3), got 'a, w, 1 x 1'",
                                            "f:4:1: measured_s: expected seconds above 0, got 'nan'"));
}

}  // namespace
}  // namespace outrider
