// Checking of method requests against the catalog.
#include "sim/io/method_reader.h"

#include <fmt/format.h>

#include <algorithm>

namespace outrider {
namespace {

const MethodInfo* find_method(Section& item, const std::string& name, std::span<const MethodInfo> catalog) {
  std::vector<std::string> names;
  for (const MethodInfo& info : catalog) {
    if (info.name == name) return &info;
    names.push_back(info.name);
  }
  item.complain("method", fmt::format("one of {}", fmt::join(names, ", ")), "'" + name + "'", nearest_of(name, names));
  return nullptr;
}

ParamValue read_value(Section& values, const ParamSpec& spec) {
  const Range range{spec.min.value_or(Range{}.low), spec.max.value_or(Range{}.high)};
  if (std::holds_alternative<bool>(spec.fallback)) return values.flag_or(spec.name, std::get<bool>(spec.fallback));
  if (std::holds_alternative<std::int64_t>(spec.fallback))
    return values.tokens_or(spec.name, std::get<std::int64_t>(spec.fallback), range);
  if (std::holds_alternative<double>(spec.fallback)) return values.number(spec.name, range);
  return values.choice_or(spec.name, std::get<std::string>(spec.fallback), spec.choices);
}

std::map<std::string, ParamValue> read_assignments(Section& item, const MethodInfo& info) {
  std::map<std::string, ParamValue> assignments;
  std::optional<Section> values = item.section("set", false);
  if (!values) return assignments;
  for (const ParamSpec& spec : info.params) {
    if (values->has(spec.name)) assignments[spec.name] = read_value(*values, spec);
  }
  values->finish();
  return assignments;
}

std::optional<MethodRequest> read_method(Section& item, std::span<const MethodInfo> catalog) {
  const std::string name = item.text("method");
  const MethodInfo* info = name.empty() ? nullptr : find_method(item, name, catalog);
  if (info == nullptr) return std::nullopt;
  std::vector<std::string> presets;
  for (const Preset& preset : info->presets) presets.push_back(preset.name);
  MethodRequest request{.label = item.text_or("label", name),
                        .method = name,
                        .preset = item.choice_or("preset", presets.front(), presets),
                        .params = {}};
  request.params = resolve_params(*info, request.preset, read_assignments(item, *info));
  item.finish();
  return request;
}

}  // namespace

std::vector<MethodRequest> read_methods(Section& root, std::span<const MethodInfo> catalog) {
  std::vector<MethodRequest> requests;
  const YamlNode* list = root.node("methods");
  if (list == nullptr || list->kind != YamlNode::Kind::list || list->items.empty()) {
    root.complain("methods", "a list of methods",
                  list == nullptr                      ? "nothing: the key is missing"
                  : list->kind == YamlNode::Kind::list ? "an empty list"
                                                       : describe(*list));
    return requests;
  }
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    YamlNode given = list->items[i];
    if (given.kind == YamlNode::Kind::scalar) {  // a bare name
      YamlNode named = given;
      named.kind = YamlNode::Kind::map;
      named.members.emplace_back("method", given);
      given = std::move(named);
    }
    Section item(given, fmt::format("methods[{}]", i), root.context());
    if (given.kind != YamlNode::Kind::map) continue;
    std::optional<MethodRequest> request = read_method(item, catalog);
    if (!request) continue;
    const bool taken = std::any_of(requests.begin(), requests.end(),
                                   [&](const MethodRequest& other) { return other.label == request->label; });
    if (taken) item.complain("label", "a label of its own", "a duplicate '" + request->label + "'");
    requests.push_back(std::move(*request));
  }
  return requests;
}

}  // namespace outrider
