// Intervals and ranks of hand-made draws, and of runs.
#include "sim/study/intervals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/scenarios.h"

namespace outrider {
namespace {

PointResult row(const std::string& label, double tokens_per_s) {
  PointResult point;
  point.label = label;
  point.tokens_per_s = tokens_per_s;
  return point;
}

// 101 draws: a makes 200 to 300 tokens/s, b 250 in all, c 100.
RunReport hand_made() {
  RunReport report;
  report.points = {row("a", 250.0), row("b", 250.0), row("c", 100.0)};
  for (int i = 0; i <= 100; ++i) {
    RunReport& draw = report.draws.emplace_back();
    draw.points = {row("a", 200.0 + i), row("b", 250.0), row("c", 100.0)};
  }
  return report;
}

double throughput(const RunReport&, const PointResult& point) { return point.tokens_per_s; }

TEST(Intervals, AreP5ToP95OfTheDraws) {
  const std::optional<Interval> interval = interval_of(hand_made(), 0, throughput);
  ASSERT_TRUE(interval);
  EXPECT_DOUBLE_EQ(interval->low, 205.0);
  EXPECT_DOUBLE_EQ(interval->high, 295.0);
  RunReport without = hand_made();
  without.draws.clear();
  EXPECT_FALSE(interval_of(without, 0, throughput));
}

TEST(Intervals, RowsThatDrawsDoNotTellApartTie) {
  const RunReport report = hand_made();
  const std::vector<std::size_t> rows = {0, 1, 2};
  for (const std::size_t tied : {0, 1}) {
    EXPECT_EQ(rank_of(report, tied, rows).best, 1u);
    EXPECT_EQ(rank_of(report, tied, rows).worst, 2u);
  }
  EXPECT_EQ(rank_of(report, 2, rows).best, 3u);
  EXPECT_FALSE(rank_of(report, 2, rows).tied());
}

TEST(Intervals, ARankIsSureFromNineteenOfTwentyDraws) {
  RunReport report = hand_made();
  for (std::size_t i = 0; i <= 100; ++i) report.draws[i].points[0].tokens_per_s = i < 5 ? 200.0 : 300.0;
  EXPECT_FALSE(rank_of(report, 0, {0, 1}).tied());  // ahead in 96 of 101
  report.draws[5].points[0].tokens_per_s = 200.0;
  EXPECT_TRUE(rank_of(report, 0, {0, 1}).tied());  // in 95 of 101
}

TEST(Intervals, ClaimsHaveThemWithTheShareOfDrawsInWhichTheyHold) {
  RunReport report = hand_made();
  report.claims.resize(1);
  report.claims[0].available = true;
  for (std::size_t i = 0; i <= 100; ++i) {
    ClaimResult& claim = report.draws[i].claims.emplace_back();
    claim.available = true;
    claim.predicted = static_cast<double>(i);
    claim.holds = i < 25;
  }
  add_claim_intervals(report);
  ASSERT_TRUE(report.claims[0].interval);
  EXPECT_DOUBLE_EQ(report.claims[0].interval->low, 5.0);
  EXPECT_DOUBLE_EQ(report.claims[0].interval->high, 95.0);
  EXPECT_DOUBLE_EQ(*report.claims[0].holding_share, 25.0 / 101.0);
}

TEST(Draws, LeaveTheRowsAsTheyAreAndDoNotDependOnThreads) {
  const Scenario scenario = small_scenario({"full_kv", "scout"});
  const auto run = [&](int threads, int draws) {
    return run_scenario(scenario, assumed_profile(), {.threads = threads, .draws = draws});
  };
  const RunReport plain = run(1, 0), one = run(1, 8), three = run(3, 8);
  EXPECT_TRUE(plain.draws.empty());
  ASSERT_EQ(one.draws.size(), 8u);
  ASSERT_EQ(three.draws.size(), 8u);
  for (std::size_t point = 0; point < plain.points.size(); ++point) {
    EXPECT_EQ(plain.points[point].fingerprint, one.points[point].fingerprint);
    const std::optional<Interval> interval = interval_of(one, point, throughput);
    EXPECT_LT(interval->low, one.points[point].tokens_per_s);
    EXPECT_GT(interval->high, one.points[point].tokens_per_s);
    for (std::size_t draw = 0; draw < 8; ++draw)
      EXPECT_EQ(one.draws[draw].points[point].fingerprint, three.draws[draw].points[point].fingerprint);
  }
}

TEST(Draws, ARatioIsOfRowsOfOneDraw) {
  // Both rows are the same, so their ratio is 1 in every draw, however wide their own intervals are.
  Scenario scenario = small_scenario({"full_kv"});
  scenario.methods.push_back(request_for("full_kv", {}, "again"));
  const RunReport report = run_scenario(scenario, assumed_profile(), {.threads = 1, .draws = 8});
  const std::optional<Interval> ratio = interval_of(report, 1, [](const RunReport& draw, const PointResult& point) {
    return point.tokens_per_s / draw.points[0].tokens_per_s;
  });
  EXPECT_DOUBLE_EQ(ratio->low, 1.0);
  EXPECT_DOUBLE_EQ(ratio->high, 1.0);
  EXPECT_TRUE(rank_of(report, 1, {0, 1}).tied());
}

}  // namespace
}  // namespace outrider
