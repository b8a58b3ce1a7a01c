// `outrider validate`: execute the steps of a scenario on this machine, and lay them beside their simulation.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "sim/cli/commands.h"
#include "sim/cli/format.h"
#include "sim/cli/inputs.h"
#include "sim/cli/progress.h"
#include "sim/cli/result_files.h"
#include "sim/cli/study_calls.h"
#include "sim/io/atomic_file.h"
#include "validation/check.h"
#include "validation/measure_point.h"

namespace outrider {
namespace {

namespace fs = std::filesystem;
using Points = std::vector<MeasuredPoint>;

std::string steps_csv(const Points& points);

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
    write_atomically(folder / "steps.csv", steps_csv(points));
  }
  return points;
}

std::string steps_text(const Points& points, const TableLook& look) {
  Table table({{"method"},
               {"workload"},
               {"context", Align::right},
               {"batch", Align::right},
               {"measured ms", Align::right},
               {"spread", Align::right},
               {"simulated ms", Align::right},
               {"error", Align::right},
               {"not executed, since"}});
  for (const MeasuredPoint& each : points) {
    const PointResult& point = each.predicted;
    const auto if_ran = [&](const std::string& text) { return each.ran() ? text : std::string("–"); };
    table.add_row({point.label, point.workload, token_count(point.context), fmt::format("{}", point.batch),
                   if_ran(fmt::format("{:.4g}", each.measured.value() * 1e3)), if_ran(percent(each.spread)),
                   point.fits ? fmt::format("{:.4g}", point.tpot.value() * 1e3) : "–",
                   if_ran(signed_percent(each.ran() ? each.error() : 0.0)), printable(each.impossible)});
  }
  return table.render(look);
}

std::string summary_text(const Points& points) {
  std::vector<double> errors, noise;
  for (const MeasuredPoint& each : points) {
    if (!each.ran()) continue;
    errors.push_back(std::abs(each.error()));
    noise.push_back(each.spread);
  }
  if (errors.empty()) return "\nNothing was executed.\n";
  return fmt::format(
      "\n{} of {} points executed: error {} in the median, {} at P90, {} at worst; repeats spread by {} in "
      "the median.\n",
      errors.size(), points.size(), percent(quantile(errors, 0.5)), percent(quantile(errors, 0.9)),
      percent(quantile(errors, 1.0)), percent(quantile(noise, 0.5)));
}

// Sums of a family over all points of a method, in the order of the first trace.
std::string families_text(const Points& points, const TableLook& look) {
  std::map<std::pair<std::string, std::string>, std::pair<double, double>> sums;  // predicted, measured
  for (const MeasuredPoint& each : points) {
    for (const FamilyDiff& family : each.operations.families) {
      auto& [predicted, measured] = sums[{each.predicted.label, family.name}];
      predicted += family.ran.predicted.seconds().value();
      measured += family.ran.measured.seconds().value();
    }
  }
  Table table({{"method"},
               {"operation"},
               {"measured ms", Align::right},
               {"simulated ms", Align::right},
               {"error", Align::right}});
  for (const auto& [key, times] : sums) {
    const auto [predicted, measured] = times;
    if (measured <= 0.0) continue;
    table.add_row({key.first, key.second, fmt::format("{:.4g}", measured * 1e3), fmt::format("{:.4g}", predicted * 1e3),
                   signed_percent(predicted / measured - 1.0)});
  }
  return table.empty() ? "" : "\nsums over all points, each operation timed:\n" + table.render(look);
}

std::string steps_csv(const Points& points) {
  std::string text =
      "method,preset,workload,context,batch,decode_steps,repeats,measured_s,spread,simulated_s,error,not_executed\n";
  for (const MeasuredPoint& each : points) {
    const PointResult& point = each.predicted;
    std::string reason = each.impossible;
    std::replace_if(
        reason.begin(), reason.end(), [](char c) { return c == ',' || c == '\n' || c == '"'; }, ' ');
    text += fmt::format("{},{},{},{},{},{},{}", point.label, point.preset, point.workload, point.context, point.batch,
                        point.decode_steps, each.repeats.size());
    text += each.ran() ? fmt::format(",{:.6g},{:.4f},{:.6g},{:.4f},\n", each.measured.value(), each.spread,
                                     point.tpot.value(), each.error())
                       : fmt::format(",,,,,{}\n", reason);
  }
  return text;
}

std::string operations_csv(const Points& points) {
  std::string text =
      "method,workload,context,batch,operation,ops,measured_s,simulated_s,queue_measured_s,queue_simulated_s\n";
  for (const MeasuredPoint& each : points) {
    const PointResult& point = each.predicted;
    for (const FamilyDiff& family : each.operations.families) {
      text += fmt::format("{},{},{},{},{},{},{:.6g},{:.6g},{:.6g},{:.6g}\n", point.label, point.workload, point.context,
                          point.batch, family.name, family.ops, family.ran.measured.seconds().value(),
                          family.ran.predicted.seconds().value(), family.queue.measured.seconds().value(),
                          family.queue.predicted.seconds().value());
    }
  }
  return text;
}

int validate(const ValidateRequest& request, const Inputs& inputs, const fs::path& folder, const Console& console) {
  const Points points = measure_all(request, inputs, folder, console);
  const TableLook look = look_of(console, request.no_colour);
  console.out(fmt::format("{} on this machine beside {} (profile {})\n\n", inputs.scenario.model.name,
                          inputs.scenario.machine.name, inputs.profile.name));
  console.out(steps_text(points, look) + summary_text(points) + families_text(points, look));
  write_atomically(folder / "operations.csv", operations_csv(points));
  console.out(fmt::format("\nIn {}: steps.csv, operations.csv\n", printable(folder.string())));
  const bool any = std::any_of(points.begin(), points.end(), [](const MeasuredPoint& each) { return each.ran(); });
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
