// `outrider explain`: one point in detail, and what would help it.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "sim/cli/commands.h"
#include "sim/cli/format.h"
#include "sim/cli/inputs.h"
#include "sim/cli/report_explain.h"
#include "sim/cli/report_json.h"
#include "sim/cli/study_calls.h"

namespace outrider {
namespace {

Explanation explain(const Inputs& inputs, const ExplainRequest& request) {
  const Scenario& scenario = inputs.scenario;
  Explanation explanation{.provenance = provenance_of(inputs),
                          .detail = run_point(scenario, inputs.profile, request.method, request.context, request.batch),
                          .hbm_capacity = scenario.machine.gpu.hbm_capacity,
                          .dram_capacity = scenario.machine.cpu.dram_capacity};
  const PointResult& point = explanation.detail.result;
  if (point.fits) {
    explanation.help = what_would_help(scenario, inputs.profile, request.method, point.context, point.batch);
  }
  return explanation;
}

}  // namespace

int explain_command(const ExplainRequest& request, const Console& console) {
  const FoundLibrary found = open_library(console);
  if (!found.errors.empty()) return report_wrong_input(found.errors, console);
  const auto loaded = load_inputs(
      {.scenario = request.scenario, .assignments = request.assignments, .seed = request.seed}, found.library);
  if (const auto* errors = std::get_if<InputErrors>(&loaded)) return report_wrong_input(*errors, console);
  const auto& inputs = std::get<Inputs>(loaded);
  const InputErrors unknown = unknown_labels(inputs.scenario, {request.method}, "--method");
  if (!unknown.empty()) return report_wrong_input(unknown, console);
  const Explanation explanation = explain(inputs, request);
  console.out(request.json ? json_text(explain_json(explanation))
                           : explain_text(explanation, look_of(console, request.no_colour)));
  return kDone;
}

}  // namespace outrider
