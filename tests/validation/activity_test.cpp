// Shares of the time of what runs at once, on traces written by hand; times in picoseconds.
#include "validation/activity.h"

#include <gtest/gtest.h>

#include "sim/graph/op.h"

namespace outrider {
namespace {

// One step of 100; spans of op families, each on a lane of its own.
class HandTrace {
 public:
  HandTrace() {
    for (int family = 0; family < kFamilies; ++family)
      trace_.names.emplace_back(to_string(static_cast<Family>(family)));
    trace_.steps.push_back({Instant::from_ps(0), Instant::from_ps(100), 0, 0});
  }
  HandTrace& run(Family family, std::int64_t ready, std::int64_t start, std::int64_t end, std::int64_t work = -1) {
    Span span;
    span.ready = Instant::from_ps(ready);
    span.start = Instant::from_ps(start);
    span.end = Instant::from_ps(end);
    span.work = Duration::from_ps(work < 0 ? end - start : work);
    span.name = static_cast<std::uint16_t>(family);
    trace_.lanes.push_back("lane");
    span.lane = LaneId(trace_.lanes.size() - 1);
    trace_.spans.push_back(span);
    ++trace_.steps.back().spans;
    return *this;
  }
  const Trace& trace() const { return trace_; }

 private:
  Trace trace_;
};

TEST(Activity, EveryFamilyIsOfOneOrOfNone) {
  EXPECT_EQ(activity_of("gemm"), Activity::gpu_compute);
  EXPECT_EQ(activity_of("copy_h2d"), Activity::h2d);
  EXPECT_EQ(activity_of("zero_copy_h2d"), Activity::h2d) << "a copy, though a kernel makes it";
  EXPECT_EQ(activity_of("copy_d2h"), Activity::d2h);
  EXPECT_EQ(activity_of("cpu_gather"), Activity::cpu);
  EXPECT_EQ(activity_of("launch_kernel"), std::nullopt);
  EXPECT_EQ(activity_of("barrier"), std::nullopt);
  EXPECT_EQ(activity_of("no such family"), std::nullopt);
}

TEST(ActivityShares, BusyAndOverlapAreSharesOfTheElapsedTime) {
  // GPU [0, 40) and [30, 50), so 50; to the GPU [45, 70), 25; CPU [60, 80), 20. Two at once: [45, 50) and [60, 70).
  // The host thread is busy throughout and counts for nothing.
  HandTrace hand;
  hand.run(Family::gemm, 0, 0, 40).run(Family::attend_dense, 0, 30, 50).run(Family::zero_copy_h2d, 0, 45, 70);
  hand.run(Family::cpu_attend, 0, 60, 80).run(Family::launch_graph, 0, 0, 100);
  const ActivityShares shares = activity_shares(hand.trace(), {0, 1});
  EXPECT_DOUBLE_EQ(shares.busy_of(Activity::gpu_compute), 0.50);
  EXPECT_DOUBLE_EQ(shares.busy_of(Activity::h2d), 0.25);
  EXPECT_DOUBLE_EQ(shares.busy_of(Activity::d2h), 0.0);
  EXPECT_DOUBLE_EQ(shares.busy_of(Activity::cpu), 0.20);
  EXPECT_DOUBLE_EQ(shares.overlap, 0.15);
  EXPECT_DOUBLE_EQ(shares.ops[0], 2.0);
  EXPECT_DOUBLE_EQ(shares.ops[3], 1.0);
}

TEST(ActivityShares, SumTheLedgersOfTheirOpsPerStep) {
  // Queue 5 + 3, contention 4 + 0 of the GPU; the host's queue of 50 is of no activity.
  HandTrace hand;
  hand.run(Family::gemm, 0, 5, 25, 16).run(Family::norm_rope, 27, 30, 40).run(Family::launch_graph, 0, 50, 60);
  const ActivityShares shares = activity_shares(hand.trace(), {0, 1});
  EXPECT_EQ(shares.ledger[0].queue, Duration::from_ps(8));
  EXPECT_EQ(shares.ledger[0].contention, Duration::from_ps(4));
  EXPECT_EQ(shares.ledger[3].total(), Duration());
}

ActivityShares shares_with(double gpu, double cpu, double overlap) {
  ActivityShares shares;
  shares.busy = {gpu, 0.0, 0.0, cpu};
  shares.overlap = overlap;
  return shares;
}

TEST(CompareActivities, TakesTheCpusShareFromRunsThatTimeStepsOnly) {
  ActivityRuns runs{.simulated = shares_with(0.9, 0.5, 0.4)};
  runs.untimed = {shares_with(0.0, 0.52, 0.0), shares_with(0.0, 0.50, 0.0), shares_with(0.0, 0.57, 0.0)};
  runs.timed = {shares_with(0.80, 0.3, 0.3), shares_with(0.84, 0.3, 0.2), shares_with(0.82, 0.3, 0.25)};
  runs.simulated.ops = {300.0, 0.0, 0.0, 40.0};
  const std::vector<ActivityDiff> diffs = compare_activities(runs);
  ASSERT_EQ(diffs.size(), 5U);
  const ActivityDiff &gpu = diffs[0], &cpu = diffs[3], &overlap = diffs[4];
  EXPECT_EQ(cpu.name, "cpu");
  EXPECT_DOUBLE_EQ(cpu.measured, 0.52);
  EXPECT_NEAR(cpu.spread, 0.07, 1e-12);
  EXPECT_NEAR(cpu.difference(), -0.02, 1e-12);
  EXPECT_DOUBLE_EQ(gpu.measured, 0.82);
  EXPECT_NEAR(gpu.spread, 0.04, 1e-12);
  EXPECT_EQ(gpu.ops, 300.0);
  EXPECT_EQ(overlap.name, "overlap");
  EXPECT_DOUBLE_EQ(overlap.measured, 0.25);
  EXPECT_FALSE(overlap.has_ledger);
  EXPECT_TRUE(gpu.has_ledger);
}

TEST(CompareActivities, WithinIsOfEitherSign) {
  EXPECT_TRUE((ActivityDiff{.name = "overlap", .simulated = 0.50, .measured = 0.46}.within(0.05)));
  EXPECT_FALSE((ActivityDiff{.name = "overlap", .simulated = 0.50, .measured = 0.44}.within(0.05)));
  EXPECT_FALSE((ActivityDiff{.name = "overlap", .simulated = 0.50, .measured = 0.56}.within(0.05)));
}

TEST(CompareActivities, WithoutTimedOpsOnlyTheCpuIsKnown) {
  const ActivityRuns runs{.simulated = shares_with(0.9, 0.5, 0.4), .untimed = {shares_with(0.0, 0.5, 0.0)}};
  const std::vector<ActivityDiff> diffs = compare_activities(runs);
  ASSERT_EQ(diffs.size(), 1U);
  EXPECT_EQ(diffs[0].name, "cpu");
  EXPECT_FALSE(diffs[0].has_ledger);
}

}  // namespace
}  // namespace outrider
