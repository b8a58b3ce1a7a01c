// Where a step's time goes, from a trace made by hand.
#include "sim/cli/report_explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "sim/cli/report_json.h"
#include "tests/sim/cli/fake_report.h"

namespace outrider {
namespace {

using testing::HasSubstr;

Span span(std::uint16_t name, std::size_t lane, std::array<std::int64_t, 4> created_ready_start_end,
          std::int64_t work) {
  Span result;
  result.created = Instant::from_ps(created_ready_start_end[0]);
  result.ready = Instant::from_ps(created_ready_start_end[1]);
  result.start = Instant::from_ps(created_ready_start_end[2]);
  result.end = Instant::from_ps(created_ready_start_end[3]);
  result.work = Duration::from_ps(work);
  result.name = name;
  result.lane = LaneId(lane);
  return result;
}

constexpr std::int64_t kMs = 1'000'000'000;

// Three steps of one gemm and one cpu_attend each, and a barrier without time; the first step is warm-up.
Trace three_steps() {
  Trace trace;
  trace.names = {"gemm", "cpu_attend", "barrier"};
  trace.lanes = {"compute stream", "cpu queue"};
  for (std::int32_t step = 0; step < 3; ++step) {
    const std::int64_t t = step * 10 * kMs;
    trace.steps.push_back(
        {Instant::from_ps(t), Instant::from_ps(t + 10 * kMs), static_cast<std::uint32_t>(3 * step), 3});
    trace.spans.push_back(span(0, 0, {t, t, t + 1 * kMs, t + 5 * kMs}, 3 * kMs));
    trace.spans.push_back(span(1, 1, {t, t + 2 * kMs, t + 2 * kMs, t + 10 * kMs}, 8 * kMs));
    trace.spans.push_back(span(2, 0, {t, t + 10 * kMs, t + 10 * kMs, t + 10 * kMs}, 0));
  }
  return trace;
}

Explanation explanation() {
  Explanation result{.provenance = fake_report(),
                     .detail = {.result = fake_report().points[0], .trace = three_steps(), .measured = {{1, 3}}},
                     .help = {{"HBM bandwidth ×2", 1.25}, {"PCIe ×2", 1.0}},
                     .hbm_capacity = Bytes(80e9),
                     .dram_capacity = Bytes(512e9)};
  return result;
}

TEST(OperationRows, SumTheMeasuredStepsLargestBusyTimeFirst) {
  const auto rows = operation_rows(three_steps(), std::vector<StepRange>{{1, 3}});
  ASSERT_EQ(rows.size(), 2U);  // the barrier takes no time
  // Two measured steps. cpu_attend: 8 ms busy each, 2 ms of dependency. gemm: 1 ms queue, 4 ms busy of which 3 ms work.
  EXPECT_EQ(rows[0].operation, "cpu_attend");
  EXPECT_EQ(rows[0].lane, "cpu queue");
  EXPECT_EQ(rows[0].count, 2U);
  EXPECT_EQ(rows[0].ledger.work, Duration::from_ps(16 * kMs));
  EXPECT_EQ(rows[0].ledger.dependency, Duration::from_ps(4 * kMs));
  EXPECT_EQ(rows[1].operation, "gemm");
  EXPECT_EQ(rows[1].ledger.queue, Duration::from_ps(2 * kMs));
  EXPECT_EQ(rows[1].ledger.contention, Duration::from_ps(2 * kMs));
  EXPECT_EQ(rows[1].ledger.work, Duration::from_ps(6 * kMs));
}

TEST(ExplainText, ShowsEverySectionPerStep) {
  const std::string text = explain_text(explanation(), {});
  EXPECT_THAT(text, HasSubstr("scout: scout with preset paper, context 64k, batch 40 (limit: HBM)\n"));
  EXPECT_THAT(text, HasSubstr("operation      lane            per step  busy  work  contention  queue  dependency\n"
                              "CPU attention  cpu queue           1.00  8.00  8.00           0      0        2.00\n"
                              "linear layers  compute stream      1.00  4.00  3.00        1.00   1.00           0\n"));
  // Causes are summed over the two measured steps: 2 ms ÷ 2.
  EXPECT_THAT(text, HasSubstr("50.0 %         1.00  linear layers                compute stream  HBM\n"));
  EXPECT_THAT(text, HasSubstr("PCIe h2d               12.5 %          977 KiB\n"));     // 10^6 ÷ 1024
  EXPECT_THAT(text, HasSubstr("DRAM   KV cache       0 B       954 MiB  37.3 GiB\n"));  // 40 · 10^9 ÷ 1024^3 = 37.25
  EXPECT_THAT(text, HasSubstr("HBM bandwidth ×2     +25.0 %\n"));
  EXPECT_THAT(text, HasSubstr("Note: efficiencies are assumptions, not calibrated\n"));
}

TEST(ExplainText, SaysHowManyGpusItsFiguresAreAMeanOf) {
  EXPECT_THAT(explain_text(explanation(), {}), testing::Not(HasSubstr("GPUs")));
  Explanation several = explanation();
  several.detail.result.gpus = 4;
  several.detail.result.tpot_slowest = Seconds(0.05);
  const std::string text = explain_text(several, {});
  EXPECT_THAT(text, HasSubstr("4 GPUs, each with that batch: 127.5 tokens/s by one, 50.0 ms per step of the slowest."));
  EXPECT_THAT(text, HasSubstr("of 477 GiB, the share of one GPU in 4.\n"));  // 512 · 10^9 ÷ 1024^3 = 477
}

TEST(ExplainText, CarriesTheNotesOfItsRow) {
  Explanation noted = explanation();
  noted.detail.result.notes = {"step time rises", "beyond"};
  EXPECT_THAT(explain_text(noted, {}), HasSubstr("Note: step time rises; beyond\n"));
  EXPECT_EQ(explain_json(noted)["point"]["notes"][1], "beyond");
}

TEST(ExplainJson, CarriesTheSameFigures) {
  const auto json = explain_json(explanation());
  EXPECT_EQ(json["steps"], 2);
  EXPECT_EQ(json["operations"][0]["operation"], "cpu_attend");
  EXPECT_DOUBLE_EQ(json["operations"][1]["busy_s"].get<double>(), 0.004);
  EXPECT_EQ(json["what_would_help"][0]["speedup"], 1.25);
  EXPECT_EQ(json["capacity"]["hbm_bytes"], 80e9);
  EXPECT_EQ(json["caveats"].size(), 1U);
}

TEST(ExplainJson, EveryFieldOfItsOwnIsDocumentedInTheHeader) {
  std::ifstream file(std::string(OUTRIDER_SOURCE_DIR) + "/sim/cli/report_explain.h");
  std::stringstream header;
  header << file.rdbuf();
  const auto json = explain_json(explanation());
  const auto shared = report_json(fake_report());
  for (const auto& item : json.items()) {
    if (shared.contains(item.key())) continue;
    EXPECT_THAT(header.str(), HasSubstr(item.key()));
  }
  for (const auto& item : json["operations"][0].items()) EXPECT_THAT(header.str(), HasSubstr(item.key()));
  for (const auto& item : json["point"].items()) EXPECT_THAT(header.str(), HasSubstr(item.key()));
}

}  // namespace
}  // namespace outrider
