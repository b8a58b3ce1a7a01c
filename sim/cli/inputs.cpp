// Calls of the readers, and one-line descriptions of what they read.
#include "sim/cli/inputs.h"

#include <fmt/format.h>

#include "hwmodels/profile_reader.h"
#include "sim/base/check.h"
#include "sim/cli/format.h"
#include "sim/io/errors.h"
#include "sim/io/hf_config.h"
#include "sim/io/machine_reader.h"
#include "sim/io/scenario_reader.h"
#include "sim/io/schema.h"
#include "sim/io/study_file.h"
#include "sim/methods/method.h"
#include "sim/spec/model_math.h"

namespace outrider {
namespace {

InputErrors texts(const ConfigErrors& errors) {
  InputErrors result;
  for (const ConfigError& error : errors.all()) result.push_back(to_string(error));
  return result;
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

// The heads of the first layer that has a KV cache, and how many layers have none.
std::string attention_text(const ModelSpec& model) {
  const AttentionSpec* cached = nullptr;
  std::size_t linear = 0;
  for (const LayerSpec& layer : model.layers) {
    const bool is_linear = layer.attention.kind == AttentionKind::linear;
    linear += is_linear ? 1 : 0;
    if (!is_linear && cached == nullptr) cached = &layer.attention;
  }
  if (cached == nullptr) return "linear attention";
  const std::string rest = linear == 0 ? "" : fmt::format(" ({} of them linear attention)", linear);
  if (cached->kind == AttentionKind::mla) return fmt::format("MLA with {} heads{}", cached->q_heads, rest);
  return fmt::format("{}/{} query/KV heads{}", cached->q_heads, cached->kv_heads, rest);
}

std::string model_line(const ModelSpec& model) {
  const ParameterCount count = count_parameters(model);
  const std::string active =
      count.active < count.total ? fmt::format(" ({} G active)", significant(count.active * 1e-9, 3)) : "";
  return fmt::format("{} G parameters{}, {} layers, {}, {} of KV per token", significant(count.total * 1e-9, 3), active,
                     model.layers.size(), attention_text(model), byte_count(kv_bytes_per_token(model)));
}

std::string machine_line(const MachineSpec& machine) {
  if (!machine.description.empty()) return first_line(machine.description);
  return fmt::format("{} × {} ({} HBM), {}, {} cores, {} DRAM", machine.gpu_count, machine.gpu.name,
                     byte_count(machine.gpu.hbm_capacity), machine.link.name, machine.cpu.cores,
                     byte_count(machine.cpu.dram_capacity));
}

std::string profile_line(const Profile& profile) {
  const std::string machine = profile.machine.empty() ? "" : " on " + profile.machine;
  const std::string note = profile.note.empty() ? "" : ": " + first_line(profile.note);
  return fmt::format("{}{}{}", to_string(profile.kind), machine, note);
}

std::vector<ScenarioOverride> overrides_of(const InputRequest& request) {
  std::vector<ScenarioOverride> overrides;
  for (const Assignment& each : request.assignments) overrides.push_back({.path = each.path, .value = each.value});
  if (request.seed) overrides.push_back({.path = "seed", .value = fmt::format("{}", *request.seed)});
  return overrides;
}

// A profile fitted on another machine is one that was transferred, where the scenario allows it; so is one fitted on
// this machine before its figures were altered. Else a message.
std::optional<std::string> transfer_where_needed(const Scenario& scenario, Profile& profile) {
  if (profile.kind != ProfileKind::fitted) return std::nullopt;
  const bool elsewhere = profile.machine != scenario.machine.name;
  if (elsewhere && !scenario.transfer_profile) {
    return fmt::format(
        "{}: profile: expected one for machine '{}', got '{}'{}, which was fitted on '{}'; "
        "'transfer_profile: true' allows it",
        scenario.source_file, scenario.machine.name, profile.name,
        scenario.profile_beside_machine ? " (profile.yaml beside the machine's file)" : "", profile.machine);
  }
  if (elsewhere || !scenario.machine_changes.empty()) profile = transferred(std::move(profile));
  return std::nullopt;
}

// The line, or the errors that kept the file from being read.
template <class Spec, class Line>
std::variant<std::string, InputErrors> described(const std::optional<Spec>& spec, const ConfigErrors& errors,
                                                 Line line) {
  if (!spec) return texts(errors);
  return line(*spec);
}

}  // namespace

FoundLibrary open_library(const Console& console) {
  const std::optional<std::string> home = console.variable("OUTRIDER_HOME");
  std::error_code ignored;
  FoundLibrary found;
  found.library =
      find_library({.home = home, .executable = console.executable, .current = std::filesystem::current_path(ignored)});
  if (!found.library && home && !home->empty()) {
    found.errors.push_back(fmt::format("OUTRIDER_HOME: expected a folder that holds scenarios/, got '{}'", *home));
  }
  return found;
}

std::variant<Inputs, InputErrors> load_inputs(const InputRequest& request, const std::optional<Library>& library) {
  const auto found = find_scenario(request.scenario, library);
  if (const auto* error = std::get_if<std::string>(&found)) return InputErrors{*error};
  ConfigErrors errors;
  const std::vector<MethodInfo> infos = method_infos();
  auto scenario = read_scenario({.file = std::get<std::filesystem::path>(found),
                                 .library = library ? library->root() / "scenarios" : std::filesystem::path(),
                                 .overrides = overrides_of(request)},
                                infos, errors);
  if (!scenario) return texts(errors);
  auto profile = read_profile(scenario->profile, errors);
  if (!profile) return texts(errors);
  if (auto error = transfer_where_needed(*scenario, *profile)) return InputErrors{*error};
  return Inputs{.scenario = std::move(*scenario), .profile = std::move(*profile)};
}

InputLoader::InputLoader(std::filesystem::path scenario, const std::optional<Library>& library)
    : scenario_(std::move(scenario)),
      library_(library ? library->root() / "scenarios" : std::filesystem::path()),
      catalog_(method_infos()) {}

std::variant<InputLoader::Loaded, InputErrors> InputLoader::load(const std::vector<ScenarioOverride>& overrides) {
  ConfigErrors errors;
  auto scenario = read_scenario({.file = scenario_, .library = library_, .overrides = overrides, .with_claims = false},
                                catalog_, files_, errors);
  if (!scenario) return texts(errors);
  auto known = profiles_.find(scenario->profile);
  if (known == profiles_.end()) {
    auto profile = read_profile(scenario->profile, errors);
    if (!profile) return texts(errors);
    known =
        profiles_.emplace(scenario->profile, ReadProfile{std::move(*profile), digest_of_file(scenario->profile)}).first;
  }
  Loaded loaded{.inputs = {.scenario = std::move(*scenario), .profile = known->second.profile},
                .profile_digest = known->second.digest};
  if (auto error = transfer_where_needed(loaded.inputs.scenario, loaded.inputs.profile)) return InputErrors{*error};
  return loaded;
}

Digest InputLoader::digest() const {
  Digester digester;
  digester.add(files_.digest());
  for (const auto& [file, read] : profiles_) digester.add(read.digest);
  return digester.digest();
}

std::variant<std::string, InputErrors> describe_scenario(const ShippedFile& file) {
  ConfigErrors errors;
  const std::vector<MethodInfo> infos = method_infos();
  return described(read_scenario(file.file, infos, {}, errors), errors,
                   [](const Scenario& scenario) { return first_line(scenario.description); });
}

std::variant<std::string, InputErrors> describe_model(const ShippedFile& file) {
  ConfigErrors errors;
  return described(read_hf_config(file.file, errors), errors, model_line);
}

std::variant<std::string, InputErrors> describe_machine(const ShippedFile& file) {
  ConfigErrors errors;
  return described(read_machine(file.file, errors), errors, machine_line);
}

std::variant<std::string, InputErrors> describe_profile(const ShippedFile& file) {
  ConfigErrors errors;
  return described(read_profile(file.file, errors), errors, profile_line);
}

std::variant<std::string, InputErrors> describe_study(const ShippedFile& file) {
  ConfigErrors errors;
  return described(read_study(file.file, errors), errors,
                   [](const StudyFile& study) { return first_line(study.description); });
}

std::string schema_text(const std::string& what) {
  if (what == "scenario") return scenario_schema(method_infos());
  if (what == "machine") return machine_schema();
  CHECK(what == "profile", "there is no schema of '{}'", what);
  return profile_schema();
}

}  // namespace outrider
