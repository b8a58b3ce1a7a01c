// Reading of scenarios: names lead to files, methods are checked against the catalog, claims against labels and
// workloads.
#include "sim/io/scenario_reader.h"

#include <fmt/format.h>

#include "sim/io/claims_reader.h"
#include "sim/io/hf_config.h"
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
  void read_claims_into(Section& root, const MethodList& methods, Scenario& scenario);

  const ScenarioFiles& files_;
  std::span<const MethodInfo> catalog_;
  std::span<const ScenarioOverride> overrides_;
};

std::optional<fs::path> Reader::resolve(Section& root, Key key, const std::string& name, Shelf shelf) {
  if (name.empty() || root.recording()) return std::nullopt;
  std::optional<fs::path> found = files_.find(shelf, name);
  if (found) return found;
  const std::vector<std::string> names = files_.names(shelf);
  const std::string expected = names.empty() ? "a path, as no shipped ones were found"
                                             : fmt::format("a path, or one of {}", fmt::join(names, ", "));
  root.complain(key.name, expected, "'" + shortened(name) + "'", nearest_of(name, names));
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
  for (const ScenarioOverride& each : overrides_) {
    if (is_for_machine(each))
      assign(*tree, {each.path.substr(kMachinePrefix.size()), each.value, origin_of(each)}, errors);
  }
  return read_machine(*tree, path->string(), errors);
}

void Reader::read_machine_into(Section& root, Scenario& scenario) {
  std::optional<MachineSpec> machine;
  const bool is_inline = root.holds("machine", YamlNode::Kind::map);
  if (!is_inline || root.recording()) machine = read_named_machine(root);
  if (is_inline) machine = read_machine(*root.section("machine", true));
  if (machine) scenario.machine = std::move(*machine);
}

void Reader::read_profile(Section& root, Scenario& scenario) {
  const Key key(
      "profile",
      "efficiencies and costs: a shipped profile, data/<machine>, or a path; by default what was fitted on the "
      "machine, where it is shipped, else assumptions");
  const std::string fitted = "data/" + scenario.machine.name;
  const std::string usual = files_.find(Shelf::profiles, fitted) ? fitted : "assumed";
  if (const auto path = resolve(root, key, root.text_or(key, usual), Shelf::profiles))
    scenario.profile = path->string();
  scenario.transfer_profile =
      root.flag_or({"transfer_profile", "allow a profile that was fitted on another machine; false by default"}, false);
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
  const MethodList methods = read_methods(root, catalog_);
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
