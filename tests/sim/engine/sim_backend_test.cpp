// Hand-solved timelines of the simulation backend: lanes, pools, waves, sharing, carry slots and tight edges.
#include "sim/engine/sim_backend.h"

#include <gtest/gtest.h>

#include "tests/support/steps.h"

namespace outrider {
namespace {

// Each end of a flow is rounded up to a picosecond; a handful of them may add up.
constexpr std::int64_t kRoundingPs = 4;

void expect_us(Instant actual, double expected_us) {
  EXPECT_NEAR(static_cast<double>(actual.ps()), expected_us * kPsPerUs, kRoundingPs);
}
void expect_us(Duration actual, double expected_us) {
  EXPECT_NEAR(static_cast<double>(actual.ps()), expected_us * kPsPerUs, kRoundingPs);
}

TEST(SimBackend, TwoStreamsShareOneMemory) {
  // HBM moves 10 B/µs. A: 1 unit of 100 B, cap 1 unit/10 µs; B: 1 unit of 50 B, cap 1 unit/5 µs. Alone each fills HBM.
  // Weights default to the caps, 0.1 and 0.2 per µs: usage at level x is 100·0.1x + 50·0.2x = 20x = 10, x = ½, so each
  // runs at half its cap. B ends at 10 µs, having done 50 B; A has 50 B left and the whole of HBM: 5 µs more.
  const Platform platform = make_platform({{"HBM", 10.0}});
  StepBuilder step;
  const OpId a = step.add(Lane::compute, unit_work(1, 10.0, {{0, 100.0}}));
  const OpId b = step.add(Lane::side, unit_work(1, 5.0, {{0, 50.0}}));
  const OpId end = step.add(Lane::none, {}, {a, b});
  const Trace trace = simulate(platform, {std::move(step).seal(end)});

  expect_us(trace.spans[1].end, 10.0);
  expect_us(trace.spans[0].end, 15.0);
  expect_us(trace.spans[1].ledger().contention, 5.0);
  expect_us(trace.spans[0].ledger().contention, 5.0);
  EXPECT_EQ(trace.spans[0].bottleneck, ResourceId(0));
  EXPECT_NEAR(trace.amounts[0], 150.0, 1e-6);
}

TEST(SimBackend, WhatRunsAtAShareOfAResourceNamesIt) {
  // HBM moves 10 B/µs. A reads 50 B at its cap of 5 B/µs, half of HBM: 10 µs. B does the same and names what it has
  // half of.
  const Platform platform = make_platform({{"HBM", 10.0}});
  StepBuilder step;
  Demand named = unit_work(1, 10.0, {{0, 50.0}});
  named.capped_by = ResourceId(0);
  step.add(Lane::compute, unit_work(1, 10.0, {{0, 50.0}}));
  const OpId b = step.add(Lane::compute, named);
  const Trace trace = simulate(platform, {std::move(step).seal(b)});
  expect_us(trace.spans[1].end, 20.0);
  EXPECT_FALSE(trace.spans[0].bottleneck.valid());
  EXPECT_EQ(trace.spans[1].bottleneck, ResourceId(0));
}

TEST(SimBackend, CopyAndKernelSlowEachOtherOnlyAtTheSharedMemory) {
  // PCIe 4 B/µs, HBM 10 B/µs. The copy of 40 B uses both, capped by PCIe: 10 µs alone. The kernel of 80 B could take
  // all of HBM: cap 1 unit / 8 µs. Level x on HBM: 40·0.1x + 80·0.125x = 14x = 10, x = 5/7 < 1: HBM is what fills
  // first. Copy: 0.1·5/7 per µs → 14 µs; kernel: 0.125·5/7 → 11.2 µs. At 11.2 µs the copy has 1 − 0.8 = 0.2 left, then
  // runs at its cap, 0.1 per µs: ends at 13.2 µs.
  const Platform platform = make_platform({{"PCIe", 4.0}, {"HBM", 10.0}});
  StepBuilder step;
  const OpId copy = step.add(Lane::h2d, unit_work(1, 10.0, {{0, 40.0}, {1, 40.0}}));
  const OpId kernel = step.add(Lane::compute, unit_work(1, 8.0, {{1, 80.0}}));
  const OpId end = step.add(Lane::none, {}, {copy, kernel});
  const Trace trace = simulate(platform, {std::move(step).seal(end)});

  expect_us(trace.spans[1].end, 11.2);
  expect_us(trace.spans[0].end, 13.2);
  expect_us(trace.spans[0].ledger().work, 10.0);
  expect_us(trace.spans[0].ledger().contention, 3.2);
  EXPECT_NEAR(trace.amounts[0], 40.0, 1e-6);
  EXPECT_NEAR(trace.amounts[1], 120.0, 1e-6);
}

TEST(SimBackend, TenUnitsOnFourSlotsTakeThreeWaves) {
  // Waves of 4, 4 and 2 units of 7 µs each, after a latency of 3 µs: 3 + 21 = 24 µs, all of it work.
  const Platform platform = make_platform({}, {{"SM", 4}});
  StepBuilder step;
  const OpId kernel = step.add(Lane::compute, with_latency(in_pool(unit_work(10, 7.0), 0), microseconds(3)));
  const Trace trace = simulate(platform, {std::move(step).seal(kernel)});

  expect_us(trace.spans[0].end, 24.0);
  EXPECT_EQ(trace.spans[0].start, Instant());
  EXPECT_EQ(trace.spans[0].ledger().contention, Duration());
}

TEST(SimBackend, LastWaveRunsFasterWhenTheMemoryIsWhatLimits) {
  // HBM 8 B/µs, units of 8 B, cap 1 unit / 2 µs, 4 slots. A full wave: 8/(4·8) = ¼ unit/µs each: 4 µs. The wave of 2:
  // 8/(2·8) = ½ unit/µs, its cap as well: 2 µs. 10 units: 4 + 4 + 2 = 10 µs.
  const Platform platform = make_platform({{"HBM", 8.0}}, {{"SM", 4}});
  StepBuilder step;
  const OpId kernel = step.add(Lane::compute, in_pool(unit_work(10, 2.0, {{0, 8.0}}), 0));
  const Trace trace = simulate(platform, {std::move(step).seal(kernel)});

  expect_us(trace.spans[0].end, 10.0);
  EXPECT_EQ(trace.spans[0].bottleneck, ResourceId(0));
}

TEST(SimBackend, SecondKernelFillsTheTailOfTheFirst) {
  // 4 slots; A: 6 units of 10 µs (waves at 0 and 10, the second of 2 units); B on another stream: 4 units of 10 µs,
  // arrives with A. At 10 µs A's last 2 units and B's first 2 are placed, at 20 µs B's other 2: A ends at 20, B at 30.
  // B could not be placed until 10 µs: queue 10; its two waves would be one alone: work 10, contention 10.
  const Platform platform = make_platform({}, {{"SM", 4}});
  StepBuilder step;
  const OpId a = step.add(Lane::compute, in_pool(unit_work(6, 10.0), 0));
  const OpId b = step.add(Lane::side, in_pool(unit_work(4, 10.0), 0));
  const OpId end = step.add(Lane::none, {}, {a, b});
  const Trace trace = simulate(platform, {std::move(step).seal(end)});

  expect_us(trace.spans[0].end, 20.0);
  expect_us(trace.spans[1].start, 10.0);
  expect_us(trace.spans[1].end, 30.0);
  expect_us(trace.spans[1].ledger().queue, 10.0);
  expect_us(trace.spans[1].ledger().contention, 10.0);
  EXPECT_EQ(trace.spans[1].queued_behind, SpanId(0));
  EXPECT_FALSE(trace.spans[0].queued_behind.valid());
}

TEST(SimBackend, NarrowUnitsDoNotOvertakeWideOnesInThePool) {
  // 4 slots. A holds 3 of them for 10 µs. B's unit needs 2, C's needs 1: C would fit at once but stands behind B.
  const Platform platform = make_platform({}, {{"SM", 4}});
  StepBuilder step;
  const OpId a = step.add(Lane::compute, in_pool(unit_work(3, 10.0), 0));
  const OpId b = step.add(Lane::side, in_pool(unit_work(1, 5.0), 0, 2));
  const OpId c = step.add(Lane::none, in_pool(unit_work(1, 5.0), 0, 1));
  const OpId end = step.add(Lane::none, {}, {a, b, c});
  const Trace trace = simulate(platform, {std::move(step).seal(end)});

  EXPECT_EQ(trace.spans[1].start, trace.spans[0].end);
  EXPECT_EQ(trace.spans[2].start, trace.spans[0].end);
  expect_us(trace.spans[2].end, 15.0);
}

TEST(SimBackend, OpsThatArriveTogetherAreServedInOpOrder) {
  // One slot. B and C come out of their latencies at 2 µs, when A, whose number is smaller, becomes ready as well.
  const Platform platform = make_platform({}, {{"SM", 1}});
  const Demand unit = in_pool(unit_work(1, 5.0), 0);
  StepBuilder step;
  const OpId before = step.add(Lane::none, latency_only(microseconds(2)));
  const OpId a = step.add(Lane::none, unit, {before});
  const OpId b = step.add(Lane::none, with_latency(unit, microseconds(2)));
  const OpId c = step.add(Lane::none, with_latency(unit, microseconds(2)));
  const OpId end = step.add(Lane::none, {}, {a, b, c});
  const Trace trace = simulate(platform, {std::move(step).seal(end)});

  expect_us(trace.spans[1].end, 7.0);
  expect_us(trace.spans[2].end, 12.0);
  expect_us(trace.spans[3].end, 17.0);
}

TEST(SimBackend, LatencyOverlapsTheWaitForSlots) {
  // A holds the pool until 10 µs. B is admitted at 0 with a latency of 4 µs: it arrives at 4, is placed at 10 and so
  // counts as started at 6: 6 µs of queue, then latency and unit as alone.
  const Platform platform = make_platform({}, {{"SM", 1}});
  StepBuilder step;
  const OpId a = step.add(Lane::compute, in_pool(unit_work(1, 10.0), 0));
  const OpId b = step.add(Lane::side, with_latency(in_pool(unit_work(1, 5.0), 0), microseconds(4)));
  const OpId end = step.add(Lane::none, {}, {a, b});
  const Trace trace = simulate(platform, {std::move(step).seal(end)});

  expect_us(trace.spans[1].ledger().queue, 6.0);
  expect_us(trace.spans[1].ledger().work, 9.0);
  EXPECT_EQ(trace.spans[1].ledger().contention, Duration());
  expect_us(trace.spans[1].end, 15.0);
}

TEST(SimBackend, ReadyOpWaitsForItsLaneAndStartsAtThatVeryTick) {
  // B is ready at 0 but behind A in its stream, which ends at 10 µs.
  const Platform platform = make_platform({});
  StepBuilder step;
  step.add(Lane::compute, latency_only(microseconds(10)));
  const OpId b = step.add(Lane::compute, latency_only(microseconds(1)));
  const Trace trace = simulate(platform, {std::move(step).seal(b)});

  EXPECT_EQ(trace.spans[1].ready, Instant());
  EXPECT_EQ(trace.spans[1].start, at_microseconds(10));
  EXPECT_EQ(trace.spans[1].queued_behind, SpanId(0));
  EXPECT_FALSE(trace.spans[1].last_dependency.valid());
  EXPECT_EQ(trace.spans[1].end, at_microseconds(11));
}

TEST(SimBackend, LaneIsInOpOrderEvenIfALaterOpIsReadyFirst) {
  // On the compute lane A waits until 5 µs for the copy; B has no dependency, yet runs after A.
  const Platform platform = make_platform({});
  StepBuilder step;
  const OpId copy = step.add(Lane::h2d, latency_only(microseconds(5)));
  step.add(Lane::compute, latency_only(microseconds(2)), {copy});
  const OpId b = step.add(Lane::compute, latency_only(microseconds(1)));
  const Trace trace = simulate(platform, {std::move(step).seal(b)});

  EXPECT_EQ(trace.spans[2].start, at_microseconds(7));
  EXPECT_EQ(trace.spans[2].ready, Instant());
}

TEST(SimBackend, OpIsReadyAtTheTickItsLastDependencyEndsAndNotBefore) {
  // Two dependencies end at 5 µs and one picosecond later; the join is ready with the second.
  const Platform platform = make_platform({});
  const Duration later = microseconds(5) + Duration::from_ps(1);
  StepBuilder step;
  const OpId a = step.add(Lane::none, latency_only(later));
  const OpId b = step.add(Lane::none, latency_only(microseconds(5)));
  const OpId join = step.add(Lane::none, {}, {a, b});
  const Trace trace = simulate(platform, {std::move(step).seal(join)});

  EXPECT_EQ(trace.spans[2].ready, Instant() + later);
  EXPECT_EQ(trace.spans[2].last_dependency, SpanId(0));
  EXPECT_FALSE(trace.spans[2].queued_behind.valid());
}

TEST(SimBackend, BarrierEndsAtTheTickItIsReady) {
  const Platform platform = make_platform({});
  StepBuilder step;
  const OpId a = step.add(Lane::host, latency_only(microseconds(2)));
  const OpId first = step.add(Lane::none, {}, {a});
  const OpId second = step.add(Lane::host, {}, {first});
  const Trace trace = simulate(platform, {std::move(step).seal(second)});

  EXPECT_EQ(trace.spans[2].end, at_microseconds(2));
  EXPECT_EQ(trace.spans[2].ledger().total(), microseconds(2));
  EXPECT_EQ(trace.spans[2].ledger().work, Duration());
}

TEST(SimBackend, StepEndsWithItsLastOpAndDetachedRecallRunsBeneathTheNext) {
  // HBM 10 B/µs. Step 1: a kernel of 5 µs, 50 B, is the last op; a recall of 100 B, cap 1/10 µs, starts with it and
  // shares: caps fill HBM twice over, both run at half speed: kernel ends at 10, the recall has 50 B left. Step 2: the
  // same kernel from 10 µs: both at half speed again: 10 µs more, when the recall ends as well. The op that awaits it
  // is ready at 20.
  const Platform platform = make_platform({{"HBM", 10.0}});
  const Demand kernel = unit_work(1, 5.0, {{0, 50.0}});
  StepBuilder one;
  const OpId last = one.add(Lane::compute, kernel);
  const OpId recall = one.add(Lane::h2d, unit_work(1, 10.0, {{0, 100.0}}));
  one.fill(7, recall);
  StepBuilder two;
  two.add(Lane::compute, kernel);
  const OpId use = two.add(Lane::side, latency_only(microseconds(1)));
  two.await(use, 7);
  std::vector<StepPlan> steps;
  steps.push_back(std::move(one).seal(last));
  steps.push_back(std::move(two).seal(use));
  const Trace trace = simulate(platform, steps);

  expect_us(trace.steps[0].end, 10.0);
  EXPECT_EQ(trace.steps[1].begin, trace.steps[0].end);
  expect_us(trace.spans[1].end, 20.0);
  EXPECT_EQ(trace.spans[3].created, trace.steps[1].begin);
  EXPECT_EQ(trace.spans[3].ready, trace.spans[1].end);
  EXPECT_EQ(trace.spans[3].last_dependency, SpanId(1));
  expect_us(trace.steps[1].end, 21.0);
}

TEST(SimBackend, SlotFilledInAStepTakesEffectInLaterStepsOnly) {
  // The op that awaits slot 0 in the step that fills it does not wait; in the next step it does, for the last filler.
  const Platform platform = make_platform({});
  StepBuilder one;
  const OpId free = one.add(Lane::none, latency_only(microseconds(1)));
  one.await(free, 0);
  one.fill(0, one.add(Lane::none, latency_only(microseconds(5))));
  one.fill(0, one.add(Lane::none, latency_only(microseconds(3))));
  StepBuilder two;
  const OpId waits = two.add(Lane::none, {});
  two.await(waits, 0);
  two.await(waits, 99);
  std::vector<StepPlan> steps;
  steps.push_back(std::move(one).seal(free));
  steps.push_back(std::move(two).seal(waits));
  const Trace trace = simulate(platform, steps);

  EXPECT_EQ(trace.steps[0].end, at_microseconds(1));
  EXPECT_EQ(trace.spans[3].ready, at_microseconds(3));
  EXPECT_EQ(trace.spans[3].last_dependency, SpanId(2));
  EXPECT_EQ(trace.spans[1].end, at_microseconds(5));
}

TEST(SimBackend, LastDependencyIsTheLatestEvenIfAllEndedBeforeTheStep) {
  // Slots 0 and 1 were filled at 3 and 5 µs, the step that awaits both begins at 5 µs: nothing waits.
  const Platform platform = make_platform({});
  StepBuilder one;
  one.fill(0, one.add(Lane::none, latency_only(microseconds(3))));
  const OpId last = one.add(Lane::none, latency_only(microseconds(5)));
  one.fill(1, last);
  StepBuilder two;
  const OpId waits = two.add(Lane::none, {});
  two.await(waits, 1);
  two.await(waits, 0);
  std::vector<StepPlan> steps;
  steps.push_back(std::move(one).seal(last));
  steps.push_back(std::move(two).seal(waits));
  const Trace trace = simulate(platform, steps);

  EXPECT_EQ(trace.spans[2].ready, at_microseconds(5));
  EXPECT_EQ(trace.spans[2].last_dependency, SpanId(1));
}

TEST(SimBackend, LaneOfTheNextStepQueuesBehindADetachedOp) {
  const Platform platform = make_platform({});
  StepBuilder one;
  const OpId last = one.add(Lane::compute, latency_only(microseconds(2)));
  one.add(Lane::h2d, latency_only(microseconds(9)));
  StepBuilder two;
  const OpId copy = two.add(Lane::h2d, latency_only(microseconds(1)));
  std::vector<StepPlan> steps;
  steps.push_back(std::move(one).seal(last));
  steps.push_back(std::move(two).seal(copy));
  const Trace trace = simulate(platform, steps);

  EXPECT_EQ(trace.spans[2].created, at_microseconds(2));
  EXPECT_EQ(trace.spans[2].start, at_microseconds(9));
  EXPECT_EQ(trace.spans[2].queued_behind, SpanId(1));
}

TEST(SimBackend, FinishWaitsForDetachedOps) {
  const Platform platform = make_platform({{"PCIe", 1.0}});
  StepBuilder step;
  const OpId last = step.add(Lane::compute, latency_only(microseconds(1)));
  step.add(Lane::h2d, unit_work(1, 1.0, {{0, 30.0}}));
  const Trace trace = simulate(platform, {std::move(step).seal(last)});

  EXPECT_EQ(trace.steps[0].end, at_microseconds(1));
  expect_us(trace.spans[1].end, 30.0);
  EXPECT_NEAR(trace.amounts[0], 30.0, 1e-6);
}

TEST(SimBackend, RecordsUsageUntilTheResourceFallsIdle) {
  // Two flows of 10 and 20 B, caps 2 and 2 B/µs on a link of 10 B/µs: 4 B/µs until 5 µs, 2 B/µs until 10 µs, then 0.
  const Platform platform = make_platform({{"link", 10.0}});
  StepBuilder step;
  const OpId a = step.add(Lane::h2d, unit_work(1, 5.0, {{0, 10.0}}));
  const OpId b = step.add(Lane::d2h, unit_work(1, 10.0, {{0, 20.0}}));
  const OpId end = step.add(Lane::none, {}, {a, b});
  const Trace trace = simulate(platform, {std::move(step).seal(end)}, {.usage = true, .edges = true});

  ASSERT_EQ(trace.usage.size(), 3u);
  EXPECT_NEAR(trace.usage[0].rate, 4e6, 1.0);
  EXPECT_NEAR(trace.usage[1].rate, 2e6, 1.0);
  EXPECT_EQ(trace.usage[2].rate, 0.0);
  EXPECT_EQ(trace.usage[1].at, trace.spans[0].end);
  EXPECT_EQ(trace.usage[2].at, trace.spans[1].end);
  ASSERT_EQ(trace.edges.size(), 2u);
  EXPECT_EQ(trace.edges[1], std::pair(SpanId(1), SpanId(2)));
}

TEST(SimBackend, BottleneckIsWhereItWasLimitedLongestInTotal) {
  // Two links of 20 B/µs. X moves 100 B over both, 10 B/µs at most. On the side stream others come one after another,
  // 30 B/µs at most: 60 B on link 0, 90 B on link 1, 60 B on link 0. While both run, the level x is 10x + 30x = 20, x =
  // ½: the others move 15 B/µs and take 4, 6 and 4 µs. So X is limited by link 0 for 8 µs in two pieces and by link 1
  // for 6 µs in one; it has moved 70 B by then and ends 3 µs later, at 17 µs.
  const Platform platform = make_platform({{"link 0", 20.0}, {"link 1", 20.0}});
  StepBuilder step;
  const OpId x = step.add(Lane::compute, unit_work(1, 10.0, {{0, 100.0}, {1, 100.0}}));
  step.add(Lane::side, unit_work(1, 2.0, {{0, 60.0}}));
  step.add(Lane::side, unit_work(1, 3.0, {{1, 90.0}}));
  step.add(Lane::side, unit_work(1, 2.0, {{0, 60.0}}));
  const Trace trace = simulate(platform, {std::move(step).seal(x)});

  expect_us(trace.spans[3].end, 14.0);
  expect_us(trace.spans[0].end, 17.0);
  EXPECT_EQ(trace.spans[0].bottleneck, ResourceId(0));
  EXPECT_EQ(trace.spans[2].bottleneck, ResourceId(1));
}

TEST(SimBackend, BottleneckIsInvalidWhereOnlyTheCapLimits) {
  const Platform platform = make_platform({{"HBM", 100.0}});
  StepBuilder step;
  const OpId kernel = step.add(Lane::compute, unit_work(2, 10.0, {{0, 10.0}}));
  const Trace trace = simulate(platform, {std::move(step).seal(kernel)});
  EXPECT_FALSE(trace.spans[0].bottleneck.valid());
}

TEST(SimBackend, TraceNamesOpsLanesAndResources) {
  const Platform platform = make_platform({{"HBM", 1.0}});
  StepBuilder step;
  const OpId op = step.add(Lane::compute, latency_only(microseconds(1)));
  const Trace trace = simulate(platform, {std::move(step).seal(op)});
  EXPECT_EQ(trace.names[trace.spans[0].name], "gemm");
  EXPECT_EQ(trace.lanes[trace.spans[0].lane.index()], "compute stream");
  EXPECT_EQ(trace.resources[0].name, "HBM");
}

TEST(SimBackendDeathTest, UnitWiderThanItsPoolIsABug) {
  const Platform platform = make_platform({}, {{"SM", 4}});
  StepBuilder step;
  const OpId op = step.add(Lane::compute, in_pool(unit_work(1, 1.0), 0, 5));
  const StepPlan plan = std::move(step).seal(op);
  EXPECT_DEATH(simulate(platform, {plan}), "a unit of 5 slots in pool 'SM' of 4");
}

}  // namespace
}  // namespace outrider
