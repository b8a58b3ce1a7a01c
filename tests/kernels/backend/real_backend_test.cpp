// Graphs of host and CPU ops, executed on the machine that runs the tests.
#include "kernels/backend/real_backend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "sim/trace/metrics.h"
#include "sim/trace/trace_diff.h"
#include "tests/kernels/backend/graphs.h"

namespace outrider {
namespace {

using ::testing::HasSubstr;

// Dispatches attention and a gather per layer, as an offloading method would, and waits for the last.
TaskGraph cpu_step(int layers) {
  SmallGraph graph;
  OpId done = graph.host(Family::schedule_step);
  for (int layer = 0; layer < layers; ++layer) {
    const OpId gathered = graph.gather({graph.host(Family::dispatch_pool, {done})});
    const OpId attended = graph.attend({gathered}, 1024.0);
    done = graph.barrier({attended, graph.host(Family::schedule_step)});
  }
  return graph.seal(graph.host(Family::synchronize, {done}));
}

std::vector<TaskGraph> cpu_steps(int steps) {
  std::vector<TaskGraph> graphs;
  for (int step = 0; step < steps; ++step) graphs.push_back(cpu_step(3));
  return graphs;
}

void expect_sound(const std::vector<TaskGraph>& graphs, const Trace& trace) {
  ASSERT_EQ(trace.steps.size(), graphs.size());
  std::vector<Instant> lane_free(kLanesPerDevice);
  for (std::size_t step = 0; step < graphs.size(); ++step) {
    const TaskGraph& graph = graphs[step];
    const auto spans = trace.spans_of(trace.steps[step]);
    ASSERT_EQ(spans.size(), graph.size());
    for (std::size_t op = 0; op < graph.size(); ++op) {
      const Span& span = spans[op];
      for (const OpId dependency : graph.dependencies(OpId(op))) EXPECT_GE(span.start, spans[dependency.index()].end);
      EXPECT_EQ(trace.names[span.name], to_string(graph.op(OpId(op)).family));
      EXPECT_EQ(span.lane, graph.op(OpId(op)).lane);
      EXPECT_EQ(span.ledger().total(), span.end - span.created);
      EXPECT_LE(span.ready, span.start);
      if (graph.op(OpId(op)).family == Family::barrier) continue;
      EXPECT_GE(span.start, lane_free[span.lane.index()]);
      lane_free[span.lane.index()] = span.end;
    }
    EXPECT_GE(trace.steps[step].end, spans[graph.last().index()].end);
  }
}

TEST(RealBackend, KeepsDependenciesLanesAndTheLedger) {
  const std::vector<TaskGraph> graphs = cpu_steps(4);
  RealBackend backend(graphs);
  expect_sound(graphs, backend.run());
}

TEST(RealBackend, RunsAgainWithTheSameShapeAndOtherTimes) {
  const std::vector<TaskGraph> graphs = cpu_steps(2);
  RealBackend backend(graphs, {.cpu_workers = 2});
  const Trace first = backend.run(), second = backend.run();
  expect_sound(graphs, second);
  const TraceDiff diff = trace_diff(first, second, {0, 2});  // throws where the shapes differ
  EXPECT_GT(diff.makespan.measured, Duration());
  EXPECT_EQ(first.names, second.names);
  EXPECT_EQ(first.lanes, second.lanes);
}

TEST(RealBackend, ReplicasRunSideBySideAndHaveATraceEach) {
  const std::vector<std::vector<TaskGraph>> replicas = {cpu_steps(3), cpu_steps(2)};
  RealBackend backend(replicas, {.cpu_workers = 1});
  const std::vector<Trace> traces = backend.run_replicas();
  ASSERT_EQ(traces.size(), 2U);
  for (std::size_t i = 0; i < traces.size(); ++i) expect_sound(replicas[i], traces[i]);
}

TEST(RealBackend, ItsTracesAreReadAsSimulatedOnesAre) {
  const std::vector<TaskGraph> graphs = cpu_steps(3);
  RealBackend backend(graphs, {.edges = true});
  const Trace trace = backend.run();
  Duration sum;
  for (const PathItem& item : critical_path(trace, {0, 3}))
    sum += item.unexplained + item.signalled + item.waiting_behind + item.running;
  EXPECT_EQ(sum, elapsed(trace, {0, 3}));
  std::size_t dependencies = 0;
  for (const TaskGraph& graph : graphs) {
    for (std::size_t op = 0; op < graph.size(); ++op) dependencies += graph.dependencies(OpId(op)).size();
  }
  EXPECT_EQ(trace.edges.size(), dependencies);
  EXPECT_LT(idle_share(trace, {lane_id(Lane::cpu)}, {0, 3}), 1.0);
}

TEST(RealBackend, AttendsAndGathersForAsLongAsTheyTake) {
  SmallGraph graph;
  const OpId attended = graph.attend({}, 65536.0);
  const OpId gathered = graph.gather({attended}, 33554432.0);
  const std::vector<TaskGraph> graphs{graph.seal(gathered)};
  RealBackend backend(graphs);
  const Trace trace = backend.run();
  // 32 MiB each are not read within 100 µs by what runs tests.
  EXPECT_GT(trace.spans[attended.index()].work, Duration::from_ps(100'000'000));
  EXPECT_GT(trace.spans[gathered.index()].work, Duration::from_ps(100'000'000));
  EXPECT_GE(trace.steps[0].end, trace.spans[gathered.index()].end);
}

// Of 64 query heads, in 100 tables of 64 buckets with 64 tokens each: 410,000 counts are raised, which no processor
// does in 20 us. Each op opens other buckets.
TEST(RealBackend, LooksUpInHashTablesForAsLongAsItTakes) {
  SmallGraph graph;
  const StreamShape look{.read = Bytes(6400.0 * (8.0 + 4.0 * 64.0)),
                         .write = Bytes(64.0 * 4096.0),
                         .flops = Flops(6400.0 * 64.0),
                         .items = 64.0};
  const OpId first = graph.add(Family::cpu_hash_lookup, Lane::cpu, look, {});
  const OpId second = graph.add(Family::cpu_hash_lookup, Lane::cpu, look, {first});
  const std::vector<TaskGraph> graphs{graph.seal(second)};
  RealBackend backend(graphs);
  const Trace trace = backend.run();
  expect_sound(graphs, trace);
  for (const OpId op : {first, second}) EXPECT_GT(trace.spans[op.index()].work, Duration::from_ps(20'000'000));
}

TEST(RealBackend, TheHostThreadGathersByItself) {
  SmallGraph graph;
  const OpId dispatched = graph.host(Family::dispatch_pool);
  const OpId attended = graph.attend({dispatched}, 65536.0);
  const StreamShape shape{.read = Bytes(33554432.0), .write = Bytes(33554432.0), .flops = Flops(), .items = 1024.0};
  const OpId gathered = graph.add(Family::cpu_gather, Lane::host, shape, {dispatched});
  const std::vector<TaskGraph> graphs{graph.seal(graph.barrier({attended, gathered}))};
  RealBackend backend(graphs, {.cpu_workers = 1});
  const Trace trace = backend.run();
  expect_sound(graphs, trace);
  EXPECT_GT(trace.spans[gathered.index()].work, Duration::from_ps(100'000'000)) << "32 MiB are not copied in 100 us";
}

TEST(RealBackend, OpsBehindTheStepsLastOneRunOnIntoTheNext) {
  SmallGraph first, second;
  const OpId long_one = first.attend({}, 262144.0);
  first.builder().fill(0, long_one);
  std::vector<TaskGraph> graphs;
  graphs.push_back(first.seal(first.host(Family::schedule_step)));
  const OpId waiting = second.host(Family::dispatch_pool);
  second.builder().await(waiting, 0);
  graphs.push_back(second.seal(waiting));
  RealBackend backend(graphs);
  const Trace trace = backend.run();
  EXPECT_GT(trace.spans[0].end, trace.steps[0].end);
  EXPECT_EQ(trace.spans[2].last_dependency, SpanId(0));
  EXPECT_GE(trace.spans[2].start, trace.spans[0].end);
}

TEST(RealBackend, ScheduleStepKeepsTheHostThreadBusyAsAsked) {
  SmallGraph graph;
  const std::vector<TaskGraph> graphs{graph.seal(graph.host(Family::schedule_step))};
  RealBackend backend(graphs, {.scheduling = Seconds(300e-6)});
  EXPECT_GE(backend.run().spans[0].work, Duration::from_ps(300'000'000));
}

TEST(RealBackend, SaysWhatItRanOn) {
  SmallGraph graph;
  const std::vector<TaskGraph> graphs{graph.seal(graph.gather({}, 4194304.0))};
  RealBackend backend(graphs, {.cpu_workers = 2});
  const RealFacts& facts = backend.facts();
  EXPECT_EQ(facts.cpu_workers, 2);
  ASSERT_EQ(facts.arenas.size(), 2U);
  EXPECT_EQ(facts.arenas[0].name, "host cache");
  EXPECT_EQ(facts.arenas[0].bytes, 4194304U);
}

std::string refusal(const std::vector<TaskGraph>& graphs) {
  try {
    RealBackend backend(graphs);
  } catch (const std::exception& error) { return error.what(); }
  return "";
}

TEST(RealBackend, WithoutAGpuItSaysWhatItLacks) {
  if (missing_device().empty()) GTEST_SKIP() << "there is a GPU here";
  SmallGraph graph;
  const std::vector<TaskGraph> graphs{graph.seal(graph.kernel({graph.host(Family::launch_kernel)}))};
  EXPECT_THAT(refusal(graphs), HasSubstr(missing_device()));
  EXPECT_THAT(refusal(graphs), HasSubstr("it runs steps of host and CPU ops only, and op 1 of step 0 is a norm_rope on "
                                         "the compute stream"));
}

TEST(RealBackend, RefusesMoreMemoryThanThereIsBeforeAnythingRuns) {
  SmallGraph graph;
  const std::vector<TaskGraph> graphs{graph.seal(graph.gather({}, 1e15))};
  EXPECT_THAT(refusal(graphs), HasSubstr("GiB of host memory"));
  EXPECT_THAT(refusal(graphs), HasSubstr("largest: cpu_gather of layer -1"));
}

}  // namespace
}  // namespace outrider
