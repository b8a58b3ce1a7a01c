// `outrider sweep`: read the study, simulate what is missing, write the tables; `outrider merge`: write those of
// shards.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <regex>
#include <tuple>

#include "sim/cli/commands.h"
#include "sim/cli/format.h"
#include "sim/cli/inputs.h"
#include "sim/cli/progress.h"
#include "sim/cli/report_sweep.h"
#include "sim/cli/result_files.h"
#include "sim/study/ranks/ranks.h"

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
                                                 std::optional<Ranks>& ranks, const Console& console) {
  Progress progress(console, "design points done", journal.done());
  task.progress = [&progress](std::size_t done, std::size_t all) { progress.show(done, all); };
  return ranks ? ranks->lead(task, journal, cache) : run_sweep(task, journal, cache);
}

// A study that is checked, and what its tables are made from; not to be moved, since its parts refer to each other.
struct CheckedStudy {
  LoadedStudy loaded;
  std::optional<SweepSpace> space{};
  Digest inputs{};  // of all files that it reads
};

std::variant<std::unique_ptr<CheckedStudy>, InputErrors> check_study(const std::string& name,
                                                                     const FoundLibrary& found) {
  if (!found.errors.empty()) return found.errors;
  auto read = load_study(name, found.library);
  if (auto* errors = std::get_if<InputErrors>(&read)) return std::move(*errors);
  auto study = std::make_unique<CheckedStudy>(CheckedStudy{.loaded = std::move(std::get<LoadedStudy>(read))});
  ConfigErrors errors;
  study->space = SweepSpace::of(study->loaded.study, errors);
  if (!study->space) return texts(errors);
  InputLoader inputs(study->loaded.scenario, found.library);
  if (InputErrors wrong = check_values(*study->space, inputs); !wrong.empty()) return wrong;
  study->inputs = inputs.digest();
  return study;
}

fs::path folder_of(const std::optional<std::string>& out, const CheckedStudy& study) {
  return out ? fs::path(*out) : fs::path("results") / results_folder_name(study.loaded.study.name);
}

constexpr const char* kWholeJournal = "points.journal";

std::string journal_name(const Shard& shard) {
  return shard.of == 1 ? kWholeJournal : fmt::format("points.{}-of-{}.journal", shard.number, shard.of);
}

// Nothing where the name is not one that journal_name makes of a part.
std::optional<Shard> shard_of(const std::string& name) {
  static const std::regex form("points\\.([1-9][0-9]{0,5})-of-([1-9][0-9]{0,5})\\.journal");
  std::smatch match;
  if (!std::regex_match(name, match, form)) return std::nullopt;
  const Shard shard{.number = std::stoul(match[1]), .of = std::stoul(match[2])};
  return shard.number <= shard.of ? std::optional(shard) : std::nullopt;
}

SweepJournal::Opening opening_of(const CheckedStudy& study, const std::string& program, const Shard& shard) {
  return {.file = journal_name(shard),
          .study = digest_of_study(study.loaded.study, study.inputs, program),
          .points = study.space->size(),
          .due = shard.size(study.space->size())};
}

void write_tables(const CheckedStudy& study, const SweepJournal& journal, const fs::path& folder) {
  const SweepTables tables{study.loaded.study, *study.space, journal, std::string(program_version())};
  write_sweep_csv(tables, folder / "results.csv");
  write_sweep_sqlite(tables, folder / "results.sqlite");
}

std::string written_text(const fs::path& folder, std::string_view files) {
  return fmt::format("In {}: {}\n", printable(folder.generic_string()), files);
}

// Rank 0 does as a program alone; the others work for it and write nothing.
bool in_mpi_job(const SweepRequest& request, const Console& console) {
  const std::string ranks = console.variable("OMPI_COMM_WORLD_SIZE").value_or("1");
  return request.mpi || (request.threads == 0 && ranks != "1");
}

