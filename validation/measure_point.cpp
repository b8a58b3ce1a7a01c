// The same graphs to both backends.
#include "validation/measure_point.h"

#include <algorithm>
#include <exception>
#include <numeric>
#include <utility>

namespace outrider {
namespace {

struct Runs {
  std::vector<Trace> traces;
  std::vector<Seconds> times;
  std::vector<ActivityShares> shares;
  std::size_t middle = 0;  // whose time is the median

  Seconds median() const { return times[middle]; }
};

Runs run_steps(RealBackend& backend, int repeats, StepRange range) {
  Runs runs;
  backend.run();
  for (int i = 0; i < repeats; ++i) {
    runs.traces.push_back(backend.run());
    runs.times.push_back(mean_step_time(runs.traces.back(), range));
    runs.shares.push_back(activity_shares(runs.traces.back(), range));
  }
  std::vector<std::size_t> order(runs.times.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return runs.times[a] < runs.times[b]; });
  runs.middle = order[order.size() / 2];
  return runs;
}

}  // namespace

void execute_point(MeasuredPoint& point, std::span<const TaskGraph> graphs, StepRange range, const RealOptions& real,
                   const MeasureStepsOptions& options) {
  RealOptions chosen = real;
  chosen.edges = true;
  const auto run = [&](Timing timing) {
    chosen.timing = timing;
    RealBackend backend(graphs, chosen);
    point.facts = backend.facts();
    return run_steps(backend, options.repeats, range);
  };
  Runs untimed = run(Timing::steps_only);
  point.repeats = untimed.times;
  const auto [least, most] = std::minmax_element(point.repeats.begin(), point.repeats.end());
  point.measured = untimed.median();
  point.spread = (*most - *least) / point.measured;
  ActivityRuns activities{.simulated = activity_shares(point.simulated, range), .untimed = untimed.shares};
  point.executed = std::move(untimed.traces[untimed.middle]);
  if (options.operations) {
    Runs timed = run(Timing::every_op);
    point.timed = timed.median();
    activities.timed = timed.shares;
    activities.middle = timed.middle;
    point.executed = std::move(timed.traces[timed.middle]);
    point.operations = trace_diff(point.simulated, point.executed, range, options.worst_ops);
  }
  point.activities = compare_activities(activities);
}

MeasuredPoint measure_point(const Scenario& scenario, const MachineModel& machine, const PlannedPoint& plan,
                            const Selections& selections, const MeasureStepsOptions& options) {
  MeasuredPoint point;
  SimulatedPoint simulated = simulate_point(scenario, machine, plan, selections, {.edges = true});
  point.predicted = std::move(simulated.result);
  point.simulated = std::move(simulated.trace);
  if (!plan.fits()) {
    point.impossible = plan.limit;
    return point;
  }
  if (scenario.machine.gpu_count > 1) {
    point.impossible = "steps of one GPU are executed, and the machine has several";
    return point;
  }
  RealOptions real;
  real.cpu_workers = options.cpu_workers;
  real.scheduling = scenario.machine.host.step_overhead;
  const std::vector<TaskGraph> graphs = decode_graphs(scenario, plan, selections);
  point.attention = result_shape(graphs, plan.context);
  try {
    execute_point(point, graphs, simulated.measured.front(), real, options);
  } catch (const std::invalid_argument& reason) {
    point.impossible = reason.what();
  } catch (const std::runtime_error& reason) { point.impossible = reason.what(); }
  return point;
}

}  // namespace outrider
