// Reading of scenarios: names lead to files, methods are checked against the catalog, claims against labels and
// workloads.
#include "sim/io/scenario_reader.h"

#include <fmt/format.h>

#include "sim/io/claims_reader.h"
#include "sim/io/machine_changes.h"
#include "sim/io/machine_reader.h"
#include "sim/io/method_reader.h"
#include "sim/io/scenario_files.h"
#include "sim/io/workload_reader.h"
#include "sim/io/yaml_reader.h"

namespace outrider {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMachinePrefix = "machine.", kClaimsPrefix = "claims.";

bool is_for_machine(const ScenarioOverride& each) { return each.path.starts_with(kMachinePrefix); }
bool is_for_claims(const ScenarioOverride& each) {
  return each.path.starts_with(kClaimsPrefix) || each.path.starts_with("claims[");
}

std::string origin_of(const ScenarioOverride& each) {
  return each.origin.empty() ? "--set " + shortened(each.path) : each.origin;
}

class Reader {
 public:
  Reader(const ScenarioFiles& files, std::span<const MethodInfo> catalog, std::span<const ScenarioOverride> overrides,
         InputFiles& inputs)
      : files_(files), catalog_(catalog), overrides_(overrides), inputs_(inputs) {}

  Scenario read(Section& root);

 private:
  std::optional<fs::path> resolve(Section& root, Key key, const std::string& name, Shelf shelf);
  void read_model(Section& root, Scenario& scenario);
  void read_machine_into(Section& root, Scenario& scenario);
  std::optional<MachineSpec> read_named_machine(Section& root);
  void read_profile(Section& root, Scenario& scenario);
  std::optional<fs::path> profile_beside_machine() const;
  const YamlNode* namesake(const Scenario& scenario) const;
  void read_claims_into(Section& root, const MethodList& methods, Scenario& scenario);

