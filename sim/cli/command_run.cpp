// `outrider run`: simulate, print the tables, write the files.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "sim/cli/commands.h"
#include "sim/cli/format.h"
#include "sim/cli/inputs.h"
#include "sim/cli/progress.h"
#include "sim/cli/report_json.h"
#include "sim/cli/report_text.h"
#include "sim/cli/result_files.h"
#include "sim/cli/study_calls.h"

namespace outrider {
namespace {

struct Loaded {
  std::vector<Inputs> inputs;
  InputErrors errors;
};

void append(InputErrors& errors, const InputErrors& more) { errors.insert(errors.end(), more.begin(), more.end()); }

InputErrors folder_errors(const std::vector<Inputs>& inputs) {
  std::vector<std::string> folders;
  InputErrors errors;
  for (const Inputs& each : inputs) {
    const std::string folder = results_folder_name(each.scenario.name);
    if (std::find(folders.begin(), folders.end(), folder) != folders.end()) {
      errors.push_back(fmt::format("{}: another scenario's results already go to the folder '{}'",
                                   each.scenario.source_file, folder));
    }
    folders.push_back(folder);
  }
  return errors;
}

// All scenarios are read and checked before the first is run.
Loaded load_all(const RunRequest& request, const std::optional<Library>& library) {
  Loaded loaded;
  for (const std::string& scenario : request.scenarios) {
    auto result =
        load_inputs({.scenario = scenario, .assignments = request.assignments, .seed = request.seed}, library);
    if (const auto* errors = std::get_if<InputErrors>(&result)) {
      append(loaded.errors, *errors);
    } else {
      loaded.inputs.push_back(std::get<Inputs>(std::move(result)));
      append(loaded.errors, label_errors(loaded.inputs.back().scenario, request.methods, request.timeline));
    }
  }
  append(loaded.errors, folder_errors(loaded.inputs));
  return loaded;
}

RunReport simulate(const RunRequest& request, const Inputs& inputs, const Console& console) {
  Progress progress(console);
  return run_scenario(inputs.scenario, inputs.profile,
                      {.labels = request.methods,
                       .threads = request.threads,
                       .progress = [&progress](std::size_t done, std::size_t all) { progress.show(done, all); },
                       .draws = request.draws});
}

std::filesystem::path results_folder(const RunRequest& request, const Scenario& scenario) {
  const std::string name = results_folder_name(scenario.name);
  if (!request.out) return std::filesystem::path("results") / name;
  return request.scenarios.size() == 1 ? std::filesystem::path(*request.out)
                                       : std::filesystem::path(*request.out) / name;
}

// Before the first simulation: a folder that cannot be made is found out at once.
void make_folders(const RunRequest& request, const std::vector<Inputs>& inputs) {
  for (const Inputs& each : inputs) make_results_folder(results_folder(request, each.scenario));
}

// What the timeline shows, and whether there is one: a point that does not fit has none.
std::optional<PointDetail> timeline_of(const RunRequest& request, const Inputs& inputs, const RunReport& report) {
  const std::optional<TimelinePoint> point = request.timeline ? request.timeline : default_timeline(report);
  if (!point) return std::nullopt;
  return run_point(inputs.scenario, inputs.profile, point->label, point->context, point->batch);
}

std::string files_text(const WrittenFiles& written) {
  std::string result =
      fmt::format("\nDetails in {}: {}\n", printable(written.folder.generic_string()), join(written.files, ", "));
  if (!written.note.empty()) result += written.note + "\n";
  return result;
}

}  // namespace

int run_command(const RunRequest& request, const Console& console) {
  const FoundLibrary found = open_library(console);
  if (!found.errors.empty()) return report_wrong_input(found.errors, console);
  const Loaded loaded = load_all(request, found.library);
  if (!loaded.errors.empty()) return report_wrong_input(loaded.errors, console);
  const bool writes = !request.json || request.out;
  if (writes) make_folders(request, loaded.inputs);
  const TableLook look = look_of(console, request.no_colour);
  nlohmann::ordered_json documents = nlohmann::ordered_json::array();
  for (const Inputs& inputs : loaded.inputs) {
    const RunReport report = simulate(request, inputs, console);
    if (request.json) {
      documents.push_back(report_json(report));
    } else {
      console.out((&inputs == &loaded.inputs.front() ? "" : "\n") + report_text(report, look));
    }
    if (!writes) continue;
    const WrittenFiles written =
        write_result_files(report, timeline_of(request, inputs, report), results_folder(request, inputs.scenario));
    if (!request.json) console.out(files_text(written));
  }
  if (request.json) console.out(json_text(documents.size() == 1 ? documents.front() : documents));
  return kDone;
}

}  // namespace outrider
