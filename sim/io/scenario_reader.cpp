// Reading of scenarios: names lead to files, methods are checked against the catalog, claims against labels and
// workloads.
#include "sim/io/scenario_reader.h"

#include <fmt/format.h>

#include "sim/io/claims_reader.h"
#include "sim/io/hf_config.h"
#include "sim/io/machine_changes.h"
#include "sim/io/machine_reader.h"
#include "sim/io/method_reader.h"
#include "sim/io/scenario_files.h"
#include "sim/io/workload_reader.h"
#include "sim/io/yaml_reader.h"

namespace outrider {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMachinePrefix = "machine.";

bool is_for_machine(const ScenarioOverride& each) { return each.path.starts_with(kMachinePrefix); }

std::string origin_of(const ScenarioOverride& each) { return "--set " + shortened(each.path); }

class Reader {
 public:
  Reader(const ScenarioFiles& files, std::span<const MethodInfo> catalog, std::span<const ScenarioOverride> overrides)
      : files_(files), catalog_(catalog), overrides_(overrides) {}

  Scenario read(Section& root);

 private:
  std::optional<fs::path> resolve(Section& root, Key key, const std::string& name, Shelf shelf);
  void read_model(Section& root, Scenario& scenario);
  void read_machine_into(Section& root, Scenario& scenario);
  std::optional<MachineSpec> read_named_machine(Section& root);
  void read_profile(Section& root, Scenario& scenario);
  std::optional<fs::path> profile_beside_machine() const;
  std::optional<YamlNode> namesake(const Scenario& scenario) const;
  void read_claims_into(Section& root, const MethodList& methods, Scenario& scenario);

