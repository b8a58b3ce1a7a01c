// `outrider validate`: execute the steps of a scenario on this machine, and lay them beside their simulation.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "sim/cli/commands.h"
#include "sim/cli/format.h"
#include "sim/cli/inputs.h"
#include "sim/cli/progress.h"
#include "sim/cli/report_json.h"
#include "sim/cli/report_validate.h"
#include "sim/cli/result_files.h"
#include "sim/cli/study_calls.h"
#include "sim/io/atomic_file.h"
#include "validation/measure_point.h"

namespace outrider {
namespace {

namespace fs = std::filesystem;
using Points = std::vector<MeasuredPoint>;

// What was executed is on disk at once.
Points measure_all(const ValidateRequest& request, const Inputs& inputs, const fs::path& folder,
                   const Console& console) {
  const Scenario& scenario = inputs.scenario;
  const MachineModel machine(scenario.machine, inputs.profile);
  const std::vector<PlannedPoint> plans = plan_points(scenario, request.methods);
  Progress progress(console, "points executed");
  Points points;
  for (const PlannedPoint& plan : plans) {
    progress.show(points.size(), plans.size());
    points.push_back(measure_point(scenario, machine, plan, draw_selections(scenario, plan, 0),
                                   {.repeats = request.repeats, .operations = !request.steps_only}));
    points.back().simulated = points.back().executed = Trace();
    write_atomically(folder / "steps.csv", steps_csv(points));
  }
  return points;
}

int validate(const ValidateRequest& request, const Inputs& inputs, const fs::path& folder, const Console& console) {
  ValidationReport report{.scenario = inputs.scenario.name,
                          .model = inputs.scenario.model.name,
                          .machine = inputs.scenario.machine.name,
                          .profile = inputs.profile.name,
                          .profile_kind = std::string(to_string(inputs.profile.kind)),
                          .version = std::string(program_version())};
  report.points = measure_all(request, inputs, folder, console);
  write_atomically(folder / "shares.csv", shares_csv(report.points));
  write_atomically(folder / "operations.csv", operations_csv(report.points));
  write_atomically(folder / "validation.json", json_text(validation_json(report)));
  console.out(validation_text(report, look_of(console, request.no_colour)));
  console.out(
      fmt::format("\nIn {}: steps.csv, shares.csv, operations.csv, validation.json\n", printable(folder.string())));
  const bool any =
      std::any_of(report.points.begin(), report.points.end(), [](const MeasuredPoint& each) { return each.ran(); });
  return any ? kDone : kEnvironmentFailed;
}

}  // namespace

int validate_command(const ValidateRequest& request, const Console& console) {
  const FoundLibrary found = open_library(console);
  if (!found.errors.empty()) return report_wrong_input(found.errors, console);
  const auto loaded =
      load_inputs({.scenario = request.scenario, .assignments = request.assignments, .seed = {}}, found.library);
  if (const auto* errors = std::get_if<InputErrors>(&loaded)) return report_wrong_input(*errors, console);
  const auto& inputs = std::get<Inputs>(loaded);
  const InputErrors unknown = unknown_labels(inputs.scenario, request.methods, "--methods");
  if (!unknown.empty()) return report_wrong_input(unknown, console);
  const fs::path folder = request.out ? fs::path(*request.out)
                                      : fs::path("results") / results_folder_name(inputs.scenario.name) / "validation";
  make_results_folder(folder);
  try {
    return validate(request, inputs, folder, console);
  } catch (const std::runtime_error& problem) { throw EnvironmentError(problem.what()); }
}

}  // namespace outrider
