// `outrider calibrate`: measure, fit, write samples, machine and profile.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <csignal>
#include <ctime>
#include <iterator>
#include <utility>

#include "calibration/benches/microbench.h"
#include "calibration/benches/this_host.h"
#include "calibration/fit/machine_origin.h"
#include "calibration/fit/measured_machine.h"
#include "calibration/fit/profile_fit.h"
#include "calibration/fit/yaml_files.h"
#include "calibration/samples/families.h"
#include "calibration/samples/nvbandwidth.h"
#include "calibration/samples/run_log.h"
#include "hwmodels/profile_reader.h"
#include "sim/cli/commands.h"
#include "sim/cli/format.h"
#include "sim/cli/inputs.h"
#include "sim/cli/progress.h"
#include "sim/cli/report_calibrate.h"
#include "sim/cli/result_files.h"
#include "sim/io/atomic_file.h"
#include "sim/io/machine_reader.h"

namespace outrider {
namespace {

namespace fs = std::filesystem;

volatile std::sig_atomic_t interrupted = 0;

extern "C" void interrupt(int) {
  interrupted = 1;
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

// While this lives, the first Ctrl-C or SIGTERM ends the run after the measurement at hand, and the second at once.
class InterruptGuard {
 public:
  InterruptGuard() {
    interrupted = 0;
    for (std::size_t i = 0; i < std::size(kSignals); ++i) before_[i] = std::signal(kSignals[i], interrupt);
  }
  ~InterruptGuard() {
    for (std::size_t i = 0; i < std::size(kSignals); ++i) std::signal(kSignals[i], before_[i]);
  }
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

 private:
  static constexpr int kSignals[] = {SIGINT, SIGTERM};
  void (*before_[std::size(kSignals)])(int);
};

struct CalibrateInputs {
  MachineSpec machine;
  bool same_gpu = false;  // the machine's GPU is that of the host
  Profile base;
  HostFacts host;               // that is measured: not this one, where samples are from elsewhere
  std::vector<Sample> samples;  // already in DIR
  std::string cut_line;         // in DIR, and passed over
};

fs::path samples_file(const CalibrateRequest& request) { return fs::path(request.out) / "samples.csv"; }

fs::path runs_file(const CalibrateRequest& request) { return fs::path(request.out) / "runs.csv"; }

// A file, or a shipped one of that name.
std::optional<fs::path> file_of(const std::string& given, const std::vector<ShippedFile>& shipped) {
  std::error_code ignored;
  if (fs::is_regular_file(given, ignored)) return fs::path(given);
  for (const ShippedFile& each : shipped) {
    if (each.name == given) return each.file;
  }
  return std::nullopt;
}

// What names a GPU's chip: the first word with a digit, of "NVIDIA H200 SXM" or "RTX-4090".
std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words(1);
  for (const char letter : text) {
    if (std::isalnum(static_cast<unsigned char>(letter)) != 0) {
      words.back() += static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
    } else if (!words.back().empty()) {
      words.emplace_back();
    }
  }
  return words;
}

bool has_chip_of(const HostFacts& host, const std::string& gpu) {
  const std::vector<std::string> words = words_of(gpu), has = words_of(host.gpu);
  const auto chip = std::find_if(words.begin(), words.end(), [](const std::string& word) {
    return word.find_first_of("0123456789") != std::string::npos;
  });
  return chip != words.end() && std::find(has.begin(), has.end(), *chip) != has.end();
}

// The shipped machine with the host's GPU, under whose name it goes, or any: then its GPU is not the host's.
std::string machine_like(const HostFacts& host, const std::vector<ShippedFile>& shipped) {
  for (const ShippedFile& each : shipped) {
    ConfigErrors ignored;
    const auto machine = read_machine(each.file, ignored);
    if (machine && has_chip_of(host, machine->gpu.name) && has_chip_of(host, each.name)) return each.name;
  }
  return "h200-16c";
}

InputErrors only_errors(const CalibrateRequest& request) {
  std::vector<std::string> names;
  for (const FamilyInfo& family : families()) names.push_back(family.name);
  InputErrors errors;
  for (const std::string& name : request.only) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    const std::string near = suggestion(name, names);
    errors.push_back(fmt::format("--only: unknown family '{}'{}", printable(name),
                                 near.empty() ? "; the families are " + join(names, ", ") : near));
  }
  return errors;
}

InputErrors texts_of(const ConfigErrors& errors) {
  InputErrors texts;
  for (const ConfigError& error : errors.all()) texts.push_back(to_string(error));
  return texts;
}

std::string today() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  return fmt::format("{:04}-{:02}-{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
}

// With the line that this run is about to add.
std::vector<LoggedRun> logged_runs(const CalibrateRequest& request, const HostFacts& here,
                                   const std::optional<NvbandwidthFile>& import, ConfigErrors& errors) {
  const fs::path file = runs_file(request);
  std::vector<LoggedRun> runs = read_runs(file, errors);
  if (import) {
    runs.push_back({.run = request.run, .date = today(), .host = facts_of(*import)});
  } else if (!request.fit_only) {
    check_resumable(file, runs, request.run, here, errors);
    runs.push_back({.run = request.run, .date = today(), .host = here});
  }
  if (errors.empty()) check_one_machine(file, runs, errors);
  return runs;
}

std::variant<CalibrateInputs, InputErrors> load(const CalibrateRequest& request, const HostFacts& here,
                                                const std::optional<NvbandwidthFile>& import, const Console& console) {
  InputErrors problems = only_errors(request);
  ConfigErrors errors;
  const HostFacts host = host_of(logged_runs(request, here, import, errors));
  const FoundLibrary found = open_library(console);
  problems.insert(problems.end(), found.errors.begin(), found.errors.end());
  const std::vector<ShippedFile> machines = found.library ? found.library->machines() : std::vector<ShippedFile>{};
  const std::vector<ShippedFile> profiles = found.library ? found.library->profiles() : std::vector<ShippedFile>{};
  const std::string machine_name = request.machine.value_or(machine_like(host, machines));
  const auto machine_file = file_of(machine_name, machines), base_file = file_of(request.base, profiles);
  if (!machine_file)
    problems.push_back(fmt::format("--machine: no file and no shipped machine '{}'", printable(machine_name)));
  if (!base_file)
    problems.push_back(fmt::format("--base: no file and no shipped profile '{}'", printable(request.base)));
  if (!problems.empty()) return problems;
  auto machine = read_machine(*machine_file, errors);
  auto base = read_profile(*base_file, errors);
  std::optional<std::vector<Sample>> samples = std::vector<Sample>{};
  std::error_code unreadable;
  if (fs::exists(samples_file(request), unreadable) || request.fit_only)
    samples = read_samples(samples_file(request), errors);
  if (!errors.empty()) return texts_of(errors);
  const bool same_gpu = has_chip_of(host, machine->gpu.name);
  return CalibrateInputs{
      std::move(*machine), same_gpu, std::move(*base), host, std::move(*samples), partial_line(samples_file(request))};
}

// What is measured must be known, from its file or from its runs, and the two must be able to be one machine: a core
// may run two threads.
InputErrors host_errors(const CalibrateRequest& request, const CalibrateInputs& inputs) {
  const HostFacts& host = inputs.host;
  if (!request.machine && (host.cpu.empty() || host.processors == 0 || host.memory_bytes == 0.0)) {
    return {
        fmt::format("{}: expected the CPU, processors and memory of the host that was measured, got runs without "
                    "them: name its file with --machine",
                    printable(runs_file(request).string()))};
  }
  const std::int64_t cores = inputs.machine.cpu.cores;
  if (!request.machine || host.processors == 0 || (cores <= host.processors && host.processors <= 2 * cores)) return {};
  return {
      fmt::format("--machine: expected a machine with the {} processors of the host that is measured ({}), got '{}' "
                  "with {} cores",
                  host.processors, printable(text_of(host)), printable(*request.machine), cores)};
}

int list_families(const HostFacts& facts, const CalibrateRequest& request, const Console& console) {
  const MicrobenchSet set = microbenches(facts, request.quick ? Effort::quick : Effort::full);
  Table table({{"family"}, {"shapes", Align::right}, {"what"}, {"cannot run here"}});
  for (const FamilyInfo& family : families()) {
    const auto of_family = [&](const Microbench& bench) { return bench.family == family.name; };
    const auto first = std::find_if(set.list.begin(), set.list.end(), of_family);
    const bool runs = first != set.list.end() && first->waived.empty();
    const auto shapes = std::count_if(set.list.begin(), set.list.end(), of_family);
    table.add_row({family.name, runs ? fmt::format("{}", shapes) : "–", family.meaning,
                   runs || first == set.list.end() ? "" : first->waived});
  }
  console.out(table.render(look_of(console, request.no_colour)));
  return kDone;
}

MeasureReport measure_all(const CalibrateRequest& request, const HostFacts& facts, const std::vector<Sample>& present,
                          const Console& console) {
  const InterruptGuard guard;
  Progress progress(console, "measurements");
  const MicrobenchSet set = microbenches(facts, request.quick ? Effort::quick : Effort::full);
  return run_microbenches(set.list, present,
                          {.samples = samples_file(request),
                           .only = request.only,
                           .effort = request.quick ? Effort::quick : Effort::full,
                           .run = request.run,
                           .progress = [&](std::size_t done, std::size_t all) { progress.show(done, all); },
                           .stop = [] { return interrupted != 0; }});
}

// The machine as measured, and a line on what of it is not.
std::pair<MachineSpec, std::string> machine_and_origins(const CalibrateRequest& request, const CalibrateInputs& inputs,
                                                        const std::vector<Sample>& samples) {
  MachineSpec machine = measured_machine(inputs.machine, inputs.host, samples, request.machine.has_value());
  if (!request.name.empty() || !request.machine) machine.name = request.name.empty() ? "local" : request.name;
  if (request.machine) return {std::move(machine), ""};
  std::vector<std::string> left = unmeasured_figures(machine, inputs.machine);
  std::string text;
  if (inputs.same_gpu) {
    std::erase(left, "gpu");
    text = fmt::format("The GPU's datasheet figures are those of machine {}.\n", inputs.machine.name);
  } else {
    text = inputs.host.gpu.empty() ? "This machine has no GPU that was measured.\n"
                                   : fmt::format("No shipped machine has a {}.\n", printable(inputs.host.gpu));
  }
  name_origins(machine, inputs.machine, inputs.host, inputs.same_gpu);
  if (!left.empty())
    text +=
        fmt::format("machine.yaml has from machine {}, not measured here: {}\n", inputs.machine.name, join(left, ", "));
  return {std::move(machine), text};
}

// Whether the samples say something; where they do not, an error is shown.
bool any_of_use(const ProfileFit& fit, bool machine_measured, const Console& console) {
  const FitRecord& record = *fit.profile.fit;
  if (record.samples > 0 && (machine_measured || fit.kept.size() < fit.profile.coefficients.size())) return true;
  console.error(
      fmt::format("outrider: nothing to fit: of {} samples {} were refused as noisy, and {}; no profile is written\n",
                  record.samples + record.refused, record.refused,
                  record.samples == 0 ? "none is left" : "the others say nothing of a coefficient or of the machine"));
  return false;
}

ProfileFit fit_with_progress(const CalibrateInputs& inputs, const MachineSpec& machine,
                             const std::vector<Sample>& samples, const Console& console) {
  Progress progress(console, "samples fitted");
  return fit_profile(machine, inputs.base, samples,
                     [&](std::size_t done, std::size_t all) { progress.show(done, all); });
}

int fit_and_write(const CalibrateRequest& request, const CalibrateInputs& inputs, const std::vector<Sample>& samples,
                  const Console& console) {
  const auto [machine, origins] = machine_and_origins(request, inputs, samples);
  ProfileFit fit = fit_with_progress(inputs, machine, samples, console);
  if (!any_of_use(fit, is_measured(machine, inputs.machine), console))
    return request.fit_only || request.import ? kWrongInput : kEnvironmentFailed;
  FitRecord& record = *fit.profile.fit;
  record.program = program_version();
  ConfigErrors errors;
  record_runs(read_runs(runs_file(request), errors), record);
  if (!errors.empty()) return report_wrong_input(texts_of(errors), console);
  if (record.date.empty()) record.date = "unknown";
  const fs::path folder = request.out;
  write_atomically(folder / "machine.yaml", machine_yaml(machine, ""));
  write_atomically(folder / "profile.yaml", profile_yaml(fit.profile, ""));
  write_atomically(folder / "residuals.csv", residuals_csv(fit, samples));
  console.out(fit_text(fit, look_of(console, request.no_colour)));
  if (!inputs.cut_line.empty())
    console.out(fmt::format("The last line of samples.csv had no end and was passed over: {}\n",
                            printable(shortened(inputs.cut_line))));
  console.out(origins);
  console.error(fit_warnings(fit, machine));
  console.out(fmt::format("\nIn {}: samples.csv, runs.csv, machine.yaml, profile.yaml, residuals.csv\n",
                          printable(folder.string())));
  return kDone;
}

// All that can be wrong is found before anything is written.
int import_and_fit(const CalibrateRequest& request, const CalibrateInputs& inputs, const NvbandwidthFile& file,
                   const Console& console) {
  ConfigErrors errors;
  const fs::path folder = request.out;
  const std::vector<Sample> all = samples_of(file, request.run, static_cast<double>(inputs.machine.gpu.sms));
  const std::vector<Sample> added = new_samples(all, inputs.samples, samples_file(request), errors);
  if (all.empty())
    errors.add(
        {.file = *request.import, .expected = "a test of copies between host and GPU that passed", .got = "none"});
  if (all.empty() || errors.empty()) console.out(imported_text(file, added.size()));
  if (!errors.empty()) return report_wrong_input(texts_of(errors), console);
  if (const InputErrors wrong = host_errors(request, inputs); !wrong.empty()) return report_wrong_input(wrong, console);
  make_results_folder(folder);
  add_import(folder, added, file, today());
  const auto samples = read_samples(samples_file(request), errors);
  if (!samples) return report_wrong_input(texts_of(errors), console);
  return fit_and_write(request, inputs, *samples, console);
}

int measure_and_fit(const CalibrateRequest& request, const HostFacts& here, const CalibrateInputs& inputs,
                    const Console& console) {
  make_results_folder(request.out);
  log_run(runs_file(request), request.run, today(), here);
  const MeasureReport report = measure_all(request, here, inputs.samples, console);
  console.out(measured_text(report));
  if (report.stopped) {
    console.error("interrupted; the same command goes on from here\n");
    return kEnvironmentFailed;
  }
  ConfigErrors none;
  const auto samples = read_samples(samples_file(request), none);
  return fit_and_write(request, inputs, samples.value_or(report.samples), console);
}

}  // namespace

int calibrate_command(const CalibrateRequest& request, const Console& console) {
  const HostFacts here = host_facts();
  if (request.list) return list_families(here, request, console);
  std::optional<NvbandwidthFile> file;
  if (request.import) {
    ConfigErrors errors;
    file = read_nvbandwidth(*request.import, request.import_buffer_mib, errors);
    if (!file) return report_wrong_input(texts_of(errors), console);
  }
  auto loaded = load(request, here, file, console);
  if (const auto* errors = std::get_if<InputErrors>(&loaded)) return report_wrong_input(*errors, console);
  const CalibrateInputs& inputs = std::get<CalibrateInputs>(loaded);
  try {
    if (file) return import_and_fit(request, inputs, *file, console);
    if (const InputErrors wrong = host_errors(request, inputs); !wrong.empty())
      return report_wrong_input(wrong, console);
    if (request.fit_only) return fit_and_write(request, inputs, inputs.samples, console);
    return measure_and_fit(request, here, inputs, console);
  } catch (const std::runtime_error& problem) { throw EnvironmentError(problem.what()); }
}

}  // namespace outrider
