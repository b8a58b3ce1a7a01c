// Typed getters, ranges and messages of the strict reader.
#include "sim/io/yaml_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace outrider {
namespace {

std::string in_range(const Range& range) {
  if (range.low == kPositive.low) return "above 0";
  if (std::isfinite(range.low) && std::isfinite(range.high)) return fmt::format("from {} to {}", range.low, range.high);
  if (std::isfinite(range.low)) return fmt::format("at least {}", range.low);
  if (std::isfinite(range.high)) return fmt::format("at most {}", range.high);
  return "";
}

std::string with_range(std::string what, const Range& range) {
  const std::string bounds = in_range(range);
  return bounds.empty() ? what : what + " " + bounds;
}

template <class T>
std::optional<T> bounded(std::optional<T> value, const Range& range) {
  if (!value || static_cast<double>(*value) < range.low || static_cast<double>(*value) > range.high)
    return std::nullopt;
  return value;
}

}  // namespace

std::string describe(const YamlNode& node) {
  if (node.kind == YamlNode::Kind::list) return "a list";
  if (node.kind == YamlNode::Kind::map) return "a mapping";
  return node.text.empty() && !node.quoted ? "nothing" : fmt::format("'{}'", node.text.substr(0, 80));
}

Section::Section(const YamlNode& node, std::string path, ReadContext& context)
    : node_(&node), path_(std::move(path)), context_(&context) {
  if (node.kind != YamlNode::Kind::map) complain_at(node, path_, "a mapping", describe(node));
}

std::string Section::path_of(std::string_view key) const {
  return path_.empty() ? std::string(key) : key.empty() ? path_ : fmt::format("{}.{}", path_, key);
}

void Section::complain_at(const YamlNode& node, const std::string& path, std::string expected, std::string got,
                          std::string suggestion) {
  const bool replaced = !node.origin.empty();
  context_->errors.add({.file = replaced ? node.origin : context_->file,
                        .line = node.line,
                        .column = node.column,
                        .path = path,
                        .expected = std::move(expected),
                        .got = std::move(got),
                        .suggestion = std::move(suggestion)});
}

void Section::complain(std::string_view key, std::string expected, std::string got, std::string suggestion) {
  const YamlNode* value = node_->find(key);
  complain_at(value != nullptr ? *value : *node_, path_of(key), std::move(expected), std::move(got),
              std::move(suggestion));
}

const YamlNode* Section::node(std::string_view key) {
  asked_.emplace(key);
  return node_->find(key);
}

bool Section::has(std::string_view key) { return node(key) != nullptr; }

const YamlNode* Section::scalar(std::string_view key, bool required, const std::string& expected) {
  const YamlNode* value = node(key);
  if (value == nullptr) {
    if (required && node_->kind == YamlNode::Kind::map)
      complain_at(*node_, path_of(key), expected, "nothing: the key is missing");
    return nullptr;
  }
  if (value->kind == YamlNode::Kind::scalar) return value;
  complain_at(*value, path_of(key), expected, describe(*value));
  return nullptr;
}

template <class T, class Parse>
std::optional<T> Section::parsed(std::string_view key, bool required, const std::string& expected, const Parse& parse) {
  const YamlNode* value = scalar(key, required, expected);
  if (value == nullptr) return std::nullopt;
  std::optional<T> result = parse(value->text);
  if (!result) complain_at(*value, path_of(key), expected, describe(*value));
  return result;
}

double Section::quantity(std::string_view key, Dimension dimension, Range range) {
  const std::string expected = fmt::format("a quantity like '{}'", example_of(dimension));
  const auto parse = [&](const std::string& text) { return bounded(parse_quantity(text, dimension), range); };
  return parsed<double>(key, true, with_range(expected, range), parse).value_or(1.0);
}

double Section::quantity_or(std::string_view key, Dimension dimension, double fallback, Range range) {
  return has(key) ? quantity(key, dimension, range) : fallback;
}

double Section::number(std::string_view key, Range range) {
  const auto parse = [&](const std::string& text) { return bounded(parse_number(text), range); };
  return parsed<double>(key, true, with_range("a number", range), parse).value_or(1.0);
}

double Section::number_or(std::string_view key, double fallback, Range range) {
  return has(key) ? number(key, range) : fallback;
}

std::int64_t Section::integer(std::string_view key, Range range) {
  const auto parse = [&](const std::string& text) { return bounded(parse_integer(text), range); };
  return parsed<std::int64_t>(key, true, with_range("an integer", range), parse).value_or(1);
}

std::int64_t Section::integer_or(std::string_view key, std::int64_t fallback, Range range) {
  return has(key) ? integer(key, range) : fallback;
}

