// Checking of method requests against the catalog.
#include "sim/io/method_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <type_traits>

#include "sim/base/check.h"

namespace outrider {
namespace {

std::string default_of(const ParamSpec& spec) {
  if (const auto* layers = std::get_if<LayerList>(&spec.fallback)) return fmt::format("[{}]", fmt::join(*layers, ", "));
  const auto shown = [](const auto& value) -> std::string {
    if constexpr (!std::is_same_v<std::decay_t<decltype(value)>, LayerList>) return fmt::format("{}", value);
    return {};
  };
  return std::visit(shown, spec.fallback);
}

ParamValue read_value(Section& values, const ParamSpec& spec, std::size_t layers) {
  const std::string meaning = fmt::format("{}; by default {}", spec.meaning, default_of(spec));
  const Key key(spec.name, meaning);
  const Range range{spec.min.value_or(Range{}.low), spec.max.value_or(Range{}.high)};
  if (const bool* flag = std::get_if<bool>(&spec.fallback)) return values.flag_or(key, *flag);
  if (const double* number = std::get_if<double>(&spec.fallback)) return values.number_or(key, *number, range);
  if (const std::int64_t* count = std::get_if<std::int64_t>(&spec.fallback)) {
    const bool of_tokens = spec.name.find("tokens") != std::string::npos;
    return of_tokens ? values.tokens_or(key, *count, range) : values.integer_or(key, *count, range);
  }
  if (const auto* list = std::get_if<LayerList>(&spec.fallback)) {
    const double last = layers > 0 ? static_cast<double>(layers) - 1.0 : Range{}.high;
    return values.numbers_or(key, *list, {0.0, last});
  }
  const std::string& text = std::get<std::string>(spec.fallback);
  return spec.choices.empty() ? values.text_or(key, text) : values.choice_or(key, text, spec.choices);
}

// What is written of the parameters, and, where all of it could be read, what of it does not go together.
std::map<std::string, ParamValue> read_assignments(Section& values, const MethodInfo& info, std::string_view preset,
                                                   std::size_t layers) {
  std::map<std::string, ParamValue> assignments;
  std::set<std::string> written;
  const std::size_t before = values.context().errors.size();
  for (const ParamSpec& spec : info.params) {
    if (!values.has(spec.name)) continue;
    assignments[spec.name] = read_value(values, spec, layers);
    written.insert(spec.name);
  }
  values.finish();
  if (values.recording() || info.conflicts == nullptr || values.context().errors.size() != before) return assignments;
  for (const ParamConflict& each : info.conflicts(resolve_params(info, preset, assignments), written))
    values.complain(each.param, each.expected, each.got);
  return assignments;
}

MethodRequest read_request(Section& item, const MethodInfo& info, const std::string& label, std::size_t layers) {
  std::vector<std::string> presets;
  for (const Preset& preset : info.presets) presets.push_back(preset.name);
  CHECK(!presets.empty(), "the catalog's method '{}' has no preset", info.name);
  MethodRequest request{
      .label = label, .method = info.name, .preset = presets.front(), .params = {}, .runs = info.runs};
  std::map<std::string, ParamValue> assignments;
  if (info.composed) {
    const Key knobs("compose", "a method from knobs, in place of one by name");
    if (auto values = item.section(knobs, true)) assignments = read_assignments(*values, info, request.preset, layers);
  } else {
    const Key preset("preset", "published settings; the first by default");
    const std::string named = item.choice_or(preset, presets.front(), presets);
    if (!named.empty()) request.preset = named;  // else misspelt, as reported
    if (auto values = item.section({"set", "parameters, on top of the preset's"}, false))
      assignments = read_assignments(*values, info, request.preset, layers);
  }
  request.params = resolve_params(info, request.preset, assignments);
  item.finish();
  return request;
}

const MethodInfo* find_method(const std::string& name, std::span<const MethodInfo> catalog) {
  const auto found =
      std::find_if(catalog.begin(), catalog.end(), [&](const MethodInfo& info) { return info.name == name; });
  return found == catalog.end() ? nullptr : &*found;
}

void record_methods(std::vector<Section> items, std::span<const MethodInfo> catalog,
                    std::span<const std::string> names) {
  for (std::size_t i = 0; i < catalog.size(); ++i) {
    if (catalog[i].composed) {
      items[i].name({"label", "names its rows"});
    } else {
      items[i].choice({"method", catalog[i].summary}, names.subspan(i, 1));
      items[i].name_or({"label", "names its rows; the method's name by default"}, "");
    }
    read_request(items[i], catalog[i], "", 0);
  }
}

// What the item asks for; null, with the reason reported, where that is no method.
const MethodInfo* method_of(Section& item, std::span<const MethodInfo> catalog, std::span<const std::string> names) {
  const bool composes = item.self().find("compose") != nullptr;
  if (!composes) return find_method(item.choice({"method", "one by name, or compose"}, names), catalog);
  if (item.has("method")) item.complain("method", "either method or compose", "both");
  const auto composed =
      std::find_if(catalog.begin(), catalog.end(), [](const MethodInfo& each) { return each.composed; });
  return composed == catalog.end() ? nullptr : &*composed;
}

std::string label_of(Section& item, const MethodInfo* info) {
  if (info != nullptr && info->composed) return item.name({"label", "names its rows"});
  const YamlNode* written = item.node("method");  // a misspelt method still names its rows, for claims and workloads
  return item.name_or("label", info == nullptr && written != nullptr ? written->text
                               : info == nullptr                     ? ""
                                                                     : info->name);
}

}  // namespace

MethodList read_methods(Section& root, std::span<const MethodInfo> catalog, std::size_t layers) {
  MethodList list;
  std::vector<std::string> names;
  for (const MethodInfo& info : catalog) {
    if (!info.composed) names.push_back(info.name);
  }
  const Key key("methods", "the systems to compare");
  if (root.recording()) {
    record_methods(root.named_sections(key, "method", names, catalog.size()), catalog, names);
    return list;
  }
  for (Section& item : root.named_sections(key, "method", names, catalog.size())) {
    const MethodInfo* info = method_of(item, catalog, names);
    const std::string label = label_of(item, info);
    if (info != nullptr) list.requests.push_back(read_request(item, *info, label, layers));
    const bool taken = !label.empty() && std::find(list.labels.begin(), list.labels.end(), label) != list.labels.end();
    if (taken) item.complain("label", "a label of its own", "'" + label + "' again");
    list.labels.push_back(label);
  }
  return list;
}

}  // namespace outrider
