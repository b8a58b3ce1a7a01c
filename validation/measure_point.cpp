// The same graphs to both backends.
#include "validation/measure_point.h"

#include <algorithm>
#include <exception>
#include <functional>
#include <numeric>
#include <utility>

#include "sim/base/statistics.h"
#include "validation/host.h"

namespace outrider {
namespace {

struct Runs {
  std::vector<Trace> traces;            // of the first replica
  std::vector<Seconds> times, slowest;  // mean over the replicas, and of the slowest
  std::vector<ActivityShares> shares;
  std::size_t middle = 0;  // whose time is the median

  Seconds median() const { return times[middle]; }
};

Runs run_steps(int repeats, StepRange range, const std::function<std::vector<Trace>()>& run) {
  Runs runs;
  for (int i = 0; i < repeats; ++i) {
    std::vector<Trace> replicas = run();
    Seconds sum, most;
    for (const Trace& trace : replicas) {
      sum += mean_step_time(trace, range);
      most = std::max(most, mean_step_time(trace, range));
    }
    runs.times.push_back(sum / static_cast<double>(replicas.size()));
    runs.slowest.push_back(most);
    runs.traces.push_back(std::move(replicas.front()));
    runs.shares.push_back(activity_shares(runs.traces.back(), range));
  }
  std::vector<std::size_t> order(runs.times.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return runs.times[a] < runs.times[b]; });
  runs.middle = order[nearest_rank(order.size(), 0.5)];
  return runs;
}

std::size_t gpus_of(const Scenario& scenario) { return static_cast<std::size_t>(scenario.machine.gpu_count); }

bool has_work_for_cpu(const std::vector<std::vector<TaskGraph>>& replicas) {
  if (replicas.empty()) return false;
  return std::any_of(replicas.front().begin(), replicas.front().end(), [](const TaskGraph& graph) {
    const auto ops = graph.ops();
    return std::any_of(ops.begin(), ops.end(), [](const Op& op) { return kind_of(op.family) == OpKind::cpu_kernel; });
  });
}

}  // namespace

void execute_point(MeasuredPoint& point, std::span<const std::vector<TaskGraph>> replicas, StepRange range,
                   const RealOptions& real, const MeasureStepsOptions& options) {
  RealOptions chosen = real;
  chosen.edges = true;
  chosen.timed = kTimesNone;
  RealBackend backend(replicas, chosen);
  point.facts = backend.facts();
  backend.run();
  Runs untimed = run_steps(options.repeats, range, [&] { return backend.run_replicas(); });
  point.repeats = untimed.times;
  const auto [least, most] = std::minmax_element(point.repeats.begin(), point.repeats.end());
  point.measured = untimed.median();
  point.measured_slowest = nearest_quantile(untimed.slowest, 0.5);
  point.spread = (*most - *least) / point.measured;
  ActivityRuns activities{.simulated = activity_shares(point.simulated, range), .untimed = untimed.shares};
  point.executed = std::move(untimed.traces[untimed.middle]);
  if (options.operations) {
    Runs timed = run_steps(options.repeats, range, [&] { return backend.run_in_parts(); });
    point.timed = timed.median();
    activities.timed = timed.shares;
    activities.middle = timed.middle;
    point.executed = std::move(timed.traces[timed.middle]);
    point.operations = trace_diff(point.simulated, point.executed, range, options.worst_ops);
  }
  point.activities = compare_activities(activities);
}

MeasuredPoint measure_point(const Scenario& scenario, const Profile& profile, const PlannedPoint& plan,
                            const Selections& selections, const MeasureStepsOptions& options) {
  MeasuredPoint point;
  std::vector<std::vector<TaskGraph>> replicas;
  for (std::size_t gpu = 0; plan.fits() && gpu < gpus_of(scenario); ++gpu)
    replicas.push_back(step_graphs(scenario, plan, selections, gpu));
  if (has_work_for_cpu(replicas)) {
    if (options.dram != nullptr) point.host.dram_read = options.dram->rate();
    point.host.cpu_workers = threads_of_cpu(replicas, options.cpu_workers);
  }
  const MachineModel machine = model_of_host(scenario.machine, profile, point.host);
  SimulatedPoint simulated = simulate_point(scenario, machine, plan, selections, {.edges = true});
  point.predicted = std::move(simulated.result);
  point.simulated = of_replica(simulated.trace, 0);
  if (!plan.fits()) {
    point.impossible = plan.limit;
    return point;
  }
  if (plan.workload->kind == WorkloadKind::training) {
    point.impossible = "steps of training are simulated, not executed";
    return point;
  }
  RealOptions real;
  real.cpu_workers = options.cpu_workers;
  real.scheduling = scenario.machine.host.step_overhead;
  point.attention = result_shape(replicas.front(), plan.context);
  try {
    execute_point(point, replicas, simulated.measured.front(), real, options);
  } catch (const std::invalid_argument& reason) {
    point.impossible = reason.what();
  } catch (const std::runtime_error& reason) { point.impossible = reason.what(); }
  return point;
}

}  // namespace outrider
