// `outrider list`: methods and knobs from their tables, everything else from the shipped files.
#include <fmt/format.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "sim/base/check.h"
#include "sim/cli/commands.h"
#include "sim/cli/format.h"
#include "sim/cli/inputs.h"
#include "sim/cli/report_json.h"
#include "sim/methods/method.h"

namespace outrider {
namespace {

using Json = nlohmann::ordered_json;

std::string value_text(const ParamValue& value) {
  if (const bool* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const double* number = std::get_if<double>(&value)) return exact(*number);
  if (const std::int64_t* integer = std::get_if<std::int64_t>(&value)) return fmt::format("{}", *integer);
  if (const auto* layers = std::get_if<LayerList>(&value)) return fmt::format("[{}]", fmt::join(*layers, ", "));
  return std::get<std::string>(value);
}

Json value_json(const ParamValue& value) {
  return std::visit([](const auto& held) { return Json(held); }, value);
}

std::string_view type_name(const ParamValue& value) {
  constexpr std::array<std::string_view, 5> kNames = {"flag", "integer", "number", "text", "layers"};
  return kNames[value.index()];
}

std::string range_text(const ParamSpec& spec) {
  if (!spec.choices.empty()) return join(spec.choices, " | ");
  if (std::holds_alternative<bool>(spec.fallback)) return "true | false";
  if (std::holds_alternative<LayerList>(spec.fallback)) return "layers from 0";
  if (spec.min && spec.max) return fmt::format("{} to {}", exact(*spec.min), exact(*spec.max));
  if (spec.min) return fmt::format("≥ {}", exact(*spec.min));
  if (spec.max) return fmt::format("≤ {}", exact(*spec.max));
  return "any";
}

Json method_json(const MethodInfo& info) {
  Json json = {{"name", info.name}, {"summary", info.summary}, {"source", info.source}};
  json["presets"] = Json::array();
  for (const Preset& preset : info.presets) {
    Json overrides = Json::object();
    for (const auto& [name, value] : preset.overrides) overrides[name] = value_json(value);
    json["presets"].push_back({{"name", preset.name}, {"meaning", preset.meaning}, {"overrides", overrides}});
  }
  json["params"] = Json::array();
  for (const ParamSpec& spec : info.params) {
    json["params"].push_back({{"name", spec.name},
                              {"type", type_name(spec.fallback)},
                              {"default", value_json(spec.fallback)},
                              {"min", spec.min ? Json(*spec.min) : Json(nullptr)},
                              {"max", spec.max ? Json(*spec.max) : Json(nullptr)},
                              {"choices", spec.choices},
                              {"meaning", spec.meaning},
                              {"certainty", spec.certainty}});
  }
  return json;
}

std::string presets_text(const MethodInfo& info) {
  std::vector<std::string> names;
  for (const Preset& preset : info.presets) names.push_back(preset.name);
  return join(names, ", ");
}

std::string preset_details(const Preset& preset) {
  std::vector<std::string> overrides;
  for (const auto& [name, value] : preset.overrides) overrides.push_back(name + " = " + value_text(value));
  return fmt::format("  preset {}: {}{}\n", preset.name, preset.meaning,
                     overrides.empty() ? "" : " (" + join(overrides, ", ") + ")");
}

std::string method_details(const MethodInfo& info, TableLook look) {
  std::string result = styled(info.name, Style::bold, look.colour) + ": " + info.summary + "\n";
  if (!info.source.empty()) result += "  source: " + info.source + "\n";
  for (const Preset& preset : info.presets) result += preset_details(preset);
  if (info.params.empty()) return result;
  Table table({{"parameter"}, {"default"}, {"range"}, {"sure"}, {"meaning"}});
  for (const ParamSpec& spec : info.params) {
    table.add_row({spec.name, value_text(spec.fallback), range_text(spec), spec.certainty, spec.meaning});
  }
  look.indent = "  ";
  return result + table.render(look);
}

std::vector<MethodInfo> systems() {
  std::vector<MethodInfo> infos;
  for (const MethodEntry& entry : methods()) infos.push_back(entry.info);
  return infos;
}

std::string methods_text(const ListRequest& request, const TableLook& look) {
  if (request.verbose) {
    std::string result;
    for (const MethodInfo& info : systems()) result += (result.empty() ? "" : "\n") + method_details(info, look);
    return result +
           "\nsure: P read in the source, S from a secondary source, I inferred, R recalled, ours: our choice\n";
  }
  Table table({{"method"}, {"presets (the first is the default)"}, {"what it is"}});
  for (const MethodInfo& info : systems()) table.add_row({info.name, presets_text(info), info.summary});
  return table.render(look) + "\nOne of your own, without C++: `compose` in a scenario; see `outrider list knobs`.\n";
}

int list_methods(const ListRequest& request, const Console& console) {
  if (request.names) {
    for (const MethodInfo& info : systems()) console.out(info.name + "\n");
  } else if (request.json) {
    Json json = Json::array();
    for (const MethodInfo& info : systems()) json.push_back(method_json(info));
    console.out(json_text(json));
  } else {
    console.out(methods_text(request, look_of(console, request.no_colour)));
  }
  return kDone;
}

// What a scenario's `compose` may hold.
int list_knobs(const ListRequest& request, const Console& console) {
  const MethodEntry* composed = method_named("composed");
  CHECK(composed != nullptr, "the method behind compose has no name");
  if (request.json) {
    console.out(json_text(method_json(composed->info)["params"]));
    return kDone;
  }
  Table table({{"knob"}, {"default"}, {"range"}, {"meaning"}});
  for (const ParamSpec& spec : composed->info.params) {
    if (request.names) console.out(spec.name + "\n");
    table.add_row({spec.name, value_text(spec.fallback), range_text(spec), spec.meaning});
  }
  if (!request.names) console.out(table.render(look_of(console, request.no_colour)));
  return kDone;
}

using Describe = std::variant<std::string, InputErrors> (*)(const ShippedFile& file);

struct Shelf {
  std::vector<ShippedFile> files;
  Describe describe;
};

Shelf shelf_of(const std::string& what, const Library& library) {
  if (what == "scenarios") return {library.scenarios(), describe_scenario};
  if (what == "models") return {library.models(), describe_model};
  if (what == "machines") return {library.machines(), describe_machine};
  if (what == "studies") return {library.studies(), describe_study};
  CHECK(what == "profiles", "there is no list of '{}'", what);
  return {library.profiles(), describe_profile};
}

// Files that cannot be read are reported on the error stream and left out of the list.
int list_files(const ListRequest& request, const Shelf& shelf, const Console& console) {
  int code = kDone;
  Json json = Json::array();
  Table table({{request.what}, {"what it is"}});
  for (const ShippedFile& file : shelf.files) {
    const auto line = shelf.describe(file);
    if (const auto* errors = std::get_if<InputErrors>(&line)) {
      code = report_wrong_input(*errors, console);
      continue;
    }
    const auto& text = std::get<std::string>(line);
    json.push_back({{"name", file.name}, {"line", text}, {"file", file.file.string()}});
    table.add_row({file.name, text});
  }
  if (request.json) {
    console.out(json_text(json));
  } else if (!table.empty()) {
    console.out(table.render(look_of(console, request.no_colour)));
  }
  return code;
}

}  // namespace

int list_command(const ListRequest& request, const Console& console) {
  if (request.what == "methods") return list_methods(request, console);
  if (request.what == "knobs") return list_knobs(request, console);
  const FoundLibrary found = open_library(console);
  if (!found.errors.empty()) return report_wrong_input(found.errors, console);
  if (!found.library) {
    return report_wrong_input({"no folder scenarios/ above the program or the current folder; set OUTRIDER_HOME"},
                              console);
  }
  const Shelf shelf = shelf_of(request.what, *found.library);
  if (!request.names) return list_files(request, shelf, console);
  for (const ShippedFile& file : shelf.files) console.out(file.name + "\n");
  return kDone;
}

}  // namespace outrider
