// Strict reading of profiles.
#include "hwmodels/profile_reader.h"

#include <fmt/format.h>

#include "hwmodels/coefficients.h"
#include "sim/io/yaml_reader.h"

namespace outrider {
namespace {

ProfileKind kind_named(const std::string& name) {
  for (const ProfileKind kind : {ProfileKind::assumed, ProfileKind::fitted, ProfileKind::transferred}) {
    if (to_string(kind) == name) return kind;
  }
  return ProfileKind::assumed;
}

Coefficient read_coefficient(Section item) {
  Coefficient coefficient{.value = item.number("value", kNotNegative),
                          .low = item.number("low", kNotNegative),
                          .high = item.number("high", kNotNegative),
                          .source = item.text("source")};
  item.finish();
  if (coefficient.value < coefficient.low || coefficient.value > coefficient.high) {
    item.complain("value", fmt::format("a value from low {} to high {}", coefficient.low, coefficient.high),
                  fmt::format("{}", coefficient.value));
  }
  return coefficient;
}

}  // namespace

std::optional<Profile> read_profile(const std::filesystem::path& file, ConfigErrors& errors) {
  const std::size_t before = errors.size();
  const std::optional<YamlNode> tree = load_yaml(file, errors);
  if (!tree) return std::nullopt;
  ReadContext context{file.string(), errors};
  Section root(*tree, "", context);
  const std::vector<std::string> kinds = {"assumed", "fitted", "transferred"};
  Profile profile;
  profile.name = root.text("name");
  profile.file = file.string();
  profile.kind = kind_named(root.choice_or("kind", "assumed", kinds));
  profile.machine = root.text_or("machine", "");
  profile.note = root.text_or("note", "");
  if (auto section = root.section("coefficients", true)) {
    for (const CoefficientInfo& info : coefficient_table()) {
      if (auto item = section->section(info.name, true))
        profile.coefficients.emplace(info.name, read_coefficient(std::move(*item)));
    }
    section->finish();
  }
  root.finish();
  if (errors.size() != before) return std::nullopt;
  return profile;
}

std::string profile_schema() {
  std::string properties, required;
  for (const CoefficientInfo& info : coefficient_table()) {
    const std::string figure = R"({"type": "number", "minimum": 0})";
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
