// Extrapolated rows as text, CSV and JSON: a short mark, one line for all, and every figure in the files.
#include "sim/cli/report_extrapolation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "sim/cli/report_csv.h"
#include "sim/cli/report_explain.h"
#include "sim/cli/report_json.h"
#include "sim/cli/report_text.h"
#include "tests/sim/cli/fake_report.h"

namespace outrider {
namespace {

using testing::HasSubstr;
using testing::Not;

Extrapolation rows_of_gemm(double rows, double share) {
  return {
      .part = "step", .operation = "gemm", .size = "rows", .value = rows, .low = 8.0, .high = 4096.0, .share = share};
}

RunReport marked_report() {
  RunReport report = fake_report();
  report.points[0].extrapolated = {rows_of_gemm(8192.0, 0.34), rows_of_gemm(2.0, 0.02)};
  report.points[1].extrapolated = {rows_of_gemm(16384.0, 0.12),
                                   {.part = "prefill",
                                    .operation = "copy_d2h",
                                    .size = "fragment_bytes",
                                    .value = 2147483648.0,
                                    .low = 4096.0,
                                    .high = 268435456.0,
                                    .share = 0.5}};
  return report;
}

TEST(ReportExtrapolation, SaysHowFarAndHowMuch) {
  EXPECT_EQ(extrapolation_text(rows_of_gemm(8192.0, 0.34)), "gemm rows 8192, sampled up to 4096 (34 % of the step)");
  EXPECT_EQ(extrapolation_text(rows_of_gemm(2.0, 0.02)), "gemm rows 2, sampled from 8 (2 % of the step)");
  EXPECT_EQ(extrapolation_text(marked_report().points[1].extrapolated[1]),
            "copy_d2h fragment bytes 2.00 GiB, sampled up to 256 MiB (50 % of the prefill)");
}

TEST(ReportExtrapolation, ARowIsMarkedShortlyAndOnlyWhereItMatters) {
  const RunReport report = marked_report();
  EXPECT_EQ(extrapolation_mark(report.points[0]), "extrapolated: step");
  EXPECT_EQ(extrapolation_mark(report.points[1]), "extrapolated: step, TTFT");
  PointResult hardly = report.points[0];
  hardly.extrapolated = {rows_of_gemm(2.0, 0.02)};
  EXPECT_EQ(extrapolation_mark(hardly), "");
  EXPECT_EQ(extrapolation_mark(fake_report().points[0]), "");
}

TEST(ReportExtrapolation, OneLineNamesEachOperationOnceWhereItIsFarthest) {
  EXPECT_EQ(extrapolations_caveat(marked_report()),
            "extrapolated rows spend at least 5 % of their time in operations more than 1.25× beyond the sizes that "
            "the profile was fitted to: gemm rows 16384, sampled up to 4096 (2 rows, up to 34 % of the step); copy_d2h "
            "fragment bytes 2.00 GiB, sampled up to 256 MiB (1 row, 50 % of the prefill)");
  EXPECT_EQ(extrapolations_caveat(fake_report()), "");
}

TEST(ReportExtrapolation, TheTableHasTheMarkAndTheLine) {
  const std::string text = report_text(marked_report(), {});
  EXPECT_THAT(text, HasSubstr("CPU attention on DRAM 30 % [extrapolated: step]\n"));
  EXPECT_THAT(text, HasSubstr("\nNote: extrapolated rows spend"));
  EXPECT_THAT(report_text(fake_report(), {}), Not(HasSubstr("extrapolated")));
}

TEST(ReportExtrapolation, FilesCarryWhatIsListedEvenWhereItIsNotMarked) {
  const std::string csv = results_csv(marked_report());
  EXPECT_THAT(csv, HasSubstr("\"gemm rows 8192, sampled up to 4096 (34 % of the step) | "
                             "gemm rows 2, sampled from 8 (2 % of the step)\""));
  const auto json = report_json(marked_report());
  EXPECT_EQ(json["points"][0]["extrapolated"].size(), 2U);
  EXPECT_EQ(json["points"][0]["extrapolated"][1]["value"], 2.0);
  EXPECT_EQ(json["points"][1]["extrapolated"][1]["sampled_high"], 268435456.0);
  EXPECT_TRUE(json["points"][2]["extrapolated"].empty());
}

TEST(ReportExtrapolation, ExplainNamesThemAll) {
  Explanation explanation{.provenance = fake_report(), .detail = {}, .hbm_capacity = {}, .dram_capacity = {}};
  explanation.detail.result = marked_report().points[0];
  const std::string text = explain_text(explanation, {});
  EXPECT_THAT(text, HasSubstr("Extrapolated: gemm rows 8192, sampled up to 4096 (34 % of the step)\n"));
  EXPECT_THAT(text, HasSubstr("Extrapolated: gemm rows 2, sampled from 8 (2 % of the step)\n"));
  EXPECT_EQ(explain_json(explanation)["point"]["extrapolated"][0]["share"], 0.34);
}

}  // namespace
}  // namespace outrider
