// Metrics of small traces written by hand, times in picoseconds.
#include "sim/trace/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/traces.h"

namespace outrider {
namespace {

Duration ps(std::int64_t value) { return Duration::from_ps(value); }

TEST(Elapsed, RunsFromTheFirstBeginToTheLastEnd) {
  const Trace trace = TraceBuilder().step(0, 10).step(10, 30).step(30, 36).trace();
  EXPECT_EQ(elapsed(trace, {0, 3}), ps(36));
  EXPECT_EQ(elapsed(trace, {1, 2}), ps(20));
  EXPECT_DOUBLE_EQ(mean_step_time(trace, {0, 3}).value(), 12e-12);
}

TEST(ElapsedDeathTest, RangeMustBeOfTheTrace) {
  const Trace trace = TraceBuilder().step(0, 10).trace();
  EXPECT_DEATH(elapsed(trace, {0, 2}), "of a trace of 1 steps");
  EXPECT_DEATH(elapsed(trace, {1, 1}), "of a trace of 1 steps");
}

TEST(BusyTime, CountsOverlapsOnceAndClipsToTheRange) {
  // Lane 0 runs [2, 6), [4, 9), nested [5, 6) and, detached, [18, 25); lane 1 runs [8, 12).
  TraceBuilder builder;
  builder.step(0, 20).span(0, 2, 6).span(0, 4, 9).span(0, 5, 6).span(0, 18, 25).span(1, 8, 12);
  const Trace trace = builder.step(20, 30).trace();
  EXPECT_EQ(busy_time(trace, LaneId(0), {0, 1}), ps(7 + 2));
  EXPECT_EQ(busy_time(trace, LaneId(0), {1, 2}), ps(5));
  EXPECT_EQ(busy_time(trace, LaneId(0), {0, 2}), ps(7 + 7));
  EXPECT_EQ(busy_time(trace, LaneId(1), {1, 2}), ps(0));
}

TEST(IdleShare, IsTheTimeInWhichNoneOfTheLanesRan) {
  // Lanes 0 and 1 together run [2, 12) of 20.
  TraceBuilder builder;
  const Trace trace = builder.step(0, 20).span(0, 2, 9).span(1, 8, 12).span(2, 0, 20).trace();
  EXPECT_DOUBLE_EQ(idle_share(trace, {LaneId(0), LaneId(1)}, {0, 1}), 0.5);
  EXPECT_DOUBLE_EQ(idle_share(trace, {LaneId(2)}, {0, 1}), 0.0);
  EXPECT_DOUBLE_EQ(idle_share(trace, {}, {0, 1}), 1.0);
}

TEST(ConcurrentShare, IsTheTimeInWhichSoManyGroupsRan) {
  // Name 0 runs [0, 6) and [4, 10) on two lanes, name 1 [8, 14) and, reaching into the next step, [18, 26).
  TraceBuilder builder;
  builder.step(0, 20).add({.lane = 0, .start = 0, .end = 6}).add({.lane = 1, .start = 4, .end = 10});
  builder.add({.lane = 1, .name = 1, .start = 8, .end = 14}).add({.lane = 1, .name = 1, .start = 18, .end = 26});
  const Trace trace = builder.step(20, 30).trace();
  EXPECT_DOUBLE_EQ(concurrent_share(trace, {0, kNoGroup}, 1, {0, 1}), 10.0 / 20.0);
  EXPECT_DOUBLE_EQ(concurrent_share(trace, {0, 1}, 1, {0, 1}), 16.0 / 20.0);
  EXPECT_DOUBLE_EQ(concurrent_share(trace, {0, 1}, 2, {0, 1}), 2.0 / 20.0);
  EXPECT_DOUBLE_EQ(concurrent_share(trace, {0, 0}, 2, {0, 1}), 0.0) << "a group does not overlap itself";
  EXPECT_DOUBLE_EQ(concurrent_share(trace, {0, 1}, 1, {1, 2}), 6.0 / 10.0);
}

TEST(ConcurrentShare, EndsAndBeginsAtOneInstantDoNotOverlap) {
  TraceBuilder builder;
  builder.step(0, 20).add({.lane = 0, .start = 0, .end = 10}).add({.lane = 1, .name = 1, .start = 10, .end = 20});
  EXPECT_DOUBLE_EQ(concurrent_share(builder.trace(), {0, 1}, 2, {0, 1}), 0.0);
  EXPECT_DOUBLE_EQ(concurrent_share(builder.trace(), {0, 1}, 1, {0, 1}), 1.0);
}

TEST(LedgerByName, SumsTheRangesSpans) {
  // Name 0: created 0, ready 1, start 3, end 10, work 5: 1 + 2 + 2 + 5; and 0 + 0 + 0 + 4 in the second step.
  TraceBuilder builder;
  builder.step(0, 10).add({.created = 0, .ready = 1, .start = 3, .end = 10, .work = 5});
  builder.add({.name = 1, .created = 0, .ready = 0, .start = 0, .end = 7, .work = 7});
  const Trace trace = builder.step(10, 14).add({.created = 10, .ready = 10, .start = 10, .end = 14, .work = 4}).trace();
  const std::vector<Ledger> all = ledger_by_name(trace, {0, 2});
  EXPECT_EQ(all[0].dependency, ps(1));
  EXPECT_EQ(all[0].queue, ps(2));
  EXPECT_EQ(all[0].contention, ps(2));
  EXPECT_EQ(all[0].work, ps(9));
  EXPECT_EQ(all[1].total(), ps(7));
  EXPECT_EQ(ledger_by_name(trace, {1, 2})[0].total(), ps(4));
}

TEST(CriticalPath, FollowsTheLastDependencyBack) {
  // 0: [0, 6) → 2: [6, 10); 1: [0, 4) is not on the path.
  TraceBuilder builder;
  builder.step(0, 10).span(0, 0, 6).span(1, 0, 4);
  builder.add({.created = 0, .ready = 6, .start = 6, .end = 10, .work = 3, .last_dependency = 0});
  const std::vector<PathItem> path = critical_path(builder.trace(), {0, 1});
  ASSERT_EQ(path.size(), 2u);
  EXPECT_EQ(path[0].span, SpanId(0));
  EXPECT_EQ(path[0].running, ps(6));
  EXPECT_EQ(path[1].span, SpanId(2));
  EXPECT_EQ(path[1].running, ps(4));
  EXPECT_EQ(path[1].contended, ps(1));
}

TEST(CriticalPath, FollowsWhatItQueuedBehindRatherThanADependencyThatEndedBefore) {
  // 2 depends on 0, which ended at 3, but could start only when 1 gave way at 8, which itself ran on until 9.
  TraceBuilder builder;
  builder.step(0, 12).span(0, 0, 3).span(1, 1, 9);
  builder.add({.created = 0, .ready = 3, .start = 8, .end = 12, .work = 4, .last_dependency = 0, .queued_behind = 1});
  const std::vector<PathItem> path = critical_path(builder.trace(), {0, 1});
  ASSERT_EQ(path.size(), 2u);
  EXPECT_EQ(path[0].span, SpanId(1));
  EXPECT_EQ(path[0].running, ps(7));      // [1, 8): up to where its successor started
  EXPECT_EQ(path[0].unexplained, ps(1));  // [0, 1): span 1 was ready but nothing says why it waited
  EXPECT_EQ(path[1].waiting_behind, ps(0));
}

TEST(CriticalPath, TellsQueueingFromSignalsAndFromGapsWithoutACause) {
  // 0 ends at 4; 1 knows of it at 6, and starts at 9 without a known culprit.
  TraceBuilder builder;
  builder.step(0, 12).span(0, 0, 4);
  builder.add({.created = 0, .ready = 6, .start = 9, .end = 11, .work = 2, .last_dependency = 0});
  const std::vector<PathItem> path = critical_path(builder.trace(), {0, 1});
  ASSERT_EQ(path.size(), 3u);
  EXPECT_EQ(path[1].signalled, ps(2));
  EXPECT_EQ(path[1].waiting_behind, ps(3));
  EXPECT_EQ(path[1].running, ps(2));
  EXPECT_FALSE(path[2].span.valid());  // the step ended 1 ps after its last span
  EXPECT_EQ(path[2].unexplained, ps(1));
}

TEST(CriticalPath, GoesThroughTheEndOfTheStepBefore) {
  // Step 1 begins when span 1 of step 0 ended; a detached op of step 0 runs on until 20 and is not what step 1 waited
  // for.
  TraceBuilder builder;
  builder.step(0, 10).span(0, 0, 4);
  builder.add({.created = 0, .ready = 4, .start = 4, .end = 10, .work = 6, .last_dependency = 0});
  builder.span(1, 0, 20);
  builder.step(10, 15).add({.created = 10, .ready = 10, .start = 10, .end = 15, .work = 5});
  const Trace trace = builder.trace();
  const std::vector<PathItem> path = critical_path(trace, {0, 2});
  ASSERT_EQ(path.size(), 3u);
  EXPECT_EQ(path[1].span, SpanId(1));
  EXPECT_EQ(critical_path(trace, {1, 2}).size(), 1u);
}

TEST(CriticalPath, ClipsADetachedSpanAtTheBeginOfTheRange) {
  // Step 1 waits for a recall that has run since 3: within [10, 22) it counts 8.
  TraceBuilder builder;
  builder.step(0, 10).span(0, 0, 10).span(1, 3, 18);
  builder.step(10, 22).add({.created = 10, .ready = 18, .start = 18, .end = 22, .work = 4, .last_dependency = 1});
  const std::vector<PathItem> path = critical_path(builder.trace(), {1, 2});
  ASSERT_EQ(path.size(), 2u);
  EXPECT_EQ(path[0].span, SpanId(1));
  EXPECT_EQ(path[0].running, ps(8));
}

TEST(CriticalPath, EndsInACycleOfSpansWithoutLength) {
  // A broken trace: two spans of no length that each name the other.
  TraceBuilder builder;
  builder.step(0, 5).add({.created = 0, .ready = 5, .start = 5, .end = 5, .work = 0, .last_dependency = 1});
  builder.add({.created = 0, .ready = 5, .start = 5, .end = 5, .work = 0, .last_dependency = 0});
  Duration sum;
  for (const PathItem& item : critical_path(builder.trace(), {0, 1}))
    sum += item.running + item.waiting_behind + item.signalled + item.unexplained;
  EXPECT_EQ(sum, ps(5));
}

TEST(Causes, AddUpTheCriticalPathLargestFirst) {
  // gemm on HBM [0, 6), copy [6, 8), gemm on HBM queued [8, 9) and running [9, 20): 17 of 20, 2 and 1.
  TraceBuilder builder;
  builder.step(0, 20).add({.created = 0, .ready = 0, .start = 0, .end = 6, .work = 4, .bottleneck = 0});
  builder.add({.lane = 1, .name = 1, .created = 0, .ready = 6, .start = 6, .end = 8, .work = 2, .last_dependency = 0});
  builder.add({.created = 0, .ready = 8, .start = 9, .end = 20, .work = 11, .last_dependency = 1, .bottleneck = 0});
  const std::vector<Cause> rows = causes(builder.trace(), {0, 1});
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].name, "gemm");
  EXPECT_EQ(rows[0].bottleneck, "HBM");
  EXPECT_EQ(rows[0].lane, "compute");
  EXPECT_EQ(rows[0].time, ps(17));
  EXPECT_DOUBLE_EQ(rows[0].share, 0.85);
  EXPECT_EQ(rows[1].name, "copy");
  EXPECT_EQ(rows[1].bottleneck, "");
  EXPECT_EQ(rows[2].name, "queued: gemm");
  EXPECT_EQ(rows[2].time, ps(1));
}