std::int64_t Section::tokens_or(std::string_view key, std::int64_t fallback, Range range) {
  const auto parse = [&](const std::string& text) { return bounded(parse_token_count(text), range); };
  if (!has(key)) return fallback;
  return parsed<std::int64_t>(key, true, with_range("a count of tokens like 8192 or 8K", range), parse)
      .value_or(fallback);
}

bool Section::flag_or(std::string_view key, bool fallback) {
  const auto parse = [](const std::string& text) -> std::optional<bool> {
    if (text == "true") return true;
    if (text == "false") return false;
    return std::nullopt;
  };
  return parsed<bool>(key, false, "true or false", parse).value_or(fallback);
}

std::string Section::text(std::string_view key) {
  const auto parse = [](const std::string& text) { return text.empty() ? std::nullopt : std::optional(text); };
  return parsed<std::string>(key, true, "a text", parse).value_or("");
}

std::string Section::text_or(std::string_view key, std::string fallback) { return has(key) ? text(key) : fallback; }

std::string Section::choice_or(std::string_view key, std::string fallback, std::span<const std::string> choices) {
  const YamlNode* value = scalar(key, false, "a text");
  if (value == nullptr) return fallback;
  if (std::find(choices.begin(), choices.end(), value->text) != choices.end()) return value->text;
  complain_at(*value, path_of(key), fmt::format("one of {}", fmt::join(choices, ", ")), describe(*value),
              nearest_of(value->text, choices));
  return fallback;
}

std::vector<std::int64_t> Section::token_list(std::string_view key, Range range, bool required) {
  std::vector<std::int64_t> counts;
  const std::string expected = with_range("counts like 8192 or 8K, each", range);
  const YamlNode* list = node(key);
  if (list == nullptr) {
    if (required) complain(key, "a list of " + expected, "nothing: the key is missing");
    return counts;
  }
  const std::vector<YamlNode> single = {*list};
  const std::vector<YamlNode>& items = list->kind == YamlNode::Kind::list ? list->items : single;
  if (items.empty()) complain_at(*list, path_of(key), "at least one element", "an empty list");
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto count =
        items[i].kind == YamlNode::Kind::scalar ? bounded(parse_token_count(items[i].text), range) : std::nullopt;
    if (count) counts.push_back(*count);
    if (!count) complain_at(items[i], fmt::format("{}[{}]", path_of(key), i), expected, describe(items[i]));
  }
  return counts;
}

std::vector<std::string> Section::text_list(std::string_view key) {
  std::vector<std::string> texts;
  const YamlNode* list = node(key);
  if (list == nullptr) return texts;
  if (list->kind != YamlNode::Kind::list) {
    complain_at(*list, path_of(key), "a list of texts", describe(*list));
    return texts;
  }
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    const YamlNode& item = list->items[i];
    if (item.kind == YamlNode::Kind::scalar && !item.text.empty()) {
      texts.push_back(item.text);
    } else {
      complain_at(item, fmt::format("{}[{}]", path_of(key), i), "a text", describe(item));
    }
  }
  return texts;
}

std::optional<Section> Section::section(std::string_view key, bool required) {
  const YamlNode* value = node(key);
  if (value == nullptr) {
    if (required) complain(key, "a mapping", "nothing: the key is missing");
    return std::nullopt;
  }
  Section result(*value, path_of(key), *context_);
  if (value->kind != YamlNode::Kind::map) return std::nullopt;
  return result;
}

std::vector<Section> Section::sections(std::string_view key, bool required) {
  std::vector<Section> result;
  const YamlNode* list = node(key);
  if (list == nullptr || list->kind != YamlNode::Kind::list || list->items.empty()) {
    const std::string got = list == nullptr                      ? "nothing: the key is missing"
                            : list->kind == YamlNode::Kind::list ? "an empty list"
                                                                 : describe(*list);
    if (required || list != nullptr) complain(key, "a list of mappings", got);
    return result;
  }
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    Section item(list->items[i], fmt::format("{}[{}]", path_of(key), i), *context_);
    if (list->items[i].kind == YamlNode::Kind::map) result.push_back(std::move(item));
  }
  return result;
}

void Section::finish() {
  const std::vector<std::string> known(asked_.begin(), asked_.end());
  for (const auto& [key, value] : node_->members) {
    if (asked_.contains(key)) continue;
    YamlNode at_key = value;
    if (value.origin.empty()) {
      at_key.line = value.key_line;
      at_key.column = value.key_column;
    }
    complain_at(at_key, path_of(key), "a known key", fmt::format("'{}'", key), nearest_of(key, known));
  }
}

}  // namespace outrider
