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
#include "sim/cli/timeline_file.h"
#include "sim/io/atomic_file.h"
#include "sim/study/trials.h"
#include "validation/host.h"
#include "validation/measure_point.h"

namespace outrider {
namespace {

namespace fs = std::filesystem;
using Points = std::vector<MeasuredPoint>;

bool is_meant(const TimelinePoint& asked, const std::string& label, std::int64_t context, std::int64_t batch) {
  return label == asked.label && (asked.context == 0 || context == asked.context) &&
         (asked.batch == 0 || batch == asked.batch);
}

InputErrors timeline_errors(const ValidateRequest& request, const std::vector<PlannedPoint>& plans) {
  if (!request.timeline) return {};
  const TimelinePoint& asked = *request.timeline;
  const bool there = std::any_of(plans.begin(), plans.end(), [&](const PlannedPoint& plan) {
    return is_meant(asked, plan.request->label, plan.context, plan.batch);
  });
  if (there) return {};
  return {fmt::format("--timeline: '{}' has no point of that context and batch in the scenario", asked.label)};
}

// The files that are on disk as soon as there is something to write.
class Written {
 public:
  Written(const ValidateRequest& request, const RunReport& about, const fs::path& folder)
      : asked_(request.timeline), about_(about), folder_(folder) {
    fs::remove(folder / "timeline.json");  // of another run
  }

  // Of all points so far; the last one's traces are dropped.
  void write(Points& points) {
    write_atomically(folder_ / "steps.csv", steps_csv(points));
    MeasuredPoint& last = points.back();
    if (last.ran() && shows(last.predicted)) {
      shown_ = last.predicted;
      write_atomically(folder_ / "timeline.json", timeline_text(about_, last));
    }
    last.simulated = last.executed = Trace();
  }

  std::string note() const {
    if (!shown_) return "No timeline: it would show nothing that was executed.\n";
    return fmt::format(
        "timeline.json shows {} at context {}, batch {}, executed above simulated; open it in "
        "https://ui.perfetto.dev\n",
        printable(shown_->label), token_count(shown_->context), shown_->batch);
  }

 private:
  // The point asked for, else the first Scout-like one, else the first.
  bool shows(const PointResult& point) const {
    if (asked_) return !shown_ && is_meant(*asked_, point.label, point.context, point.batch);
    return !shown_ || (is_scout_like(point) && !is_scout_like(*shown_));
  }

  std::optional<TimelinePoint> asked_;
  const RunReport& about_;
  fs::path folder_;
  std::optional<PointResult> shown_;
};

Points measure_all(const ValidateRequest& request, const Inputs& inputs, const std::vector<PlannedPoint>& plans,
                   Written& written, const Console& console) {
  const Scenario& scenario = inputs.scenario;
  DramReads dram;
  Progress progress(console, "points executed");
  Points points;
  for (const PlannedPoint& plan : plans) {
    progress.show(points.size(), plans.size());
    points.push_back(measure_point(scenario, inputs.profile, plan, draw_selections(scenario, plan, 0),
                                   {.repeats = request.repeats, .operations = !request.steps_only, .dram = &dram}));
    written.write(points);
  }
  return points;
}

std::vector<CheckedResult> check_points(const Points& points) {
  std::vector<ResultRequest> requests;
  for (const MeasuredPoint& each : points) {
    if (each.attention)
      requests.push_back({.label = each.predicted.label, .context = each.predicted.context, .shape = *each.attention});
  }
  return check_all_results(requests);
}

int validate(const ValidateRequest& request, const Inputs& inputs, const std::vector<PlannedPoint>& plans,
             const fs::path& folder, const Console& console) {
  ValidationReport report{.about = provenance_of(inputs)};
  Written written(request, report.about, folder);
  report.points = measure_all(request, inputs, plans, written, console);
  report.results = check_points(report.points);
  write_atomically(folder / "shares.csv", shares_csv(report.points));
  write_atomically(folder / "operations.csv", operations_csv(report.points));
  write_atomically(folder / "validation.json", json_text(validation_json(report)));
  console.out(validation_text(report, look_of(console, request.no_colour)));
  console.out(fmt::format("\nIn {}: steps.csv, shares.csv, operations.csv, validation.json\n{}",
                          printable(folder.string()), written.note()));
  if (!report.results_pass()) return kCheckFailed;
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
  const InputErrors wrong_labels = label_errors(inputs.scenario, request.methods, request.timeline);
  if (!wrong_labels.empty()) return report_wrong_input(wrong_labels, console);
  const std::vector<PlannedPoint> plans =
      settled(inputs.scenario, MachineModel(inputs.scenario.machine, inputs.profile),
              plan_points(inputs.scenario, request.methods), 0);
  const InputErrors wrong_timeline = timeline_errors(request, plans);
  if (!wrong_timeline.empty()) return report_wrong_input(wrong_timeline, console);
  const fs::path folder = request.out ? fs::path(*request.out)
                                      : fs::path("results") / results_folder_name(inputs.scenario.name) / "validation";
  make_results_folder(folder);
  try {
    return validate(request, inputs, plans, folder, console);
  } catch (const std::runtime_error& problem) { throw EnvironmentError(problem.what()); }
}

}  // namespace outrider