  const ScenarioFiles& files_;
  std::span<const MethodInfo> catalog_;
  std::span<const ScenarioOverride> overrides_;
  // The machine's text as it is read, and its file as it was before overrides; no file where it is written inline.
  std::optional<YamlNode> machine_, unchanged_machine_;
  fs::path machine_file_;
};

// Where a relative path of the key's value starts: at the scenario, or, of an override, where the command was given.
fs::path base_of(Section& root, Key key, const ScenarioFiles& files) {
  const YamlNode* value = root.node(key.name);
  const bool overridden = value != nullptr && !value->origin.empty();
  return overridden ? fs::path() : files.folder();
}

// The machine file, where it is one and has that name.
std::optional<YamlNode> machine_called(const std::string& name, const fs::path& file) {
  std::error_code ignored;
  ConfigErrors unheard;
  if (!fs::is_regular_file(file, ignored)) return std::nullopt;
  std::optional<YamlNode> tree = load_yaml(file, unheard);
  const YamlNode* own = tree ? tree->find("name") : nullptr;
  return own != nullptr && own->text == name ? tree : std::nullopt;
}

std::optional<fs::path> Reader::resolve(Section& root, Key key, const std::string& name, Shelf shelf) {
  if (name.empty() || root.recording()) return std::nullopt;
  const fs::path base = base_of(root, key, files_);
  std::optional<fs::path> found = files_.find(shelf, name, base);
  if (found) return found;
  const std::vector<std::string> names = files_.names(shelf);
  const std::string expected = names.empty() ? "a path, as no shipped ones were found"
                                             : fmt::format("a path, or one of {}", fmt::join(names, ", "));
  const std::optional<fs::path> meant = ScenarioFiles::path_meant(shelf, name, base);
  const std::string nowhere = meant ? fmt::format(" (no such file: {})", meant->string()) : std::string();
  root.complain(key.name, expected, fmt::format("'{}'{}", shortened(name), nowhere), nearest_of(name, names));
  return std::nullopt;
}

void Reader::read_model(Section& root, Scenario& scenario) {
  const Key key("model", "a shipped model, or the path of a Hugging Face config.json or its folder");
  const auto path = resolve(root, key, root.text(key), Shelf::models);
  if (!path) return;
  if (auto model = read_hf_config(*path, root.context().errors)) scenario.model = std::move(*model);
}

std::optional<MachineSpec> Reader::read_named_machine(Section& root) {
  const Key key("machine", "a shipped machine, the path of a machine file, or a machine");
  const auto path = resolve(root, key, root.text(key), Shelf::machines);
  if (!path) return std::nullopt;
  ConfigErrors& errors = root.context().errors;
  std::optional<YamlNode> tree = load_yaml(*path, errors);
  if (!tree) return std::nullopt;
  machine_file_ = *path;
  unchanged_machine_ = *tree;
  for (const ScenarioOverride& each : overrides_) {
    if (is_for_machine(each))
      assign(*tree, {each.path.substr(kMachinePrefix.size()), each.value, origin_of(each)}, errors);
  }
  machine_ = *tree;
  return read_machine(*tree, path->string(), errors);
}

void Reader::read_machine_into(Section& root, Scenario& scenario) {
  std::optional<MachineSpec> machine;
  const bool is_inline = root.holds("machine", YamlNode::Kind::map);
  if (!is_inline || root.recording()) machine = read_named_machine(root);
  if (is_inline) machine = read_machine(*root.section("machine", true));
  if (is_inline && !root.recording()) machine_ = *root.node("machine");
  if (machine) scenario.machine = std::move(*machine);
}

// Of a machine given by path: what calibration wrote into one folder belongs together.
std::optional<fs::path> Reader::profile_beside_machine() const {
  std::error_code ignored;
  const fs::path folder = machine_file_.parent_path();
  const bool by_path = !machine_file_.empty() && folder != files_.library() / "machines";
  const fs::path profile = folder / "profile.yaml";
  return by_path && fs::is_regular_file(profile, ignored) ? std::optional(profile) : std::nullopt;
}

void Reader::read_profile(Section& root, Scenario& scenario) {
  const Key key(
      "profile",
      "efficiencies and costs: a shipped profile, data/<machine>, or a path; by default the profile.yaml beside a "
      "machine file given by path, else what was fitted on the machine, where it is shipped, else assumptions");
  const std::optional<fs::path> beside = profile_beside_machine();
  const std::string fitted = "data/" + scenario.machine.name;
  const std::string usual = files_.find(Shelf::profiles, fitted) ? fitted : "assumed";
  const std::string named = root.text_or(key, "");
  scenario.profile_beside_machine = named.empty() && beside.has_value();
  if (scenario.profile_beside_machine) {
    scenario.profile = beside->string();
  } else if (const auto path = resolve(root, key, named.empty() ? usual : named, Shelf::profiles)) {
    scenario.profile = path->string();
  }
  scenario.transfer_profile =
      root.flag_or({"transfer_profile", "allow a profile that was fitted on another machine; false by default"}, false);
}

// The machine that the name stands for: beside the profile, else shipped, else its own file before overrides.
std::optional<YamlNode> Reader::namesake(const Scenario& scenario) const {
  const std::string& name = scenario.machine.name;
  if (auto measured = machine_called(name, fs::path(scenario.profile).parent_path() / "machine.yaml")) return measured;
  if (auto shipped = machine_called(name, files_.library() / "machines" / (name + ".yaml"))) return shipped;
  return unchanged_machine_;
}

void Reader::read_claims_into(Section& root, const MethodList& methods, Scenario& scenario) {
  ClaimNames names{.labels = methods.labels, .workloads = {}};
  for (const Workload& workload : scenario.workloads) names.workloads.push_back(workload.name);
  const Key key("claims", "published figures to show beside the prediction: a list, or the path of a file with one");
  if (root.holds(key.name, YamlNode::Kind::list)) scenario.claims = read_claims(root, key, names);
  if (root.holds(key.name, YamlNode::Kind::list) && !root.recording()) return;
  const auto path = resolve(root, key, root.text_or(key, ""), Shelf::claims);
  if (!path) return;
  const std::optional<YamlNode> tree = load_yaml(*path, root.context().errors);
  if (!tree) return;
  ReadContext context{path->string(), root.context().errors};
  Section file(*tree, "", context);
  scenario.claims = read_claims(file, "claims", names);
  file.finish();
}

Scenario Reader::read(Section& root) {
  Scenario scenario;
  scenario.source_file = root.context().file;
  scenario.name = root.text("name");
  scenario.description = root.text_or("description", "");
  read_model(root, scenario);
  read_machine_into(root, scenario);
  read_profile(root, scenario);
  const std::optional<YamlNode> original = namesake(scenario);
  if (machine_ && original) scenario.machine_changes = machine_changes(*machine_, *original);
  const MethodList methods = read_methods(root, catalog_, scenario.model.layers.size());
  scenario.methods = methods.requests;
  scenario.workloads = read_workloads(root, methods);
  scenario.locality = read_locality(root, files_.library() / "localities" / "published.yaml");
  scenario.seed = root.seed_or({"seed", "of all random choices; 1 by default"}, 1);
  read_claims_into(root, methods, scenario);
  root.finish();
  return scenario;
}

// Those into the scenario's own text; the machine's may follow once its file is read.
void apply(std::span<const ScenarioOverride> overrides, YamlNode& tree, ConfigErrors& errors) {
  for (const ScenarioOverride& each : overrides) {
    if (!is_for_machine(each)) assign(tree, {each.path, each.value, origin_of(each)}, errors);
  }
  const YamlNode* machine = tree.find("machine");
  if (machine == nullptr || machine->kind != YamlNode::Kind::map) return;
  for (const ScenarioOverride& each : overrides) {
    if (is_for_machine(each)) assign(tree, {each.path, each.value, origin_of(each)}, errors);
  }
}

}  // namespace

std::optional<Scenario> read_scenario(const ScenarioRequest& request, std::span<const MethodInfo> catalog,
                                      ConfigErrors& errors) {
  const std::size_t before = errors.size();
  std::optional<YamlNode> tree = load_yaml(request.file, errors);
  if (!tree) return std::nullopt;
  apply(request.overrides, *tree, errors);
  ReadContext context{request.file.string(), errors};
  Section root(*tree, "", context);
  if (tree->kind != YamlNode::Kind::map) return std::nullopt;
  const ScenarioFiles files(request.file, request.library);
  Scenario scenario = Reader(files, catalog, request.overrides).read(root);
  if (errors.size() != before) return std::nullopt;
  return scenario;
}

std::optional<Scenario> read_scenario(const std::filesystem::path& file, std::span<const MethodInfo> catalog,
                                      const std::vector<ScenarioOverride>& overrides, ConfigErrors& errors) {
  return read_scenario({.file = file, .overrides = overrides}, catalog, errors);
}

YamlShape scenario_shape(std::span<const MethodInfo> catalog) {
  return Section::record([&](Section root) {
    const ScenarioFiles files("", "");
    Reader(files, catalog, {}).read(root);
  });
}

}  // namespace outrider
