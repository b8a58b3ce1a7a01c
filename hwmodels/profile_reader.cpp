// Reading and checking of profiles against the table of coefficients.
#include "hwmodels/profile_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "hwmodels/coefficients.h"
#include "sim/io/yaml_reader.h"

namespace outrider {
namespace {

constexpr std::array kKinds = {ProfileKind::assumed, ProfileKind::fitted, ProfileKind::transferred};

ProfileKind read_kind(Section& root) {
  std::vector<std::string> names;
  for (const ProfileKind kind : kKinds) names.emplace_back(to_string(kind));
  if (!root.has("kind")) root.complain("kind", "assumed, fitted or transferred", "nothing: the key is missing");
  const std::string name = root.choice_or("kind", names.front(), names);
  return kKinds[static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin())];
}

double read_figure(Section& section, const char* key, const CoefficientInfo& info) {
  const Range range{info.low, info.high};
  return info.dimension ? section.quantity(key, *info.dimension, range) : section.number(key, range);
}

Coefficient read_coefficient(Section section, const CoefficientInfo& info) {
  Coefficient coefficient;
  const std::size_t before = section.context().errors.size();
  coefficient.value = read_figure(section, "value", info);
  coefficient.low = read_figure(section, "low", info);
  coefficient.high = read_figure(section, "high", info);
  coefficient.source = section.text("source");
  section.finish();
  const bool ordered = coefficient.low <= coefficient.value && coefficient.value <= coefficient.high;
  if (!ordered && section.context().errors.size() == before) {
    section.complain("value", "low <= value <= high",
                     fmt::format("{} outside of [{}, {}]", coefficient.value, coefficient.low, coefficient.high));
  }
  return coefficient;
}

void read_coefficients(Section section, Profile& profile) {
  for (const CoefficientInfo& info : coefficient_table()) {
    if (auto figure = section.section(info.name, true)) {
      profile.coefficients.emplace(std::string(info.name), read_coefficient(std::move(*figure), info));
    }
  }
  section.finish();
}

// The patterns mirror parse_quantity: a plain number, one blank, a unit.
std::string figure_schema(const CoefficientInfo& info) {
  if (!info.dimension) return fmt::format(R"({{"type": "number", "minimum": {}, "maximum": {}}})", info.low, info.high);
  return fmt::format(R"({{"type": "string", "examples": ["{}"]}})", example_of(*info.dimension));
}

}  // namespace

std::optional<Profile> read_profile(const YamlNode& tree, const std::string& file, ConfigErrors& errors) {
  const std::size_t before = errors.size();
  ReadContext context{file, errors};
  Section root(tree, "", context);
  Profile profile;
  profile.file = file;
  profile.name = root.text("name");
  profile.kind = read_kind(root);
  profile.machine = root.text_or("machine", "");
  profile.note = root.text_or("note", "");
  if (profile.kind != ProfileKind::assumed && profile.machine.empty()) {
    root.complain("machine", "the machine that the profile was fitted on", "nothing");
  }
  if (auto coefficients = root.section("coefficients", true)) read_coefficients(std::move(*coefficients), profile);
  root.finish();
  if (errors.size() != before) return std::nullopt;
  return profile;
}

std::optional<Profile> read_profile(const std::filesystem::path& file, ConfigErrors& errors) {
  const std::optional<YamlNode> tree = load_yaml(file, errors);
  if (!tree) return std::nullopt;
  return read_profile(*tree, file.string(), errors);
}

std::string profile_schema() {
  std::string properties, required;
  for (const CoefficientInfo& info : coefficient_table()) {
    const std::string figure = figure_schema(info);
    properties += fmt::format(
        R"({}
        "{}": {{"type": "object", "description": "{}", "additionalProperties": false,
          "required": ["value", "low", "high", "source"],
          "properties": {{"value": {}, "low": {}, "high": {}, "source": {{"type": "string"}}}}}})",
        properties.empty() ? "" : ",", info.name, info.meaning, figure, figure, figure);
    required += fmt::format("{}\"{}\"", required.empty() ? "" : ", ", info.name);
  }
  return fmt::format(R"({{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "Outrider profile",
  "type": "object",
  "additionalProperties": false,
  "required": ["name", "kind", "coefficients"],
  "properties": {{
    "name": {{"type": "string"}},
    "kind": {{"enum": ["assumed", "fitted", "transferred"]}},
    "machine": {{"type": "string", "description": "the machine it was fitted on"}},
    "note": {{"type": "string"}},
    "coefficients": {{
      "type": "object",
      "additionalProperties": false,
      "required": [{}],
      "properties": {{{}
      }}
    }}
  }}
}}
)",
                     required, properties);
}

}  // namespace outrider