int sweep(const SweepRequest& request, const Console& console) {
  const auto begin = std::chrono::steady_clock::now();
  const FoundLibrary found = open_library(console);
  const auto checked = check_study(request.study, found);
  if (const auto* errors = std::get_if<InputErrors>(&checked)) return report_wrong_input(*errors, console);
  const CheckedStudy& study = *std::get<std::unique_ptr<CheckedStudy>>(checked);
  const std::size_t points = study.space->size();
  if (request.dry_run) {
    console.out(fmt::format("{} design points\n", points));
    return kDone;
  }
  const fs::path folder = folder_of(request.out, study);
  SweepTask task = task_of(request, study.loaded, *study.space, found.library);
  task.program = program_of(console);
  task.shard = {.number = request.shard, .of = request.shards};
  std::optional<Ranks> ranks;
  if (in_mpi_job(request, console)) ranks.emplace();
  if (ranks && ranks->rank() > 0) {
    ranks->follow(task);
    return kDone;
  }
  make_results_folder(folder);
  SweepJournal::Opening opening = opening_of(study, task.program, task.shard);
  opening.file = folder / opening.file;
  opening.resume = request.resume;
  SweepJournal journal(opening);
  PointCache cache(cache_file(request, console));
  const auto done = simulate(task, journal, cache, ranks, console);
  if (const auto* wrong = std::get_if<DesignErrors>(&done)) return report_wrong_input(*wrong, console);
  const bool whole = task.shard.of == 1;
  if (whole) write_tables(study, journal, folder);
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begin;
  if (ranks && ranks->lost() > 0)
    console.error(fmt::format("{} of {} ranks did not come to the end; the others did their points\n", ranks->lost(),
                              ranks->size()));
  console.out(counts_text(std::get<SweepCounts>(done), opening.due, spent.count()));
  console.out(written_text(folder, whole ? "results.csv, results.sqlite" : journal_name(task.shard)));
  return kDone;
}

// In order of number and count, so that what is merged does not depend on the file system.
std::vector<Shard> shards_in(const fs::path& folder) {
  std::vector<Shard> shards;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none)) {
    if (const auto shard = shard_of(entry.path().filename().string())) shards.push_back(*shard);
  }
  std::sort(shards.begin(), shards.end(),
            [](const Shard& a, const Shard& b) { return std::tie(a.of, a.number) < std::tie(b.of, b.number); });
  return shards;
}

// Adds what the shard's journal has and the whole one lacks.
void take_over(SweepJournal& whole, const SweepJournal::Opening& part) {
  const SweepJournal journal(part);
  for (std::size_t point = 0; point < part.points; ++point) {
    if (journal.has(point) && !whole.has(point)) whole.add(point, journal.record(point));
  }
}

int merge(const MergeRequest& request, const Console& console) {
  const FoundLibrary found = open_library(console);
  const auto checked = check_study(request.study, found);
  if (const auto* errors = std::get_if<InputErrors>(&checked)) return report_wrong_input(*errors, console);
  const CheckedStudy& study = *std::get<std::unique_ptr<CheckedStudy>>(checked);
  const fs::path folder = folder_of(request.out, study);
  const std::vector<Shard> shards = shards_in(folder);
  if (shards.empty()) {
    throw EnvironmentError(fmt::format("no journal of a shard, such as {}, is in '{}'",
                                       journal_name({.number = 1, .of = 8}), folder.generic_string()));
  }
  const auto opening = [&, program = program_of(console)](const Shard& shard) {
    SweepJournal::Opening made = opening_of(study, program, shard);
    made.file = folder / made.file;
    made.resume = true;
    return made;
  };
  SweepJournal whole(opening({}));
  for (const Shard& shard : shards) take_over(whole, opening(shard));
  const std::size_t points = study.space->size(), missing = points - whole.done();
  if (missing > 0) {
    throw EnvironmentError(fmt::format(
        "of {} design points {} are missing: 'outrider sweep STUDY --resume' simulates them, or their shards, which "
        "may then be merged again",
        points, missing));
  }
  write_tables(study, whole, folder);
  console.out(fmt::format("{} design points from {} shards\n", points, shards.size()));
  console.out(written_text(folder, "results.csv, results.sqlite"));
  return kDone;
}

}  // namespace

int sweep_command(const SweepRequest& request, const Console& console) {
  try {
    return sweep(request, console);
  } catch (const std::runtime_error& problem) { throw EnvironmentError(problem.what()); }
}

int merge_command(const MergeRequest& request, const Console& console) {
  try {
    return merge(request, console);
  } catch (const std::runtime_error& problem) { throw EnvironmentError(problem.what()); }
}

}  // namespace outrider