  const ScenarioFiles& files_;
  std::span<const MethodInfo> catalog_;
  std::span<const ScenarioOverride> overrides_;
  InputFiles& inputs_;
  // The machine's text as it is read, and its file as it was before overrides; no file where it is written inline.
  std::optional<YamlNode> machine_;
  const YamlNode* unchanged_machine_ = nullptr;
  fs::path machine_file_;
};

// Where a relative path of the key's value starts: at the scenario, or, of an override, where the command was given.
fs::path base_of(Section& root, Key key, const ScenarioFiles& files) {
  const YamlNode* value = root.node(key.name);
  const bool overridden = value != nullptr && !value->origin.empty();
  return overridden ? fs::path() : files.folder();
}

// The machine file, where it is one and has that name.
const YamlNode* machine_called(const std::string& name, const fs::path& file, InputFiles& inputs) {
  const YamlNode* tree = inputs.yaml_if_any(file);
  const YamlNode* own = tree != nullptr ? tree->find("name") : nullptr;
  return own != nullptr && own->text == name ? tree : nullptr;
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
  const ModelSpec* model = inputs_.model(*path, root.context().errors);
  if (model == nullptr) return;
  scenario.model = *model;
  scenario.model_digest = inputs_.digest_of(*path);
}

std::optional<MachineSpec> Reader::read_named_machine(Section& root) {
  const Key key("machine", "a shipped machine, the path of a machine file, or a machine");
  const auto path = resolve(root, key, root.text(key), Shelf::machines);
  if (!path) return std::nullopt;
  ConfigErrors& errors = root.context().errors;
  unchanged_machine_ = inputs_.yaml(*path, errors);
  if (unchanged_machine_ == nullptr) return std::nullopt;
  machine_file_ = *path;
  machine_ = *unchanged_machine_;
  for (const ScenarioOverride& each : overrides_) {
    if (is_for_machine(each))
      assign(*machine_, {each.path.substr(kMachinePrefix.size()), each.value, origin_of(each)}, errors);
  }
  return read_machine(*machine_, path->string(), errors);
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
const YamlNode* Reader::namesake(const Scenario& scenario) const {
  const std::string& name = scenario.machine.name;
  const fs::path measured = fs::path(scenario.profile).parent_path() / "machine.yaml";
  if (const YamlNode* tree = machine_called(name, measured, inputs_)) return tree;
  const YamlNode* shipped = machine_called(name, files_.library() / "machines" / (name + ".yaml"), inputs_);
  return shipped != nullptr ? shipped : unchanged_machine_;
}

void Reader::read_claims_into(Section& root, const MethodList& methods, Scenario& scenario) {
  ClaimNames names{.labels = methods.labels, .workloads = {}};
  for (const Workload& workload : scenario.workloads) names.workloads.push_back(workload.name);
  const Key key("claims", "published figures to show beside the prediction: a list, or the path of a file with one");
  if (root.holds(key.name, YamlNode::Kind::list)) scenario.claims = read_claims(root, key, names);
  if (root.holds(key.name, YamlNode::Kind::list) && !root.recording()) return;
  const auto path = resolve(root, key, root.text_or(key, ""), Shelf::claims);
  if (!path) return;
  const YamlNode* file_tree = inputs_.yaml(*path, root.context().errors);
  if (file_tree == nullptr) return;
  YamlNode tree = *file_tree;
  for (const ScenarioOverride& each : overrides_) {
    if (is_for_claims(each)) assign(tree, {each.path, each.value, origin_of(each)}, root.context().errors);
  }
  ReadContext context{path->string(), root.context().errors};
  Section file(tree, "", context);
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
  const YamlNode* original = namesake(scenario);
  if (machine_ && original != nullptr) scenario.machine_changes = machine_changes(*machine_, *original);
  if (machine_) scenario.machine_digest = digest_of(flow_text(*machine_));
  const MethodList methods = read_methods(root, catalog_, scenario.model.layers.size());
  scenario.methods = methods.requests;
  scenario.workloads = read_workloads(root, methods);
  scenario.locality = read_locality(root, files_.library() / "localities" / "published.yaml", inputs_);
  scenario.seed = root.seed_or({"seed", "of all random choices; 1 by default"}, 1);
  read_claims_into(root, methods, scenario);
  root.finish();
  return scenario;
}

// Those into the scenario's own text; the machine's and the claims' may follow once their files are read.
void apply(std::span<const ScenarioOverride> overrides, YamlNode& tree, ConfigErrors& errors) {
  const YamlNode* claims = tree.find("claims");
  const bool claims_in_file = claims != nullptr && claims->kind == YamlNode::Kind::scalar;
  for (const ScenarioOverride& each : overrides) {
    if (!is_for_machine(each) && !(claims_in_file && is_for_claims(each)))
      assign(tree, {each.path, each.value, origin_of(each)}, errors);
  }
  const YamlNode* machine = tree.find("machine");
  if (machine == nullptr || machine->kind != YamlNode::Kind::map) return;
  for (const ScenarioOverride& each : overrides) {
    if (is_for_machine(each)) assign(tree, {each.path, each.value, origin_of(each)}, errors);
  }
}

}  // namespace

std::optional<Scenario> read_scenario(const ScenarioRequest& request, std::span<const MethodInfo> catalog,
                                      InputFiles& inputs, ConfigErrors& errors) {
  const std::size_t before = errors.size();
  const YamlNode* file = inputs.yaml(request.file, errors);
  if (file == nullptr) return std::nullopt;
  YamlNode tree = *file;
  if (!request.with_claims) std::erase_if(tree.members, [](const auto& member) { return member.first == "claims"; });
  apply(request.overrides, tree, errors);
  ReadContext context{request.file.string(), errors};
  Section root(tree, "", context);
  if (tree.kind != YamlNode::Kind::map) return std::nullopt;
  const ScenarioFiles files(request.file, request.library);
  Scenario scenario = Reader(files, catalog, request.overrides, inputs).read(root);
  if (errors.size() != before) return std::nullopt;
  return scenario;
}

std::optional<Scenario> read_scenario(const ScenarioRequest& request, std::span<const MethodInfo> catalog,
                                      ConfigErrors& errors) {
  InputFiles inputs;
  return read_scenario(request, catalog, inputs, errors);
}

std::optional<Scenario> read_scenario(const std::filesystem::path& file, std::span<const MethodInfo> catalog,
                                      const std::vector<ScenarioOverride>& overrides, ConfigErrors& errors) {
  return read_scenario({.file = file, .overrides = overrides}, catalog, errors);
}

YamlShape scenario_shape(std::span<const MethodInfo> catalog) {
  return Section::record([&](Section root) {
    const ScenarioFiles files("", "");
    InputFiles inputs;
    Reader(files, catalog, {}, inputs).read(root);
  });
}

}  // namespace outrider
