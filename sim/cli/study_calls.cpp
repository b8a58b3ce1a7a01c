// Label checks and provenance.
#include "sim/cli/study_calls.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/cli/format.h"

namespace outrider {

std::vector<std::string> method_labels(const Scenario& scenario) {
  std::vector<std::string> labels;
  for (const MethodRequest& method : scenario.methods) labels.push_back(method.label);
  return labels;
}

InputErrors unknown_labels(const Scenario& scenario, const std::vector<std::string>& labels, const std::string& flag) {
  const std::vector<std::string> known = method_labels(scenario);
  InputErrors errors;
  for (const std::string& label : labels) {
    if (std::find(known.begin(), known.end(), label) != known.end()) continue;
    errors.push_back(fmt::format("{}: scenario {} has no method '{}'{} (it has: {})", flag, scenario.name, label,
                                 suggestion(label, known), join(known, ", ")));
  }
  return errors;
}

InputErrors label_errors(const Scenario& scenario, const std::vector<std::string>& methods,
                         const std::optional<TimelinePoint>& timeline) {
  InputErrors errors = unknown_labels(scenario, methods, "--methods");
  if (!timeline) return errors;
  const InputErrors unknown = unknown_labels(scenario, {timeline->label}, "--timeline");
  errors.insert(errors.end(), unknown.begin(), unknown.end());
  const bool runs = methods.empty() || std::find(methods.begin(), methods.end(), timeline->label) != methods.end();
  if (!runs) errors.push_back(fmt::format("--timeline: '{}' is not among --methods", timeline->label));
  return errors;
}

RunReport provenance_of(const Inputs& inputs) {
  Scenario nothing_to_run = inputs.scenario;
  nothing_to_run.workloads.clear();
  nothing_to_run.claims.clear();
  return run_scenario(nothing_to_run, inputs.profile, {});
}

}  // namespace outrider
