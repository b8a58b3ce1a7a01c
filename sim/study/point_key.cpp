// Every input of a simulation, one after another.
#include "sim/study/point_key.h"

namespace outrider {
namespace {

struct AddValue {
  Digester& digester;
  void operator()(bool value) const { digester.add(static_cast<std::int64_t>(value)); }
  void operator()(std::int64_t value) const { digester.add(value); }
  void operator()(double value) const { digester.add(value); }
  void operator()(const std::string& value) const { digester.add(std::string_view(value)); }
  void operator()(const LayerList& layers) const {
    digester.add(static_cast<std::int64_t>(layers.size()));
    for (const std::int64_t layer : layers) digester.add(layer);
  }
};

// The alternative counts too: 1 and 1.0 are different values of different parameters.
void add(Digester& digester, const MethodRequest& request) {
  digester.add(std::string_view(request.method));
  for (const auto& [name, value] : request.params.values()) {
    digester.add(std::string_view(name)).add(static_cast<std::int64_t>(value.index()));
    std::visit(AddValue{digester}, value);
  }
}

void add(Digester& digester, const Workload& workload) {
  digester.add(static_cast<std::int64_t>(workload.kind));
  for (const std::int64_t count :
       {workload.max_batch, workload.decode_steps, workload.warmup_steps, workload.micro_batches})
    digester.add(count);
  digester.add(static_cast<std::int64_t>(workload.prefill));
}

}  // namespace

Digest point_key(const PointOrigin& origin, const PlannedPoint& plan) {
  Digester digester;
  digester.add(origin.program);
  const Scenario& scenario = origin.scenario;
  digester.add(scenario.model_digest).add(scenario.machine_digest).add(origin.profile_digest);
  digester.add(static_cast<std::int64_t>(origin.profile.kind));
  for (const double figure :
       {scenario.locality.step_correlation, scenario.locality.static_share, scenario.locality.layer_spread})
    digester.add(figure);
  digester.add(static_cast<std::int64_t>(scenario.seed));
  add(digester, *plan.request);
  add(digester, *plan.workload);
  return digester.add(plan.context).add(plan.given_batch).digest();
}

}  // namespace outrider
