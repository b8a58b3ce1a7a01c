// A scenario simulated, and its traces reduced to what the gate compares.
#include "validation/prediction.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/study/run.h"
#include "sim/study/simulate.h"
#include "sim/study/trials.h"
#include "validation/host.h"

namespace outrider {
namespace {

std::vector<FamilyTime> family_times(const Trace& trace, StepRanges replicas) {
  std::vector<Duration> sums(trace.names.size());
  for (const StepRange range : replicas) {
    for (std::size_t step = range.first; step < range.last; ++step) {
      for (const Span& span : trace.spans_of(trace.steps[step])) sums[span.name] += span.end - span.start;
    }
  }
  const auto steps = static_cast<double>(steps_of(replicas));
  std::vector<FamilyTime> families;
  for (std::size_t i = 0; i < sums.size(); ++i) {
    if (sums[i] <= Duration()) continue;
    families.push_back({.name = trace.names[i], .seconds = sums[i].seconds().value() / steps});
  }
  std::sort(families.begin(), families.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return families;
}

Prediction prediction_of(const SimulatedPoint& point) {
  const PointResult& row = point.result;
  Prediction prediction{.point = {.label = row.label,
                                  .workload = row.workload,
                                  .context = row.context,
                                  .batch = row.fits ? row.batch : row.given_batch},
                        .fits = row.fits,
                        .families = {}};
  if (!row.fits) return prediction;
  prediction.tpot_s = row.tpot.value();
  prediction.order = order_fingerprint(point.trace);
  prediction.families = family_times(point.trace, point.measured);
  return prediction;
}

}  // namespace

std::string to_string(const PointKey& point) {
  return fmt::format("{}, {}, {} x {}", point.label, point.workload, point.context, point.batch);
}

std::vector<Prediction> predict(const Scenario& scenario, const Profile& profile, int threads,
                                const std::function<void(std::size_t done, std::size_t all)>& progress) {
  std::vector<Prediction> predictions(plan_points(scenario, {}).size());
  run_scenario(scenario, profile,
               {.labels = {},
                .threads = threads,
                .progress = progress,
                .inspect = [&](std::size_t i, const SimulatedPoint& point) { predictions[i] = prediction_of(point); }});
  return predictions;
}

std::optional<double> predicted_step(const Scenario& scenario, const Profile& profile, const PointKey& point,
                                     const HostState& host) {
  const MachineModel usual(scenario.machine, profile);
  for (const PlannedPoint& plan : settled(scenario, usual, plan_points(scenario, {point.label}), 1)) {
    const bool meant =
        plan.workload->name == point.workload && plan.context == point.context && plan.batch == point.batch;
    if (!meant || !plan.fits()) continue;
    const MachineModel machine = model_of_host(scenario.machine, profile, host);
    return simulate_point(scenario, machine, plan, draw_selections(scenario, plan, 1), {}).result.tpot.value();
  }
  return std::nullopt;
}

}  // namespace outrider
