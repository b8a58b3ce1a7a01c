// `outrider sweep`: read the study, simulate what is missing, write the tables.
#include <fmt/format.h>

#include <chrono>

#include "sim/cli/commands.h"
#include "sim/cli/format.h"
#include "sim/cli/inputs.h"
#include "sim/cli/progress.h"
#include "sim/cli/report_sweep.h"
#include "sim/cli/result_files.h"

namespace outrider {
namespace {

namespace fs = std::filesystem;

InputErrors texts(const ConfigErrors& errors) {
  InputErrors result;
  for (const ConfigError& error : errors.all()) result.push_back(to_string(error));
  return result;
}

struct LoadedStudy {
  StudyFile study;
  fs::path scenario;
};

std::variant<LoadedStudy, InputErrors> load_study(const std::string& name, const std::optional<Library>& library) {
  const auto file = find_study(name, library);
  if (const auto* error = std::get_if<std::string>(&file)) return InputErrors{*error};
  ConfigErrors errors;
  std::optional<StudyFile> study = read_study(std::get<fs::path>(file), errors);
  if (!study) return texts(errors);
  const auto scenario = find_scenario(study->scenario, library);
  if (const auto* error = std::get_if<std::string>(&scenario))
    return InputErrors{fmt::format("{}: scenario: {}", study->file.string(), *error)};
  return LoadedStudy{.study = std::move(*study), .scenario = std::get<fs::path>(scenario)};
}

// What is wrong with single values, before anything is simulated; `inputs` then has read every file.
InputErrors check_values(const SweepSpace& space, InputLoader& inputs) {
  InputErrors errors;
  for (const std::size_t point : space.representatives()) {
    const auto loaded = inputs.load(space.settings(point));
    const auto* wrong = std::get_if<InputErrors>(&loaded);
    if (wrong == nullptr) continue;
    for (const std::string& error : *wrong) {
      if (std::find(errors.begin(), errors.end(), error) == errors.end()) errors.push_back(error);
    }
  }
  return errors;
}

// The program by its build, so that no figure outlives a change of it.
std::string program_of(const Console& console) {
  const std::string build = console.executable.empty() ? "" : to_string(digest_of_file(console.executable));
  return fmt::format("{} {}", program_version(), build);
}

Digest digest_of_study(const StudyFile& study, const Digest& inputs, const std::string& program) {
  return Digester().add(digest_of_file(study.file)).add(inputs).add(program).digest();
}

std::optional<fs::path> cache_file(const SweepRequest& request, const Console& console) {
  if (request.no_cache) return std::nullopt;
  const auto folder = [&]() -> std::optional<fs::path> {
    if (request.cache) return fs::path(*request.cache);
    const auto variable = [&](const char* name) { return console.variable(name).value_or(""); };
    if (const std::string cache = variable("XDG_CACHE_HOME"); !cache.empty()) return fs::path(cache) / "outrider";
    const std::string home = variable("HOME");
    return home.empty() ? std::nullopt : std::optional(fs::path(home) / ".cache" / "outrider");
  }();
  return folder ? std::optional(*folder / "points.sqlite") : std::nullopt;
}

SweepTask task_of(const SweepRequest& request, const LoadedStudy& loaded, const SweepSpace& space,
                  const std::optional<Library>& library) {
  SweepTask task;
  task.points = space.size();
  task.threads = request.threads;
  task.identity = sweep_identity;
  task.figures = sweep_figures;
  task.make_reader = [&]() -> DesignReader {
    return [&space, inputs = InputLoader(loaded.scenario, library)](
               std::size_t index) mutable -> std::variant<DesignPoint, DesignErrors> {
      auto read = inputs.load(space.settings(index));
      if (auto* errors = std::get_if<InputErrors>(&read)) {
        errors->insert(errors->begin(),
                       fmt::format("design point {} cannot be ('where' can leave it out):", index + 1));
        return std::move(*errors);
      }
      auto& point = std::get<InputLoader::Loaded>(read);
      return DesignPoint{.scenario = std::move(point.inputs.scenario),
                         .profile = std::move(point.inputs.profile),
                         .profile_digest = point.profile_digest};
    };
  };
  return task;
}

std::string counts_text(const SweepCounts& counts, std::size_t points, double seconds) {
  const auto of = [](std::size_t count, const char* what) { return fmt::format("{} {}", count, what); };
  std::string text = of(points, points == 1 ? "design point: " : "design points: ");
  text += of(counts.simulated, "rows simulated, ") + of(counts.cached, "known before");
  if (counts.resumed > 0) text += fmt::format("; {} design points were finished already", counts.resumed);
  return text + fmt::format(" ({:.1f} s)\n", seconds);
}

std::variant<SweepCounts, DesignErrors> simulate(SweepTask& task, SweepJournal& journal, PointCache& cache,
                                                 const Console& console) {
  Progress progress(console, "design points done", journal.done());
  task.progress = [&progress](std::size_t done, std::size_t all) { progress.show(done, all); };
  return run_sweep(task, journal, cache);
}

int sweep(const SweepRequest& request, const Console& console) {
  const auto begin = std::chrono::steady_clock::now();
  const FoundLibrary found = open_library(console);
  if (!found.errors.empty()) return report_wrong_input(found.errors, console);
  const auto read = load_study(request.study, found.library);
  if (const auto* errors = std::get_if<InputErrors>(&read)) return report_wrong_input(*errors, console);
  const auto& loaded = std::get<LoadedStudy>(read);
  ConfigErrors errors;
  const std::optional<SweepSpace> space = SweepSpace::of(loaded.study, errors);
  if (!space) return report_wrong_input(texts(errors), console);
  InputLoader inputs(loaded.scenario, found.library);
  if (const InputErrors wrong = check_values(*space, inputs); !wrong.empty()) return report_wrong_input(wrong, console);
  if (request.dry_run) {
    console.out(fmt::format("{} design points\n", space->size()));
    return kDone;
  }
  const fs::path folder =
      request.out ? fs::path(*request.out) : fs::path("results") / results_folder_name(loaded.study.name);
  make_results_folder(folder);
  SweepTask task = task_of(request, loaded, *space, found.library);
  task.program = program_of(console);
  SweepJournal journal({.file = folder / "points.journal",
                        .study = digest_of_study(loaded.study, inputs.digest(), task.program),
                        .points = space->size(),
                        .resume = request.resume});
  PointCache cache(cache_file(request, console));
  const auto done = simulate(task, journal, cache, console);
  if (const auto* wrong = std::get_if<DesignErrors>(&done)) return report_wrong_input(*wrong, console);
  const SweepTables tables{loaded.study, *space, journal, std::string(program_version())};
  write_sweep_csv(tables, folder / "results.csv");
  write_sweep_sqlite(tables, folder / "results.sqlite");
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begin;
  console.out(counts_text(std::get<SweepCounts>(done), space->size(), spent.count()));
  console.out(fmt::format("In {}: results.csv, results.sqlite\n", printable(folder.generic_string())));
  return kDone;
}

}  // namespace

int sweep_command(const SweepRequest& request, const Console& console) {
  try {
    return sweep(request, console);
  } catch (const std::runtime_error& problem) { throw EnvironmentError(problem.what()); }
}

}  // namespace outrider
