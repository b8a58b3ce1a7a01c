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

Explanation explain(const Inputs& inputs, const ExplainRequest& request, PointDetail detail) {
  const Scenario& scenario = inputs.scenario;
  const PointResult point = detail.result;
  return {.provenance = provenance_of(inputs),
          .detail = std::move(detail),
          .help = what_would_help(scenario, inputs.profile, request.method, point.context, point.batch),
          .hbm_capacity = scenario.machine.gpu.hbm_capacity,
          .dram_capacity = scenario.machine.dram_per_gpu()};
}

std::string misfit(const PointResult& point) {
  const std::string batch =
      point.automatic_batch ? std::string("any batch") : fmt::format("batch {}", point.given_batch);
  return fmt::format("{} at context {} with {} does not fit, so there is nothing to explain: {}", point.label,
                     token_count(point.context), batch, point.limit);
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
  PointDetail detail = run_point(inputs.scenario, inputs.profile, request.method, request.context, request.batch);
  if (!detail.result.fits) return report_wrong_input({misfit(detail.result)}, console);
  const Explanation explanation = explain(inputs, request, std::move(detail));
  console.out(request.json ? json_text(explain_json(explanation))
                           : explain_text(explanation, look_of(console, request.no_colour)));
  return kDone;
}

}  // namespace outrider
