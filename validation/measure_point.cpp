// The same graphs to both backends.
#include "validation/measure_point.h"

#include <algorithm>
#include <exception>

namespace outrider {
namespace {

Seconds median_of(std::vector<Seconds> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

void execute(MeasuredPoint& point, const std::vector<TaskGraph>& graphs, const Trace& predicted, StepRange range,
             const RealOptions& real, const MeasureStepsOptions& options) {
  RealOptions steps_only = real;
  steps_only.timing = Timing::steps_only;
  {
    RealBackend backend(graphs, steps_only);
    point.facts = backend.facts();
    backend.run();
    for (int i = 0; i < options.repeats; ++i) point.repeats.push_back(mean_step_time(backend.run(), range));
  }
  const auto [least, most] = std::minmax_element(point.repeats.begin(), point.repeats.end());
  point.measured = median_of(point.repeats);
  point.spread = (*most - *least) / point.measured;
  if (!options.operations) return;
  RealBackend backend(graphs, real);
  backend.run();
  point.operations = trace_diff(predicted, backend.run(), range, options.worst_ops);
}

}  // namespace

MeasuredPoint measure_point(const Scenario& scenario, const MachineModel& machine, const PlannedPoint& plan,
                            const Selections& selections, const MeasureStepsOptions& options) {
  MeasuredPoint point;
  SimulatedPoint simulated = simulate_point(scenario, machine, plan, selections, {});
  point.predicted = std::move(simulated.result);
  if (!plan.fits()) {
    point.impossible = plan.limit;
    return point;
  }
  RealOptions real;
  real.cpu_workers = options.cpu_workers;
  real.scheduling = scenario.machine.host.step_overhead;
  try {
    execute(point, decode_graphs(scenario, plan, selections), simulated.trace, simulated.measured, real, options);
  } catch (const std::invalid_argument& reason) {
    point.impossible = reason.what();
  } catch (const std::runtime_error& reason) { point.impossible = reason.what(); }
  return point;
}

}  // namespace outrider