TEST(Causes, NameUnexplainedTime) {
  const Trace trace = TraceBuilder().step(0, 10).span(0, 4, 10).trace();
  const std::vector<Cause> rows = causes(trace, {0, 1});
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[1].name, kUnexplained);
  EXPECT_DOUBLE_EQ(rows[1].share, 0.4);
}

TEST(Fingerprint, ChangesWithEveryIntegerOfASpan) {
  const Trace base = TraceBuilder().step(0, 10).span(0, 4, 10).trace();
  const std::uint64_t before = fingerprint(base);
  EXPECT_EQ(fingerprint(base), before);
  const auto changes = [&](auto&& change) {
    Trace trace = base;
    change(trace.spans[0]);
    return fingerprint(trace) != before;
  };
  EXPECT_TRUE(changes([](Span& s) { s.created = Instant::from_ps(1); }));
  EXPECT_TRUE(changes([](Span& s) { s.ready = Instant::from_ps(5); }));
  EXPECT_TRUE(changes([](Span& s) { s.start = Instant::from_ps(5); }));
  EXPECT_TRUE(changes([](Span& s) { s.end = Instant::from_ps(11); }));
  EXPECT_TRUE(changes([](Span& s) { s.work = Duration::from_ps(1); }));
  EXPECT_TRUE(changes([](Span& s) { s.name = 1; }));
  EXPECT_TRUE(changes([](Span& s) { s.lane = LaneId(1); }));
  EXPECT_TRUE(changes([](Span& s) { s.layer = 2; }));
  EXPECT_TRUE(changes([](Span& s) { s.step = 1; }));
  EXPECT_TRUE(changes([](Span& s) { s.last_dependency = SpanId(0); }));
  EXPECT_TRUE(changes([](Span& s) { s.queued_behind = SpanId(0); }));
  EXPECT_TRUE(changes([](Span& s) { s.bottleneck = ResourceId(0); }));
}

