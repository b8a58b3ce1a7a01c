// `outrider fidelity`: approximate attention beside exact attention on synthetic heads, and beside predicted speed.
#include <fmt/format.h>

#include <algorithm>

#include "fidelity/speed.h"
#include "fidelity/study_reader.h"
#include "sim/cli/commands.h"
#include "sim/cli/format.h"
#include "sim/cli/inputs.h"
#include "sim/cli/progress.h"
#include "sim/cli/report_fidelity.h"
#include "sim/cli/result_files.h"
#include "sim/io/atomic_file.h"
#include "sim/study/run.h"

namespace outrider {
namespace {

namespace fs = std::filesystem;

const char* const kShippedStudy = "scenarios/fidelity/synthetic.yaml";

// Flags stand for values of the file, in place of its own.
std::vector<YamlAssignment> assignments_of(const FidelityRequest& request) {
  std::vector<YamlAssignment> result;
  for (const Assignment& each : request.assignments) result.push_back({each.path, each.value, "--set " + each.path});
  const auto list = [&](const char* path, std::vector<std::string> values) {
    for (std::string& each : values) {
      if (each.ends_with('k')) each.back() = 'K';  // as in files
    }
    if (!values.empty()) result.push_back({path, fmt::format("[{}]", join(values, ", ")), fmt::format("--{}", path)});
  };
  list("contexts", request.contexts);
  list("budgets", request.budgets);
  if (request.seeds > 0) result.push_back({"seeds", fmt::format("{}", request.seeds), "--seeds"});
  return result;
}

// Keeps the named ones, in the study's order.
template <class Item>
void keep_named(std::vector<Item>& items, std::string Item::*name, const std::vector<std::string>& wanted,
                const std::string& flag, InputErrors& errors) {
  std::vector<std::string> known;
  for (const Item& item : items) known.push_back(item.*name);
  for (const std::string& each : wanted) {
    if (std::find(known.begin(), known.end(), each) != known.end()) continue;
    errors.push_back(fmt::format("{}: the study has no '{}'{} (it has: {})", flag, each, suggestion(each, known),
                                 join(known, ", ")));
  }
  const auto unwanted = [&](const Item& item) {
    return std::find(wanted.begin(), wanted.end(), item.*name) == wanted.end();
  };
  if (!wanted.empty()) items.erase(std::remove_if(items.begin(), items.end(), unwanted), items.end());
}

std::optional<FidelityStudy> load_study(const FidelityRequest& request, const std::optional<Library>& library,
                                        InputErrors& errors) {
  if (!request.study && !library) {
    errors.push_back("outrider fidelity: expected a STUDY, since no shipped files are found (see OUTRIDER_HOME)");
    return std::nullopt;
  }
  const fs::path file = request.study ? fs::path(*request.study) : library->root() / kShippedStudy;
  ConfigErrors found;
  std::optional<FidelityStudy> study = read_fidelity_study(file, assignments_of(request), found);
  for (const ConfigError& each : found.all()) errors.push_back(to_string(each));
  if (!study) return std::nullopt;
  // Beside a scenario, the methods are the scenario's.
  if (!request.speed) keep_named(study->methods, &MethodRequest::label, request.methods, "--methods", errors);
  keep_named(study->heads, &HeadClass::name, request.heads, "--heads", errors);
  return study;
}

FidelityReport measure(const FidelityStudy& study, int threads, const Console& console) {
  Progress progress(console, "heads judged");
  FidelityReport report = run_fidelity(
      study, {.threads = threads, .progress = [&](std::size_t done, std::size_t all) { progress.show(done, all); }});
  report.version = program_version();
  return report;
}

struct NamedText {
  std::string name, text;
};

void write_files(const fs::path& folder, const std::vector<NamedText>& files, const Console& console) {
  make_results_folder(folder);
  std::vector<std::string> names;
  for (const NamedText& file : files) {
    try {
      write_atomically(folder / file.name, file.text);
    } catch (const std::runtime_error& problem) { throw EnvironmentError(problem.what()); }
    names.push_back(file.name);
  }
  console.out(fmt::format("\nDetails in {}: {}\n", printable(folder.generic_string()), join(names, ", ")));
}

int report_fidelity(const FidelityRequest& request, const FidelityStudy& study, const Console& console) {
  const FidelityReport report = measure(study, request.threads, console);
  console.out(fidelity_text(report, look_of(console, request.no_colour)));
  write_files(request.out.value_or("results/fidelity/" + results_folder_name(study.name)),
              {{"fidelity.csv", fidelity_csv(report)}, {"heads.csv", heads_csv(report)}}, console);
  return kDone;
}

int report_speed(const FidelityRequest& request, FidelityStudy study, const Inputs& inputs, const Console& console) {
  InputErrors errors;
  Scenario scenario = inputs.scenario;
  keep_named(scenario.methods, &MethodRequest::label, request.methods, "--methods", errors);
  if (!errors.empty()) return report_wrong_input(errors, console);
  study = study_of_scenario(study, scenario);
  if (study.methods.empty() || study.contexts.empty()) {
    return report_wrong_input({fmt::format("{}: methods: expected one that decodes and has an approximation in "
                                           "fidelity/, got none",
                                           scenario.source_file)},
                              console);
  }
  RunReport speed;
  {
    Progress progress(console);
    speed = run_scenario(inputs.scenario, inputs.profile,
                         {.labels = request.methods,
                          .threads = request.threads,
                          .progress = [&](std::size_t done, std::size_t all) { progress.show(done, all); }});
  }
  const FidelityReport report = measure(study, request.threads, console);
  const std::vector<SpeedRow> rows = join_speed(speed, report);
  console.out(speed_text(rows, report, look_of(console, request.no_colour)));
  write_files(request.out.value_or("results/fidelity/" + results_folder_name(scenario.name)),
              {{"speed.csv", speed_csv(rows, report)},
               {"fidelity.csv", fidelity_csv(report)},
               {"heads.csv", heads_csv(report)}},
              console);
  return kDone;
}

}  // namespace

int fidelity_command(const FidelityRequest& request, const Console& console) {
  const FoundLibrary found = open_library(console);
  if (!found.errors.empty()) return report_wrong_input(found.errors, console);
  InputErrors errors;
  const std::optional<FidelityStudy> study = load_study(request, found.library, errors);
  std::optional<Inputs> inputs;
  if (request.speed) {
    auto loaded = load_inputs({.scenario = *request.speed, .assignments = {}, .seed = {}}, found.library);
    if (const auto* wrong = std::get_if<InputErrors>(&loaded)) {
      errors.insert(errors.end(), wrong->begin(), wrong->end());
    } else {
      inputs = std::get<Inputs>(std::move(loaded));
    }
  }
  if (!errors.empty()) return report_wrong_input(errors, console);
  return inputs ? report_speed(request, *study, *inputs, console) : report_fidelity(request, *study, console);
}

}  // namespace outrider
