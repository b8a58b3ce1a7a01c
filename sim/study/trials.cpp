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

// Every combination of the values of parameters that stand at 0; the request alone where there are none.
std::vector<MethodRequest> candidates(const PlannedPoint& plan) {
  std::vector<MethodRequest> requests = {*plan.request};
  for (const TriedParam& param : plan.entry->tried) {
    if (plan.params.number(param.name) != 0.0) continue;
    std::vector<MethodRequest> more;
    for (const MethodRequest& request : requests) {
      for (const double value : param.values) {
        more.push_back(request);
        more.back().params.set(param.name, value);
      }
    }
    requests = std::move(more);
  }
  return requests;
}

std::string text_of(const PlannedPoint& plan, const Params& before, std::size_t candidates) {
  std::string text;
  for (const TriedParam& param : plan.entry->tried) {
    if (before.number(param.name) == 0.0) text += fmt::format("{} {}, ", param.name, plan.params.number(param.name));
  }
  return fmt::format("{}the fastest of {} tried", text, candidates);
}

}  // namespace

PlannedPoint settled(const Scenario& scenario, const MachineModel& machine, const PlannedPoint& plan) {
  const std::vector<MethodRequest> requests = candidates(plan);
  if (requests.size() == 1) return plan;
  PlannedPoint best = plan;
  double most = 0.0;
  for (const MethodRequest& request : requests) {
    const PlannedPoint candidate = plan_point(scenario, request, *plan.workload, plan.context, plan.given_batch);
    const double rate = candidate.fits() ? tokens_per_second(scenario, machine, candidate) : 0.0;
    if (rate <= most) continue;
    most = rate;
    best = candidate;
    best.request = plan.request;
    best.tried = text_of(best, plan.params, requests.size());
  }
  return best;
}

std::vector<PlannedPoint> settled(const Scenario& scenario, const MachineModel& machine,
                                  std::vector<PlannedPoint> plans, int threads) {
  parallel_for(plans.size(), threads, [&](std::size_t i) { plans[i] = settled(scenario, machine, plans[i]); });
  return plans;
}

}  // namespace outrider