TEST(OrderFingerprint, ChangesWithWhoStartsAfterWhomAndNotWithTimes) {
  const std::uint64_t before = order_fingerprint(TraceBuilder().step(0, 10).span(0, 1, 3).span(1, 4, 9).trace());
  EXPECT_EQ(order_fingerprint(TraceBuilder().step(0, 20).span(0, 2, 6).span(1, 8, 18).trace()), before);
  EXPECT_NE(order_fingerprint(TraceBuilder().step(0, 10).span(0, 4, 9).span(1, 1, 3).trace()), before);
  EXPECT_NE(order_fingerprint(TraceBuilder().step(0, 10).span(1, 1, 3).span(1, 4, 9).trace()), before);
}

TEST(Fingerprint, OfAnEmptyTraceIsTheOffsetOfFnv1a) { EXPECT_EQ(fingerprint({}), 0xcbf29ce484222325ull); }

// Two replicas, of two steps and one: the second's span queued behind the first's, and both ran on lanes of one name.
Trace two_replicas() {
  Trace trace = TraceBuilder()
                    .step(0, 10)
                    .span(0, 0, 10)
                    .step(10, 30)
                    .span(0, 10, 20)
                    .step(0, 40)
                    .add({.lane = 1, .name = 0, .ready = 0, .start = 10, .end = 25, .work = 15, .queued_behind = 0})
                    .add({.lane = 1, .name = 1, .ready = 25, .start = 25, .end = 40, .work = 15, .last_dependency = 2})
                    .trace();
  trace.steps[2].replica = 1;
  trace.edges = {{SpanId(0), SpanId(1)}, {SpanId(2), SpanId(3)}};
  return trace;
}

