// Reading of scenarios: names are resolved, methods checked against the catalog, claims against labels and workloads.
#include "sim/io/scenario_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/io/claims_reader.h"
#include "sim/io/hf_config.h"
#include "sim/io/machine_reader.h"
#include "sim/io/method_reader.h"
#include "sim/io/yaml_reader.h"

namespace outrider {
namespace {

namespace fs = std::filesystem;

// The folder that holds models/ and machines/, at or above the scenario; the scenario's own where there is none.
fs::path library_of(const fs::path& file) {
  std::error_code ignored;
  const fs::path start = fs::absolute(file, ignored).parent_path();
  for (fs::path folder = start;; folder = folder.parent_path()) {
    for (const fs::path& candidate : {folder, folder / "scenarios"}) {
      if (fs::is_directory(candidate / "models", ignored) && fs::is_directory(candidate / "machines", ignored))
        return candidate;
    }
    if (folder == folder.parent_path()) return start;
  }
}

struct Shelf {
  fs::path folder;
  std::string extension;
};

std::vector<std::string> names_on(const Shelf& shelf) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(shelf.folder, ignored)) {
    if (entry.path().extension() == shelf.extension) names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

class Reader {
 public:
  Reader(const fs::path& file, std::span<const MethodInfo> catalog, ConfigErrors& errors)
      : file_(file), library_(library_of(file)), catalog_(catalog), errors_(errors), context_{file.string(), errors} {}

  std::optional<Scenario> read(YamlNode tree, const std::vector<ScenarioOverride>& overrides);

 private:
  std::optional<fs::path> resolve(Section& root, const char* key, const std::string& fallback, const Shelf& shelf);
  void read_model(Section& root, Scenario& scenario);
  void read_machine_into(Section& root, const std::vector<ScenarioOverride>& overrides, Scenario& scenario);
  void read_workloads(Section& root, Scenario& scenario);
  Workload read_workload(Section& item, const Scenario& scenario);
  Locality read_locality(Section& root);
  void read_claims(Section& root, Scenario& scenario);

  fs::path file_, library_;
  std::span<const MethodInfo> catalog_;
  ConfigErrors& errors_;
  ReadContext context_;
};

// A shipped name or a path relative to the scenario.
std::optional<fs::path> Reader::resolve(Section& root, const char* key, const std::string& fallback,
                                        const Shelf& shelf) {
  const std::string name = fallback.empty() ? root.text(key) : root.text_or(key, fallback);
  if (name.empty()) return std::nullopt;
  std::error_code ignored;
  const fs::path shipped = shelf.folder / (name + shelf.extension);
  if (name.find('/') == std::string::npos && fs::exists(shipped, ignored)) return shipped;
  const fs::path given = file_.parent_path() / name;
  if (fs::exists(given, ignored)) return given;
  const std::vector<std::string> names = names_on(shelf);
  root.complain(key, fmt::format("a path, or one of {}", fmt::join(names, ", ")), "'" + name + "'",
                nearest_of(name, names));
  return std::nullopt;
}

void Reader::read_model(Section& root, Scenario& scenario) {
  const auto path = resolve(root, "model", "", {library_ / "models", ".json"});
  if (!path) return;
  if (auto model = read_hf_config(*path, errors_)) scenario.model = std::move(*model);
}

void Reader::read_machine_into(Section& root, const std::vector<ScenarioOverride>& overrides, Scenario& scenario) {
  const YamlNode* node = root.node("machine");
  std::optional<YamlNode> tree;
  std::string file = file_.string();
  if (node != nullptr && node->kind == YamlNode::Kind::map) {
    tree = *node;
  } else if (const auto path = resolve(root, "machine", "", {library_ / "machines", ".yaml"})) {
    file = path->string();
    tree = load_yaml(*path, errors_);
  }
  if (!tree) return;
  constexpr std::string_view kPrefix = "machine.";
  for (const ScenarioOverride& each : overrides) {
    if (each.path.starts_with(kPrefix)) assign(*tree, each.path.substr(kPrefix.size()), each.value, errors_);
  }
  if (auto machine = read_machine(*tree, file, errors_)) scenario.machine = std::move(*machine);
}

Workload Reader::read_workload(Section& item, const Scenario& scenario) {
  Workload workload;
  workload.name = item.text("name");
  workload.contexts = item.token_list("contexts", {1.0, 1e8}, true);
  workload.batches = item.token_list("batches", {1.0, 65536.0}, false);
  workload.max_batch = item.integer_or("max_batch", workload.max_batch, {1.0, 65536.0});
  workload.decode_steps = item.integer_or("decode_steps", workload.decode_steps, {1.0, 1e6});
  workload.warmup_steps = item.integer_or("warmup_steps", workload.warmup_steps, {0.0, 1e6});
  workload.prefill = item.flag_or("prefill", workload.prefill);
  workload.methods = item.text_list("methods");
  std::vector<std::string> labels;
  for (const MethodRequest& request : scenario.methods) labels.push_back(request.label);
  for (const std::string& label : workload.methods) {
    if (std::find(labels.begin(), labels.end(), label) == labels.end()) {
      item.complain("methods", fmt::format("labels among {}", fmt::join(labels, ", ")), "'" + label + "'",
                    nearest_of(label, labels));
    }
  }
  item.finish();
  return workload;
}

void Reader::read_workloads(Section& root, Scenario& scenario) {
  for (Section& item : root.sections("workloads", true)) {
    Workload workload = read_workload(item, scenario);
    for (const Workload& other : scenario.workloads) {
      if (other.name == workload.name)
        item.complain("name", "a name of its own", "a duplicate '" + workload.name + "'");
    }
    for (const MethodRequest& request : scenario.methods) {
      const auto block = request.params.values().find("block_tokens");
      if (block == request.params.values().end()) continue;
      const std::int64_t tokens = std::get<std::int64_t>(block->second);
      for (const std::int64_t context : workload.contexts) {
        if (context < tokens)
          item.complain("contexts", fmt::format("at least one block of {} tokens ({})", tokens, request.label),
                        fmt::format("{}", context));
      }
    }
    scenario.workloads.push_back(std::move(workload));
  }
}

Locality locality_from(Section& item, std::string name) {
  Locality locality{.preset = std::move(name)};
  locality.step_correlation = item.number("step_correlation", {0.0, 0.999999999});
  locality.static_share = item.number_or("static_share", 0.0, {0.0, 0.999});
  locality.layer_spread = item.number_or("layer_spread", 0.0, {0.0, 3.0});
  return locality;
}

Locality Reader::read_locality(Section& root) {
  const YamlNode* node = root.node("locality");
  if (node != nullptr && node->kind == YamlNode::Kind::map) {
    Section item = *root.section("locality", true);
    Locality locality = locality_from(item, "custom");
    item.finish();
    return locality;
  }
  const std::string wanted = root.text_or("locality", "scout");
  const std::string file = (library_ / "localities" / "published.yaml").string();
  const std::optional<YamlNode> tree = load_yaml(file, errors_);
  if (!tree) return {};
  ReadContext context{file, errors_};
  Section presets(*tree, "", context);
  std::vector<std::string> names;
  for (Section& item : presets.sections("localities", true)) {
    names.push_back(item.text("name"));
    Locality locality = locality_from(item, names.back());
    item.text("source");
    item.finish();
    if (names.back() == wanted) return locality;
  }
  presets.finish();
  root.complain("locality", fmt::format("a mapping, or one of {}", fmt::join(names, ", ")), "'" + wanted + "'",
                nearest_of(wanted, names));
  return {};
}

void Reader::read_claims(Section& root, Scenario& scenario) {
  const YamlNode* node = root.node("claims");
  if (node == nullptr) return;
  if (node->kind != YamlNode::Kind::scalar) {
    for (Section& item : root.sections("claims", true)) scenario.claims.push_back(read_claim(item, scenario));
    return;
  }
  const std::string file = (file_.parent_path() / node->text).string();
  const std::optional<YamlNode> tree = load_yaml(file, errors_);
  if (!tree) return;
  ReadContext context{file, errors_};
  Section claims(*tree, "", context);
  for (Section& item : claims.sections("claims", true)) scenario.claims.push_back(read_claim(item, scenario));
  claims.finish();
}

std::optional<Scenario> Reader::read(YamlNode tree, const std::vector<ScenarioOverride>& overrides) {
  const std::size_t before = errors_.size();
  for (const ScenarioOverride& each : overrides) {
    if (!each.path.starts_with("machine.")) assign(tree, each.path, each.value, errors_);
  }
  Section root(tree, "", context_);
  Scenario scenario;
  scenario.source_file = file_.string();
  scenario.name = root.text("name");
  scenario.description = root.text_or("description", "");
  scenario.seed = static_cast<std::uint64_t>(root.integer_or("seed", 1, {0.0, 9e15}));
  read_model(root, scenario);
  read_machine_into(root, overrides, scenario);
  if (const auto path = resolve(root, "profile", "assumed", {library_ / "profiles", ".yaml"}))
    scenario.profile = path->string();
  scenario.methods = read_methods(root, catalog_);
  read_workloads(root, scenario);
  scenario.locality = read_locality(root);
  read_claims(root, scenario);
  root.finish();
  if (errors_.size() != before) return std::nullopt;
  return scenario;
}

}  // namespace

std::optional<Scenario> read_scenario(const std::filesystem::path& file, std::span<const MethodInfo> catalog,
                                      const std::vector<ScenarioOverride>& overrides, ConfigErrors& errors) {
  std::optional<YamlNode> tree = load_yaml(file, errors);
  if (!tree) return std::nullopt;
  return Reader(file, catalog, errors).read(std::move(*tree), overrides);
}

}  // namespace outrider
