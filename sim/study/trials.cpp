// A few steps of each value, one after another.
#include "sim/study/trials.h"

#include <fmt/format.h>

#include "sim/base/check.h"
#include "sim/study/parallel.h"
#include "sim/study/simulate.h"

namespace outrider {
namespace {

// A batch is steady, so that few steps tell.
double tokens_per_second(const Scenario& scenario, const MachineModel& machine, PlannedPoint plan) {
  CHECK(plan.need.blocks == 0, "{} selects blocks: its trials would need their traces", plan.request->method);
  Workload few = *plan.workload;
  few.warmup_steps = 1;
  few.decode_steps = 2;
  few.prefill = false;
  plan.workload = &few;
  return simulate_point(scenario, machine, plan, {}, {}).result.tokens_per_s;
}

}  // namespace

PlannedPoint settled(const Scenario& scenario, const MachineModel& machine, const PlannedPoint& plan) {
  const TriedParam& param = plan.entry->tried;
  if (param.values.empty() || plan.params.number(param.name) != 0.0) return plan;
  PlannedPoint best = plan;
  double most = 0.0;
  for (const double value : param.values) {
    MethodRequest request = *plan.request;
    request.params.set(param.name, value);
    const PlannedPoint candidate = plan_point(scenario, request, *plan.workload, plan.context, plan.given_batch);
    const double rate = candidate.fits() ? tokens_per_second(scenario, machine, candidate) : 0.0;
    if (rate <= most) continue;
    most = rate;
    best = candidate;
    best.request = plan.request;
    best.tried = fmt::format("{} {}: the fastest of {} tried", param.name, value, param.values.size());
  }
  return best;
}

std::vector<PlannedPoint> settled_points(const Scenario& scenario, const MachineModel& machine,
                                         const std::vector<std::string>& labels, int threads) {
  std::vector<PlannedPoint> plans = plan_points(scenario, labels);
  parallel_for(plans.size(), threads, [&](std::size_t i) { plans[i] = settled(scenario, machine, plans[i]); });
  return plans;
}

}  // namespace outrider