TEST(OfReplica, KeepsItsOwnStepsAndCauses) {
  const Trace own = of_replica(two_replicas(), 1);
  ASSERT_EQ(own.steps.size(), 1u);
  ASSERT_EQ(own.spans.size(), 2u);
  EXPECT_EQ(own.steps[0].first_span, 0u);
  EXPECT_EQ(own.steps[0].replica, 0u);
  EXPECT_EQ(own.spans[0].step, 0);
  EXPECT_FALSE(own.spans[0].queued_behind.valid()) << "another replica's span";
  EXPECT_EQ(own.spans[1].last_dependency, SpanId(0));
  ASSERT_EQ(own.edges.size(), 1u);
  EXPECT_EQ(own.edges[0], std::pair(SpanId(0), SpanId(1)));
}

TEST(OfReplica, OfTheOnlyOneIsAllThereIs) {
  const Trace trace = TraceBuilder().step(0, 10).span(0, 0, 4).span(1, 4, 10).step(10, 30).span(0, 10, 20).trace();
  EXPECT_EQ(fingerprint(of_replica(trace, 0)), fingerprint(trace));
}

TEST(ReplicaMetrics, CountTheirOwnSpansAndFollowOthersOnTheCriticalPath) {
  const Trace trace = two_replicas();
  // Of [0, 40): gemm ran in [10, 25) on the second; [0, 10) and [10, 20) were the first's.
  EXPECT_DOUBLE_EQ(concurrent_share(trace, {0, kNoGroup}, 1, {2, 3}), 15.0 / 40.0);
  EXPECT_DOUBLE_EQ(concurrent_share(trace, {0, kNoGroup}, 1, {0, 2}), 20.0 / 30.0);
  // Back from 40: copy, gemm, and what that queued behind: the first's step.
  const auto path = critical_path(trace, {2, 3});
  ASSERT_EQ(path.size(), 3u);
  EXPECT_EQ(path[0].span, SpanId(0));
  EXPECT_EQ(path[0].running, Duration::from_ps(10));
  EXPECT_EQ(path[2].running, Duration::from_ps(15));
  // The first span of a replica has no step before it, though the trace has.
  EXPECT_EQ(path[0].unexplained, Duration());
  const StepRange both[] = {{0, 2}, {2, 3}};
  EXPECT_EQ(steps_of(both), 3u);
  double shares = 0.0;
  for (const Cause& cause : causes(trace, both)) shares += cause.share;
  EXPECT_NEAR(shares, 1.0, 1e-12);
}

}  // namespace
}  // namespace outrider
