// `outrider calibrate`: measure, fit, write samples, machine and profile.
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <ctime>
#include <map>

#include "calibration/measured_machine.h"
#include "calibration/microbench.h"
#include "calibration/nvbandwidth.h"
#include "calibration/profile_fit.h"
#include "calibration/run_log.h"
#include "calibration/yaml_files.h"
#include "hwmodels/profile_reader.h"
#include "sim/cli/commands.h"
#include "sim/cli/format.h"
#include "sim/cli/inputs.h"
#include "sim/cli/progress.h"
#include "sim/io/atomic_file.h"
#include "sim/io/machine_reader.h"

namespace outrider {
namespace {

namespace fs = std::filesystem;

volatile std::sig_atomic_t interrupted = 0;

// While this lives, the first Ctrl-C ends the run after the measurement at hand.
class InterruptGuard {
 public:
  InterruptGuard() : before_(std::signal(SIGINT, [](int) { interrupted = 1; })) { interrupted = 0; }
  ~InterruptGuard() { std::signal(SIGINT, before_); }
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

 private:
  void (*before_)(int);
};

struct CalibrateInputs {
  MachineSpec machine;
  Profile base;
  std::vector<Sample> samples;  // already in DIR
};

fs::path samples_file(const CalibrateRequest& request) { return fs::path(request.out) / "samples.csv"; }

// A file, or a shipped one of that name.
std::optional<fs::path> file_of(const std::string& given, const std::vector<ShippedFile>& shipped) {
  std::error_code ignored;
  if (fs::is_regular_file(given, ignored)) return fs::path(given);
  for (const ShippedFile& each : shipped) {
    if (each.name == given) return each.file;
  }
  return std::nullopt;
}

// The shipped machine with this host's GPU, or any: then its GPU is not this host's, and nothing of it is measured.
std::string machine_like(const HostFacts& facts, const std::vector<ShippedFile>& shipped) {
  for (const ShippedFile& each : shipped) {
    ConfigErrors ignored;
    const auto machine = read_machine(each.file, ignored);
    if (machine && !facts.gpu.empty() &&
        facts.gpu.find(machine->gpu.name.substr(0, machine->gpu.name.find(' '))) != std::string::npos)
      return each.name;
  }
  return "h200-16c";
}

InputErrors only_errors(const CalibrateRequest& request) {
  std::vector<std::string> names;
  for (const FamilyInfo& family : families()) names.push_back(family.name);
  InputErrors errors;
  for (const std::string& name : request.only) {
    if (std::find(names.begin(), names.end(), name) == names.end())
      errors.push_back(fmt::format("--only: unknown family '{}'{}", printable(name), suggestion(name, names)));
  }
  return errors;
}

InputErrors texts_of(const ConfigErrors& errors) {
  InputErrors texts;
  for (const ConfigError& error : errors.all()) texts.push_back(to_string(error));
  return texts;
}

std::variant<CalibrateInputs, InputErrors> load(const CalibrateRequest& request, const HostFacts& facts,
                                                const Console& console) {
  InputErrors problems = only_errors(request);
  const FoundLibrary found = open_library(console);
  problems.insert(problems.end(), found.errors.begin(), found.errors.end());
  const std::vector<ShippedFile> machines = found.library ? found.library->machines() : std::vector<ShippedFile>{};
  const std::vector<ShippedFile> profiles = found.library ? found.library->profiles() : std::vector<ShippedFile>{};
  const std::string machine_name = request.machine.value_or(machine_like(facts, machines));
  const auto machine_file = file_of(machine_name, machines), base_file = file_of(request.base, profiles);
  if (!machine_file)
    problems.push_back(fmt::format("--machine: no file and no shipped machine '{}'", printable(machine_name)));
  if (!base_file)
    problems.push_back(fmt::format("--base: no file and no shipped profile '{}'", printable(request.base)));
  if (!problems.empty()) return problems;
  ConfigErrors errors;
  auto machine = read_machine(*machine_file, errors);
  auto base = read_profile(*base_file, errors);
  std::optional<std::vector<Sample>> samples = std::vector<Sample>{};
  if (fs::exists(samples_file(request)) || request.fit_only) samples = read_samples(samples_file(request), errors);
  if (!errors.empty()) return texts_of(errors);
  return CalibrateInputs{std::move(*machine), std::move(*base), std::move(*samples)};
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

std::string today() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  return fmt::format("{:04}-{:02}-{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
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

// A line for each reason, with what it holds for.
std::string listed(const std::map<std::string, std::vector<std::string>>& by_reason, const char* what) {
  std::string text;
  for (const auto& [reason, names] : by_reason)
    text += fmt::format("{}, since {}: {}\n", what, printable(reason), printable(join(names, ", ")));
  return text;
}

std::string measured_text(const MeasureReport& report) {
  std::string text = fmt::format("{} measurements, {} of them not settled, {} trials discarded as disturbed",
                                 report.measured, report.unsettled, report.discarded);
  if (report.resumed > 0) text += fmt::format("; {} were there already", report.resumed);
  text += "\n";
  std::map<std::string, std::vector<std::string>> waived;
  for (const Microbench& bench : report.waived) waived[bench.waived].push_back(bench.family);
  return text + listed(waived, "waived");
}

std::string fit_text(const ProfileFit& fit, const TableLook& look) {
  constexpr std::int64_t kFewest = 5;  // folds
  Table coefficients({{"coefficient"}, {"value", Align::right}, {"P5 to P95", Align::right}, {"from"}});
  for (const auto& [name, each] : fit.profile.coefficients) {
    if (std::find(fit.kept.begin(), fit.kept.end(), name) != fit.kept.end()) continue;
    coefficients.add_row(
        {name, fmt::format("{:.4g}", each.value), fmt::format("{:.3g} to {:.3g}", each.low, each.high), each.source});
  }
  Table residuals({{"family"},
                   {"samples", Align::right},
                   {"median", Align::right},
                   {"P90", Align::right},
                   {"held out", Align::right},
                   {"P90", Align::right},
                   {"worst", Align::right},
                   {"where"}});
  for (const FamilyResiduals& each : fit.profile.fit->residuals) {
    residuals.add_row({each.family, fmt::format("{}", each.samples), percent(each.median), percent(each.p90),
                       each.samples < kFewest ? "–" : percent(each.held_out_median),
                       each.samples < kFewest ? "–" : percent(each.held_out_p90), signed_percent(each.worst),
                       each.worst_shape});
  }
  std::string tables;
  if (fit.kept.size() < fit.profile.coefficients.size()) tables += "\n" + coefficients.render(look);
  if (!fit.profile.fit->residuals.empty()) tables += "\n" + residuals.render(look);
  return tables +
         fmt::format(
             "\n{} coefficients are as in the base profile: nothing here measures them. {} samples were refused as "
             "noisy.\n",
             fit.kept.size(), fit.profile.fit->refused);
}

std::string imported_text(const NvbandwidthFile& file, std::size_t added) {
  std::vector<std::string> taken;
  for (const NvbandwidthRate& rate : file.rates)
    taken.push_back(
        fmt::format("{} at {:.4g} GB/s ({})", rate.family, 1e-9 * rate.bytes_per_second, join(rate.tests, " and ")));
  std::map<std::string, std::vector<std::string>> unused;
  for (const NvbandwidthUnused& each : file.unused) unused[each.reason].push_back(each.what);
  std::string text =
      fmt::format("{} samples from nvbandwidth {}: {}", added, printable(file.version), join(taken, ", "));
  if (added < taken.size()) text += fmt::format("; {} were there already", taken.size() - added);
  return text + "\n" + listed(unused, "not used");
}

int fit_and_write(const CalibrateRequest& request, const HostFacts& facts, const CalibrateInputs& inputs,
                  const std::vector<Sample>& samples, const Console& console) {
  MachineSpec machine = measured_machine(inputs.machine, facts, samples, request.machine.has_value());
  if (!request.name.empty() || !request.machine) machine.name = request.name.empty() ? "local" : request.name;
  ProfileFit fit = fit_profile(machine, inputs.base, samples);
  FitRecord& record = *fit.profile.fit;
  record.program = program_version();
  ConfigErrors errors;
  read_run_log(fs::path(request.out) / "runs.csv", record, errors);
  if (!errors.empty()) return report_wrong_input({to_string(errors.all().front())}, console);
  if (record.date.empty()) record.date = "unknown";
  const fs::path folder = request.out;
  write_atomically(folder / "machine.yaml", machine_yaml(machine, ""));
  write_atomically(folder / "profile.yaml", profile_yaml(fit.profile, ""));
  write_atomically(folder / "residuals.csv", residuals_csv(fit, samples));
  console.out(fit_text(fit, look_of(console, request.no_colour)));
  console.out(fmt::format("\nIn {}: samples.csv, runs.csv, machine.yaml, profile.yaml, residuals.csv\n",
                          printable(folder.string())));
  return kDone;
}

// All that can be wrong is found before anything is written.
int import_and_fit(const CalibrateRequest& request, const HostFacts& facts, const CalibrateInputs& inputs,
                   const NvbandwidthFile& file, const Console& console) {
  ConfigErrors errors;
  const fs::path folder = request.out;
  FitRecord ignored;
  read_run_log(folder / "runs.csv", ignored, errors);
  const std::vector<Sample> all = samples_of(file, request.run, static_cast<double>(inputs.machine.gpu.sms));
  const std::vector<Sample> added = new_samples(all, inputs.samples, samples_file(request), errors);
  if (all.empty())
    errors.add(
        {.file = *request.import, .expected = "a test of copies between host and GPU that passed", .got = "none"});
  if (all.empty() || errors.empty()) console.out(imported_text(file, added.size()));
  if (!errors.empty()) return report_wrong_input(texts_of(errors), console);
  fs::create_directories(folder);
  add_import(folder, added, file, today());
  const auto samples = read_samples(samples_file(request), errors);
  if (!samples) return report_wrong_input(texts_of(errors), console);
  return fit_and_write(request, facts, inputs, *samples, console);
}

}  // namespace

int calibrate_command(const CalibrateRequest& request, const Console& console) {
  HostFacts facts = host_facts();
  if (request.list) return list_families(facts, request, console);
  std::optional<NvbandwidthFile> file;
  if (request.import) {
    ConfigErrors errors;
    file = read_nvbandwidth(*request.import, request.import_buffer_mib, errors);
    if (!file) return report_wrong_input(texts_of(errors), console);
    if (!file->gpu.empty()) facts.gpu = file->gpu;
  }
  auto loaded = load(request, facts, console);
  if (const auto* errors = std::get_if<InputErrors>(&loaded)) return report_wrong_input(*errors, console);
  const CalibrateInputs& inputs = std::get<CalibrateInputs>(loaded);
  try {
    if (file) return import_and_fit(request, facts, inputs, *file, console);
    if (request.fit_only) return fit_and_write(request, facts, inputs, inputs.samples, console);
    fs::create_directories(request.out);
    log_run(fs::path(request.out) / "runs.csv", request.run, today(), facts);
    const MeasureReport report = measure_all(request, facts, inputs.samples, console);
    console.out(measured_text(report));
    if (report.stopped) {
      console.error("interrupted; the same command goes on from here\n");
      return kEnvironmentFailed;
    }
    ConfigErrors none;
    const auto samples = read_samples(samples_file(request), none);
    return fit_and_write(request, facts, inputs, samples.value_or(report.samples), console);
  } catch (const std::runtime_error& problem) { throw EnvironmentError(problem.what()); }
}

}  // namespace outrider
