// Traces of hand-made times: ready, queueing and the ledger.
#include "kernels/backend/trace_builder.h"

#include <gtest/gtest.h>

#include "tests/kernels/backend/graphs.h"

namespace outrider {
namespace {

constexpr std::int64_t kStart = 1'000'000'000;  // the host's clock when the first step begins

Instant at_ns(std::int64_t ns) { return Instant::from_ps(ns * 1000); }
OpTimes times(std::int64_t start, std::int64_t end) { return {kStart + start, kStart + end, true}; }

struct HandMade {
  std::vector<TaskGraph> graphs;
  std::vector<OpTimes> ops;
  std::vector<StepTimes> steps;

  Trace trace() const { return build_trace(make_schedule(graphs), ops, steps); }
};

// Host launches two kernels and waits for the second.
TaskGraph two_kernels() {
  SmallGraph graph;
  const OpId first = graph.kernel({graph.host(Family::launch_kernel)});
  const OpId second = graph.kernel({first, graph.host(Family::launch_kernel)});
  return graph.seal(graph.host(Family::synchronize, {second}));
}

TEST(TraceBuilder, LedgersAddUpAndNothingIsContention) {
  HandMade run;
  run.graphs.push_back(two_kernels());
  run.ops = {times(10, 20), times(25, 60), times(21, 30), times(61, 90), times(31, 97)};
  run.steps = {{kStart, kStart + 100}};
  const Trace trace = run.trace();
  ASSERT_EQ(trace.spans.size(), 5U);
  EXPECT_EQ(trace.steps[0].end, at_ns(100));
  const Span& first = trace.spans[1];
  EXPECT_EQ(first.ready, at_ns(20));  // its launch's end
  EXPECT_EQ(first.start, at_ns(25));
  EXPECT_EQ(first.last_dependency, SpanId(0));
  const Span& second = trace.spans[3];
  EXPECT_EQ(second.ready, at_ns(60));
  EXPECT_EQ(second.last_dependency, SpanId(1));
  for (const Span& span : trace.spans) {
    EXPECT_EQ(span.ledger().total(), span.end - span.created);
    EXPECT_EQ(span.ledger().contention, Duration());
    EXPECT_GE(span.ledger().dependency, Duration());
    EXPECT_GE(span.ledger().queue, Duration());
  }
}

TEST(TraceBuilder, ASynchronizeStartsWhenWhatItWaitsForHasEnded) {
  HandMade run;
  run.graphs.push_back(two_kernels());
  run.ops = {times(10, 20), times(25, 60), times(21, 30), times(61, 90), times(31, 97)};
  run.steps = {{kStart, kStart + 100}};
  const Trace trace = run.trace();
  EXPECT_EQ(trace.spans[4].start, at_ns(90));
  EXPECT_EQ(trace.spans[4].end, at_ns(97));
  EXPECT_EQ(trace.spans[4].ledger().queue, Duration());
}

TEST(TraceBuilder, AKernelThatRunsBeforeItsLaunchReturnsWasReadyThen) {
  HandMade run;
  run.graphs.push_back(two_kernels());
  run.ops = {times(10, 20), times(15, 60), times(21, 30), times(58, 90), times(31, 97)};
  run.steps = {{kStart, kStart + 100}};
  const Trace trace = run.trace();
  EXPECT_EQ(trace.spans[1].ready, at_ns(15));
  EXPECT_EQ(trace.spans[1].start, at_ns(15));
  EXPECT_EQ(trace.spans[3].ready, at_ns(58));  // the clocks disagree by 2 ns
}

TEST(TraceBuilder, NamesWhatASpanQueuedBehind) {
  HandMade run;
  SmallGraph graph;
  const OpId launch = graph.host(Family::launch_kernel);
  graph.kernel({launch});
  run.graphs.push_back(graph.seal(graph.kernel({launch})));
  run.ops = {times(0, 10), times(12, 50), times(51, 70)};
  run.steps = {{kStart, kStart + 70}};
  const Trace trace = run.trace();
  EXPECT_EQ(trace.spans[2].ready, at_ns(10));
  EXPECT_EQ(trace.spans[2].queued_behind, SpanId(1));
  EXPECT_FALSE(trace.spans[1].queued_behind.valid());
}

TEST(TraceBuilder, StepsOnlyLeavesOpsWithoutLength) {
  HandMade run;
  run.graphs.push_back(two_kernels());
  run.ops = {times(10, 20), {}, times(21, 30), {}, times(31, 97)};
  run.steps = {{kStart, kStart + 100}};
  const Trace trace = run.trace();
  EXPECT_EQ(trace.spans[1].start, trace.spans[1].end);
  EXPECT_EQ(trace.spans[1].ledger().total(), Duration());
  EXPECT_EQ(trace.spans[4].end, at_ns(97));
}

TEST(TraceBuilder, BarriersEndWithTheirDependenciesAndSlotsReachAcrossSteps) {
  HandMade run;
  SmallGraph first, second;
  const OpId attended = first.attend({});
  first.builder().fill(0, attended);
  const OpId begun = first.host(Family::schedule_step);
  run.graphs.push_back(first.seal(begun));
  const OpId host = second.host(Family::schedule_step);
  const OpId both = second.barrier({host});
  second.builder().await(both, 0);
  run.graphs.push_back(second.seal(both));
  run.ops = {times(5, 150), times(1, 100), times(110, 120), {}};
  run.steps = {{kStart, kStart + 100}, {kStart + 105, kStart + 150}};
  const Trace trace = run.trace();
  EXPECT_EQ(trace.spans[3].end, at_ns(150));
  EXPECT_EQ(trace.spans[3].last_dependency, SpanId(0));
  EXPECT_EQ(trace.spans[3].created, at_ns(105));
  EXPECT_EQ(trace.steps[1].first_span, 2U);
}

}  // namespace
}  // namespace outrider
