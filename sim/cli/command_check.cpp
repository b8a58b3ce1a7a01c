// `outrider check`: the gate that fails when predictions of recorded points move, or err by more than their budget.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "sim/cli/commands.h"
#include "sim/cli/format.h"
#include "sim/cli/inputs.h"
#include "sim/cli/progress.h"
#include "sim/cli/report_check.h"
#include "sim/cli/report_json.h"
#include "sim/io/atomic_file.h"
#include "sim/io/csv_table.h"
#include "sim/study/parallel.h"
#include "validation/check.h"

namespace outrider {
namespace {

namespace fs = std::filesystem;

struct Gate {
  Inputs inputs;
  fs::path golden_file;
  std::vector<fs::path> recorded_files;  // one for each machine
  std::optional<Golden> golden{};
  std::vector<std::vector<RecordedStep>> recorded{};  // of each file
};

// Where a scenario's golden and measured steps are. The golden file is golden/<name>.csv beside the scenario, whose
// file name <name> is. Measured steps are <folder>/<rest>/steps.csv, where <rest> is <name> without the words that it
// has in common with the start of the machine's name (h200-qwen3-14b on h200-16c: qwen3-14b), and <folder> is
// --recorded or calibration/data/<machine>/validation; or steps.csv in --recorded itself, where that is there. Beside
// it lie those of other machines of the kind, as steps-<anything>.csv.
std::string name_without_machine(const std::string& name, const std::string& machine) {
  const std::vector<std::string> words = split_cells(name, '-'), of_machine = split_cells(machine, '-');
  const auto common = std::mismatch(words.begin(), words.end(), of_machine.begin(), of_machine.end());
  const std::vector<std::string> rest(common.first, words.end());
  return rest.empty() ? name : join(rest, "-");
}

fs::path recorded_file(const CheckRequest& request, const Scenario& scenario, const std::optional<Library>& library) {
  std::error_code ignored;
  if (request.recorded && fs::is_regular_file(fs::path(*request.recorded) / "steps.csv", ignored))
    return fs::path(*request.recorded) / "steps.csv";
  const fs::path root = library ? library->root() : fs::path();
  const fs::path folder =
      request.recorded ? fs::path(*request.recorded) : root / "calibration/data" / scenario.machine.name / "validation";
  const std::string name = fs::path(scenario.source_file).stem().string();
  return folder / name_without_machine(name, scenario.machine.name) / "steps.csv";
}

// In order of their names, which begin with this file's.
std::vector<fs::path> with_other_machines(const fs::path& file) {
  std::vector<fs::path> files = {file};
  std::error_code ignored;
  for (const fs::directory_entry& each : fs::directory_iterator(file.parent_path(), ignored)) {
    const std::string name = each.path().filename().string();
    if (name.starts_with("steps-") && name.ends_with(".csv")) files.push_back(each.path());
  }
  std::sort(files.begin() + 1, files.end());
  return files;
}

fs::path golden_file(const Scenario& scenario) {
  const fs::path file(scenario.source_file);
  return file.parent_path() / "golden" / (file.stem().string() + ".csv");
}

void append(InputErrors& errors, const ConfigErrors& more) {
  for (const ConfigError& each : more.all()) errors.push_back(to_string(each));
}

void read_files(Gate& gate, const CheckRequest& request, InputErrors& errors) {
  ConfigErrors found;
  for (const fs::path& file : gate.recorded_files) {
    if (auto recorded = read_recorded_steps(file, found)) gate.recorded.push_back(std::move(*recorded));
  }
  std::error_code ignored;
  if (fs::exists(gate.golden_file, ignored)) {
    gate.golden = read_golden(gate.golden_file, found);
  } else if (!request.update_golden) {
    errors.push_back(fmt::format("{}: expected golden predictions, got no file; --update-golden writes one",
                                 gate.golden_file.string()));
  }
  // A golden file is lines of commas: labels with one cannot stand in it.
  const auto unwritable = [](const std::string& text) { return text.find_first_of(",\n\r\"#") != std::string::npos; };
  for (const MethodRequest& method : gate.inputs.scenario.methods) {
    if (unwritable(method.label))
      found.add({.file = gate.inputs.scenario.source_file,
                 .path = "methods",
                 .expected = "labels without comma, quote, # and line end",
                 .got = "'" + shortened(method.label) + "'"});
  }
  append(errors, found);
}

// Shipped validation scenarios; those without measured steps are left out later.
std::vector<std::string> shipped_names(const std::optional<Library>& library) {
  std::vector<std::string> names;
  if (!library) return names;
  for (const ShippedFile& file : library->scenarios()) {
    if (file.name.starts_with("validation/")) names.push_back(file.name);
  }
  return names;
}

std::vector<Gate> load_gates(const CheckRequest& request, const std::optional<Library>& library, InputErrors& errors) {
  const bool all = request.scenarios.empty();
  std::vector<Gate> gates;
  for (const std::string& name : all ? shipped_names(library) : request.scenarios) {
    auto loaded = load_inputs({.scenario = name, .assignments = request.assignments, .seed = {}}, library);
    if (const auto* wrong = std::get_if<InputErrors>(&loaded)) {
      errors.insert(errors.end(), wrong->begin(), wrong->end());
      continue;
    }
    Gate gate{.inputs = std::get<Inputs>(std::move(loaded)), .golden_file = {}, .recorded_files = {}};
    gate.golden_file = golden_file(gate.inputs.scenario);
    gate.recorded_files = with_other_machines(recorded_file(request, gate.inputs.scenario, library));
    std::error_code ignored;
    if (all && !fs::exists(gate.recorded_files.front(), ignored) && !fs::exists(gate.golden_file, ignored)) continue;
    read_files(gate, request, errors);
    gates.push_back(std::move(gate));
  }
  if (gates.empty() && errors.empty())
    errors.push_back("outrider check: no shipped scenario validation/… has measured steps; name a SCENARIO");
  return gates;
}

// With what each step is predicted to take on the machine that ran it.
std::vector<RecordedStep> predicted_beside(const Gate& gate, int threads) {
  std::vector<RecordedStep> steps;
  for (const auto& each : gate.recorded) steps.insert(steps.end(), each.begin(), each.end());
  parallel_for(steps.size(), threads, [&](std::size_t i) {
    RecordedStep& step = steps[i];
    if (step.host != HostState{})
      step.predicted_s = predicted_step(gate.inputs.scenario, gate.inputs.profile, step.point, step.host);
  });
  return steps;
}

CheckedScenarios check_all(const CheckRequest& request, const std::vector<Gate>& gates, const Console& console,
                           InputErrors& errors) {
  Progress progress(console);
  CheckedScenarios checked;
  for (const Gate& gate : gates) {
    const CheckInput input{.name = gate.inputs.scenario.name,
                           .predictions = predict(gate.inputs.scenario, gate.inputs.profile, request.threads,
                                                  [&](std::size_t done, std::size_t all) { progress.show(done, all); }),
                           .recorded = predicted_beside(gate, request.threads),
                           .golden = gate.golden,
                           .tolerance = request.tolerance};
    ConfigErrors unknown;
    for (std::size_t i = 0; i < gate.recorded.size(); ++i)
      refuse_unknown_steps(input, gate.recorded[i], gate.recorded_files[i].string(), unknown);
    append(errors, unknown);
    checked.push_back(check_predictions(input));
  }
  return checked;
}

void write_file(const fs::path& file, const std::string& text) {
  try {
    if (file.has_parent_path()) fs::create_directories(file.parent_path());
    write_atomically(file, text);
  } catch (const std::runtime_error& problem) { throw EnvironmentError(problem.what()); }
}

// Rewrites the golden files; what is left to find are budgets that are exceeded.
std::string update_golden(const std::vector<Gate>& gates, CheckedScenarios& checked) {
  std::string text = moved_text(checked) + "\n";
  for (std::size_t i = 0; i < gates.size(); ++i) {
    write_file(gates[i].golden_file, golden_text(updated_golden(checked[i], gates[i].golden)));
    text += fmt::format("Wrote {}\n", printable(gates[i].golden_file.string()));
    if (!gates[i].golden) checked[i].budget = first_golden(checked[i].errors).budget;
    std::erase_if(checked[i].findings, [](const Finding& each) { return each.kind != FindingKind::budget; });
  }
  return text + "\n";
}

}  // namespace

int check_command(const CheckRequest& request, const Console& console) {
  const FoundLibrary found = open_library(console);
  if (!found.errors.empty()) return report_wrong_input(found.errors, console);
  InputErrors errors;
  const std::vector<Gate> gates = load_gates(request, found.library, errors);
  if (!errors.empty()) return report_wrong_input(errors, console);
  CheckedScenarios checked = check_all(request, gates, console, errors);
  if (!errors.empty()) return report_wrong_input(errors, console);
  const std::string updated = request.update_golden ? update_golden(gates, checked) : std::string();
  if (request.junit) write_file(*request.junit, check_junit(checked));
  if (request.json) {
    console.out(json_text(check_json(checked)));
  } else {
    console.out(updated + check_text(checked, look_of(console, request.no_colour)));
  }
  const bool passes = std::all_of(checked.begin(), checked.end(), [](const auto& each) { return each.passes(); });
  return passes ? kDone : kCheckFailed;
}

}  // namespace outrider
