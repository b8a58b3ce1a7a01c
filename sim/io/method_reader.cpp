// Checking of method requests against the catalog.
#include "sim/io/method_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/base/check.h"

namespace outrider {
namespace {

std::string default_of(const ParamSpec& spec) {
  const auto shown = [](const auto& value) { return fmt::format("{}", value); };
  return std::visit(shown, spec.fallback);
}

ParamValue read_value(Section& values, const ParamSpec& spec) {
  const std::string meaning = fmt::format("{}; by default {}", spec.meaning, default_of(spec));
  const Key key(spec.name, meaning);
  const Range range{spec.min.value_or(Range{}.low), spec.max.value_or(Range{}.high)};
  if (const bool* flag = std::get_if<bool>(&spec.fallback)) return values.flag_or(key, *flag);
  if (const double* number = std::get_if<double>(&spec.fallback)) return values.number_or(key, *number, range);
  if (const std::int64_t* count = std::get_if<std::int64_t>(&spec.fallback)) {
    const bool of_tokens = spec.name.find("tokens") != std::string::npos;
    return of_tokens ? values.tokens_or(key, *count, range) : values.integer_or(key, *count, range);
  }
  const std::string& text = std::get<std::string>(spec.fallback);
  return spec.choices.empty() ? values.text_or(key, text) : values.choice_or(key, text, spec.choices);
}

std::map<std::string, ParamValue> read_assignments(Section& item, const MethodInfo& info) {
  std::map<std::string, ParamValue> assignments;
  std::optional<Section> values = item.section({"set", "parameters, on top of the preset's"}, false);
  if (!values) return assignments;
  for (const ParamSpec& spec : info.params) {
    if (values->has(spec.name)) assignments[spec.name] = read_value(*values, spec);
  }
  values->finish();
  return assignments;
}

MethodRequest read_request(Section& item, const MethodInfo& info, const std::string& label) {
  std::vector<std::string> presets;
  for (const Preset& preset : info.presets) presets.push_back(preset.name);
  CHECK(!presets.empty(), "the catalog's method '{}' has no preset", info.name);
  MethodRequest request{
      .label = label,
      .method = info.name,
      .preset = item.choice_or({"preset", "published settings; the first by default"}, presets.front(), presets),
      .params = {}};
  if (request.preset.empty()) request.preset = presets.front();  // misspelt, as reported
  request.params = resolve_params(info, request.preset, read_assignments(item, info));
  item.finish();
  return request;
}

const MethodInfo* find_method(const std::string& name, std::span<const MethodInfo> catalog) {
  const auto found =
      std::find_if(catalog.begin(), catalog.end(), [&](const MethodInfo& info) { return info.name == name; });
  return found == catalog.end() ? nullptr : &*found;
}

void record_methods(std::vector<Section> items, std::span<const MethodInfo> catalog) {
  for (std::size_t i = 0; i < catalog.size(); ++i) {
    const std::vector<std::string> only = {catalog[i].name};
    items[i].choice({"method", catalog[i].summary}, only);
    items[i].name_or({"label", "names its rows; the method's name by default"}, "");
    read_request(items[i], catalog[i], "");
  }
}

}  // namespace

MethodList read_methods(Section& root, std::span<const MethodInfo> catalog) {
  MethodList list;
  std::vector<std::string> names;
  for (const MethodInfo& info : catalog) names.push_back(info.name);
  std::vector<Section> items = root.named_sections({"methods", "the systems to compare"}, "method", names);
  if (root.recording()) {
    record_methods(std::move(items), catalog);
    return list;
  }
  for (Section& item : items) {
    const std::string name = item.choice("method", names);
    const YamlNode* written = item.node("method");  // a misspelt method still names its rows, for claims and workloads
    const std::string label = item.name_or("label", name.empty() && written != nullptr ? written->text : name);
    const MethodInfo* info = find_method(name, catalog);
    if (info != nullptr) list.requests.push_back(read_request(item, *info, label));
    const bool taken = !label.empty() && std::find(list.labels.begin(), list.labels.end(), label) != list.labels.end();
    if (taken) item.complain("label", "a label of its own", "'" + label + "' again");
    list.labels.push_back(label);
  }
  return list;
}

}  // namespace outrider
