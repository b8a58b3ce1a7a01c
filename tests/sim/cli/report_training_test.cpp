// Rows of training in the reports: their own table, step times in place of times per token, and what binds them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "sim/cli/report_csv.h"
#include "sim/cli/report_json.h"
#include "sim/cli/report_text.h"
#include "sim/io/csv_table.h"
#include "tests/sim/cli/fake_report.h"

namespace outrider {
namespace {

using testing::HasSubstr;
using testing::Not;

RunReport with_training() {
  RunReport report;
  PointResult point = fake_point("fp4", "train_step", 1000.0);
  point.workload = "step";
  point.kind = WorkloadKind::training;
  point.micro_batches = 8;
  point.automatic_batch = false;
  point.ttft = Seconds(0.0);
  point.facts.training = {.cost = 0.5714, .ffn_share = 0.571, .projection_share = 0.286, .attention_share = 0.143};
  point.parts = {{"DRAM", 0.75}, {"GPU", 0.25}};
  report.points = {fake_point("full_kv", "full_kv", 100.0), point};
  report.points[0].workload = "decode";
  return report;
}

// Of a column before the first text with commas.
std::string field(const std::vector<std::string>& lines, std::size_t row, const std::string& heading) {
  const std::vector<std::string> headings = split_cells(lines[0], ','), fields = split_cells(lines[row], ',');
  for (std::size_t i = 0; i < headings.size(); ++i) {
    if (headings[i] == heading) return fields[i];
  }
  ADD_FAILURE() << "no column " << heading;
  return "";
}

TEST(ReportTraining, HasATableOfItsOwn) {
  const std::string text = points_text(with_training(), {});
  EXPECT_THAT(text, HasSubstr("TPOT ms"));
  EXPECT_THAT(text, HasSubstr("FLOP cost"));
  EXPECT_THAT(text, HasSubstr("57.1 %"));
  EXPECT_THAT(text, HasSubstr("8 × 4"));
  EXPECT_THAT(text, HasSubstr("DRAM 75"));
  const std::string decode = text.substr(0, text.find("step\n"));
  EXPECT_THAT(decode, Not(HasSubstr("FLOP cost")));
}

TEST(ReportTraining, ColumnsOfTheOtherKindAreEmpty) {
  const std::vector<std::string> lines = split_cells(results_csv(with_training()), '\n');
  EXPECT_EQ(field(lines, 1, "kind"), "decode");
  EXPECT_EQ(field(lines, 1, "training_cost"), "");
  EXPECT_EQ(field(lines, 1, "tpot_s"), field(lines, 1, "step_s"));
  EXPECT_EQ(field(lines, 2, "kind"), "training");
  EXPECT_EQ(field(lines, 2, "training_cost"), "0.5714");
  EXPECT_EQ(field(lines, 2, "tpot_s"), "");
  EXPECT_EQ(field(lines, 2, "step_s"), "0.004");
  EXPECT_EQ(field(lines, 2, "micro_batches"), "8");
  EXPECT_EQ(field(lines, 2, "bound_by"), "DRAM");
  EXPECT_EQ(field(lines, 2, "bound_share"), "0.75");
}

TEST(ReportTraining, JsonSaysWhatBindsAndNullsWhatIsNotOfItsKind) {
  const auto json = report_json(with_training());
  EXPECT_TRUE(json["points"][0]["training"].is_null());
  const auto& point = json["points"][1];
  EXPECT_EQ(point["kind"], "training");
  EXPECT_TRUE(point["tpot_s"].is_null());
  EXPECT_DOUBLE_EQ(point["training"]["cost"], 0.5714);
  EXPECT_EQ(point["parts"][0]["part"], "DRAM");
}

}  // namespace
}  // namespace outrider
