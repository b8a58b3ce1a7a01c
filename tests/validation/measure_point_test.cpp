// Steps of host and CPU ops, executed here and simulated from the same graphs.
#include "validation/measure_point.h"

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "sim/engine/sim_backend.h"
#include "sim/io/perfetto.h"
#include "tests/hwmodels/machines.h"
#include "tests/kernels/backend/graphs.h"

namespace outrider {
namespace {

// Attention, a gather and scheduling one after another, and the wait for them.
std::vector<TaskGraph> cpu_steps(int steps) {
  std::vector<TaskGraph> graphs;
  for (int step = 0; step < steps; ++step) {
    SmallGraph graph;
    const OpId attended = graph.attend({graph.host(Family::dispatch_pool)}, 32768.0);
    const OpId gathered = graph.gather({attended}, 1048576.0);
    graphs.push_back(graph.seal(graph.host(Family::synchronize, {gathered})));
  }
  return graphs;
}

Trace simulated(const std::vector<TaskGraph>& graphs) {
  const MachineModel machine(machine_named("h200-16c"), assumed_profile());
  SimBackend backend(machine.platform(), {.edges = true});
  for (const TaskGraph& graph : graphs) {
    const std::vector<Demand> demands = machine.demands(graph);
    backend.run_step(graph, demands);
  }
  return backend.finish();
}

MeasuredPoint executed(const std::vector<TaskGraph>& graphs, bool operations) {
  MeasuredPoint point;
  point.simulated = simulated(graphs);
  point.predicted.tpot = mean_step_time(point.simulated, {1, graphs.size()});
  execute_point(point, std::vector(1, graphs), {1, graphs.size()}, {.cpu_workers = 1},
                {.repeats = 3, .operations = operations});
  return point;
}

// Ops of one lane follow each other, so that their times add up.
double cpu_share(const Trace& trace, StepRange range) {
  Duration sum;
  for (std::size_t step = range.first; step < range.last; ++step) {
    for (const Span& span : trace.spans_of(trace.steps[step]))
      if (span.lane == lane_id(Lane::cpu)) sum += span.end - span.start;
  }
  return sum.seconds() / elapsed(trace, range).seconds();
}

TEST(ExecutePoint, LaysExecutedStepsBesideTheirSimulation) {
  const std::vector<TaskGraph> graphs = cpu_steps(4);
  const MeasuredPoint point = executed(graphs, true);
  ASSERT_EQ(point.repeats.size(), 3U);
  EXPECT_GT(point.measured.value(), 0.0);
  EXPECT_GT(point.timed.value(), 0.0);
  EXPECT_EQ(point.executed.steps.size(), graphs.size());
  EXPECT_EQ(point.executed.edges.size(), point.simulated.edges.size());
  ASSERT_EQ(point.activities.size(), 5U);
  const ActivityDiff &gpu = point.activities[0], &cpu = point.activities[3];
  EXPECT_EQ(gpu.measured, 0.0);
  EXPECT_EQ(gpu.simulated, 0.0);
  EXPECT_GT(cpu.simulated, 0.5) << "16 MiB of KV and a gather beside three calls";
  EXPECT_GT(cpu.measured, 0.0) << "how much depends on what else this machine does";
  EXPECT_LE(cpu.measured, 1.0);
  const ActivityShares shown = activity_shares(point.executed, {1, graphs.size()});
  EXPECT_NEAR(shown.busy_of(Activity::cpu), cpu_share(point.executed, {1, graphs.size()}), 1e-12);
  EXPECT_EQ(point.activities[4].measured, 0.0) << "attention and gather follow each other";
  EXPECT_GT(cpu.measured_ledger.work, Duration());
  EXPECT_EQ(cpu.measured_ledger.contention, Duration()) << "which a real trace does not tell";
}

TEST(ExecutePoint, ItsTwoTracesAreOneTimeline) {
  const MeasuredPoint point = executed(cpu_steps(3), true);
  const auto file = nlohmann::json::parse(perfetto_json(
      {{.name = "executed", .trace = &point.executed}, {.name = "simulated", .trace = &point.simulated}}, {}));
  std::map<int, std::set<std::string>> lanes;
  std::map<int, std::map<std::string, double>> steps;
  for (const auto& event : file["traceEvents"]) {
    const int pid = event["pid"];
    if (event["name"] == "thread_name") lanes[pid].insert(event["args"]["name"]);
    if (event["ph"] == "X" && !event.contains("args")) steps[pid][event["name"]] = event["ts"];
  }
  EXPECT_EQ(lanes[1], lanes[2]);
  EXPECT_TRUE(lanes[1].contains("cpu queue"));
  EXPECT_EQ(steps[1].size(), 3U);
  EXPECT_EQ(steps[1], steps[2]);
}

TEST(ExecutePoint, WithoutTimedOperationsItTellsTheCpusShare) {
  const MeasuredPoint point = executed(cpu_steps(3), false);
  ASSERT_EQ(point.activities.size(), 1U);
  EXPECT_GT(point.activities[0].measured, 0.0);
  EXPECT_EQ(point.activities[0].ops, 2.0);
  EXPECT_TRUE(point.operations.families.empty());
  EXPECT_EQ(point.timed.value(), 0.0);
  EXPECT_EQ(point.lengthened(), 0.0);
}

TEST(ExecutePoint, RunsTheReplicasOfSeveralGpusAtOnce) {
  const std::vector<TaskGraph> graphs = cpu_steps(4);
  const MachineSpec machine = machine_named("h200x2-32c");
  const MachineModel model(machine, assumed_profile());
  SimBackend backend(model.platform(), {.edges = true});
  std::vector<std::size_t> left(2, graphs.size());
  const auto submit = [&](std::size_t replica) {
    if (left[replica] == 0) return;
    const TaskGraph graph = on_device(graphs[graphs.size() - left[replica]--], static_cast<int>(replica));
    backend.submit(graph, model.demands(graph), replica);
  };
  for (const std::size_t replica : {0u, 1u}) submit(replica);
  for (std::size_t ended = 0; ended < 2 * graphs.size(); ++ended) submit(backend.wait());
  MeasuredPoint point;
  const Trace both = backend.finish();
  point.simulated = of_replica(both, 0);
  execute_point(point, std::vector(2, graphs), {1, graphs.size()}, {.cpu_workers = 1},
                {.repeats = 3, .operations = true});
  EXPECT_EQ(point.repeats.size(), 3U);
  EXPECT_GE(point.measured_slowest, point.measured);
  EXPECT_EQ(point.executed.steps.size(), graphs.size());  // the first one's
  EXPECT_EQ(point.operations.steps.size(), graphs.size() - 1);
  // Both attend all the time, one after the other: a replica's CPU works for half of it and waits for as long.
  const ActivityDiff& cpu = point.activities[3];
  EXPECT_GT(cpu.simulated, 0.3);
  EXPECT_LT(cpu.simulated, 0.6);
}

}  // namespace
}  // namespace outrider
