// Wording of expectations, and their JSON schemas.
#include "sim/io/yaml_shape.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace outrider {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kDecimal = R"((0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?)";

std::string with_range(std::string what, const Range& range) {
  if (range.low == kPositive.low) return what + " above 0";
  if (std::isfinite(range.low) && std::isfinite(range.high))
    return fmt::format("{} from {} to {}", what, range.low, range.high);
  if (std::isfinite(range.low)) return fmt::format("{} of at least {}", what, range.low);
  if (std::isfinite(range.high)) return fmt::format("{} of at most {}", what, range.high);
  return what;
}

// Integers without ".0" and exponents, as an editor would show them.
Json number_of(double value) {
  const bool whole = value == std::floor(value) && std::abs(value) < 9e15;
  return whole ? Json(static_cast<std::int64_t>(value)) : Json(value);
}

void add_range(Json& json, const Range& range) {
  if (range.low == kPositive.low) {
    json["exclusiveMinimum"] = 0;
  } else if (std::isfinite(range.low)) {
    json["minimum"] = number_of(range.low);
  }
  if (std::isfinite(range.high)) json["maximum"] = number_of(range.high);
}

Json to_json(const YamlShape& shape);

void add_members(Json& json, const YamlShape& shape) {
  json["additionalProperties"] = false;
  Json required = Json::array();
  Json properties = Json::object();
  for (const YamlShape::Member& member : shape.members) {
    if (member.required) required.push_back(member.name);
    properties[member.name] = to_json(*member.shape);
  }
  if (!required.empty()) json["required"] = std::move(required);
  json["properties"] = std::move(properties);
}

Json to_json(const YamlShape& shape) {
  Json json = Json::object();
  if (!shape.meaning.empty()) json["description"] = shape.meaning;
  if (!shape.alternatives.empty()) {
    for (const auto& alternative : shape.alternatives) json["anyOf"].push_back(to_json(*alternative));
    return json;
  }
  if (shape.types.size() == 1) json["type"] = shape.types.front();
  if (shape.types.size() > 1) json["type"] = shape.types;
  if (!shape.choices.empty()) json["enum"] = shape.choices;
  if (!shape.pattern.empty()) json["pattern"] = shape.pattern;
  add_range(json, shape.range);
  if (shape.items != nullptr) {
    if (shape.least_items > 0) json["minItems"] = shape.least_items;
    json["items"] = to_json(*shape.items);
  }
  if (std::count(shape.types.begin(), shape.types.end(), "object") > 0) add_members(json, shape);
  return json;
}

bool is_blank(const YamlShape& shape) { return shape.types.empty() && shape.alternatives.empty(); }

bool same_kind(const YamlShape& a, const YamlShape& b) {
  return a.types == b.types && a.expected == b.expected && a.choices == b.choices;
}

}  // namespace

YamlShape& YamlShape::member(std::string_view name, bool required) {
  for (Member& each : members) {
    if (each.name != name) continue;
    each.required = each.required && required;
    return *each.shape;
  }
  members.push_back({std::string(name), required, std::make_unique<YamlShape>()});
  return *members.back().shape;
}

YamlShape& YamlShape::allow(YamlShape shape) {
  if (is_blank(*this)) {
    const std::string said = meaning;
    *this = std::move(shape);
    if (meaning.empty()) meaning = said;
    return *this;
  }
  if (alternatives.empty()) {
    if (same_kind(*this, shape)) return *this;
    auto first = std::make_unique<YamlShape>(std::move(*this));
    *this = YamlShape();
    meaning = std::exchange(first->meaning, {});
    alternatives.push_back(std::move(first));
  }
  alternatives.push_back(std::make_unique<YamlShape>(std::move(shape)));
  return *alternatives.back();
}

YamlShape text_shape() { return {.types = {"string", "number", "boolean"}, .expected = "a text"}; }

YamlShape name_shape() {
  return {.types = {"string"},
          .expected = "a name of letters, digits and . _ + -, a letter first",
          .pattern = "^[A-Za-z][A-Za-z0-9._+-]*$"};
}

YamlShape flag_shape() { return {.types = {"boolean"}, .expected = "true or false"}; }

YamlShape integer_shape(Range range) {
  return {.types = {"integer"}, .expected = with_range("an integer", range), .range = range};
}

YamlShape number_shape(Range range) {
  return {.types = {"number"}, .expected = with_range("a number", range), .range = range};
}

YamlShape token_count_shape(Range range) {
  return {.types = {"integer", "string"},
          .expected = with_range("a count like 8192 or 8K", range),
          .pattern = range.low > 0.0 ? "^[1-9][0-9]*[KM]$" : "^-?(0|[1-9][0-9]*)[KM]$",
          .range = range};
}

YamlShape quantity_shape(Dimension dimension, Range range) {
  const std::string sign = range.low < 0.0 ? "-?" : "";
  return {.types = {"string"},
          .expected = with_range(fmt::format("a quantity like '{}'", example_of(dimension)), range),
          .pattern = fmt::format("^{}{} ({})$", sign, kDecimal, fmt::join(unit_names(dimension), "|"))};
}

YamlShape choice_shape(std::vector<std::string> choices) {
  std::string expected = fmt::format("{}{}", choices.size() == 1 ? "" : "one of ", fmt::join(choices, ", "));
  return {.types = {"string"}, .expected = std::move(expected), .choices = std::move(choices)};
}

YamlShape list_shape(std::string expected) {
  return {.types = {"array"}, .expected = std::move(expected), .items = std::make_unique<YamlShape>()};
}

YamlShape section_shape() { return {.types = {"object"}, .expected = "a mapping"}; }

std::string json_schema(const YamlShape& shape, std::string_view title) {
  Json json = {{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", title}};
  json.update(to_json(shape));
  return json.dump(2) + "\n";
}

}  // namespace outrider
