// Typed getters and their messages.
#include "sim/io/yaml_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace outrider {
namespace {

using Kind = YamlNode::Kind;

template <class T>
std::optional<T> bounded(std::optional<T> value, const Range& range) {
  if (value && !range.contains(static_cast<double>(*value))) return std::nullopt;
  return value;
}

std::optional<double> number_in(const YamlNode& node, const Range& range) {
  return node.quoted ? std::nullopt : bounded(parse_number(node.text), range);
}

std::optional<std::int64_t> integer_in(const YamlNode& node, const Range& range) {
  return node.quoted ? std::nullopt : bounded(parse_integer(node.text), range);
}

// "8K" is a text to YAML, 8192 is not.
std::optional<std::int64_t> tokens_in(const YamlNode& node, const Range& range) {
  if (node.quoted && parse_integer(node.text)) return std::nullopt;
  return bounded(parse_token_count(node.text), range);
}

std::optional<std::uint64_t> seed_in(const YamlNode& node) {
  const char* const end = node.text.data() + node.text.size();
  std::uint64_t seed = 0;
  const auto [stop, failed] = std::from_chars(node.text.data(), end, seed);
  const bool plain = !node.quoted && failed == std::errc() && stop == end;
  return plain && (node.text == "0" || node.text[0] != '0') ? std::optional(seed) : std::nullopt;
}

std::optional<bool> flag_in(const YamlNode& node) {
  if (node.quoted || (node.text != "true" && node.text != "false")) return std::nullopt;
  return node.text == "true";
}

std::optional<std::string> text_in(const YamlNode& node) {
  return node.kind != Kind::scalar || node.text.empty() ? std::nullopt : std::optional(node.text);
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Matches the pattern of name_shape.
std::optional<std::string> name_in(const YamlNode& node) {
  const auto allowed = [](char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || std::string_view("._+-").find(c) != std::string_view::npos;
  };
  const bool good =
      !node.text.empty() && is_letter(node.text[0]) && std::all_of(node.text.begin(), node.text.end(), allowed);
  return good ? std::optional(node.text) : std::nullopt;
}

// Of a quoted number, whose quotes are what is wrong.
std::string describe_value(const YamlNode& node) {
  const bool looks_plain = node.quoted && (parse_number(node.text) || node.text == "true" || node.text == "false");
  return looks_plain ? fmt::format("the quoted text \"{}\"", node.text) : describe(node);
}

}  // namespace

std::string describe(const YamlNode& node) {
  if (node.kind == Kind::list) return node.items.empty() ? "an empty list" : "a list";
  if (node.kind == Kind::map) return "a mapping";
  return node.text.empty() ? (node.quoted ? "an empty text" : "nothing") : fmt::format("'{}'", shortened(node.text));
}

Section::Section(const YamlNode& node, std::string path, ReadContext& context)
    : node_(&node), path_(std::move(path)), context_(&context) {
  if (node.kind != Kind::map) complain_at(node, path_, "a mapping", describe(node));
}

YamlShape Section::record(const std::function<void(Section)>& read) {
  const YamlNode nothing{.kind = Kind::map};
  ConfigErrors none;
  ReadContext context{"", none};
  YamlShape shape = section_shape();
  read(Section(nothing, context, shape));
  return shape;
}

std::string Section::path_of(std::string_view key) const {
  return path_.empty() ? shortened(key) : key.empty() ? path_ : fmt::format("{}.{}", path_, shortened(key));
}

void Section::complain_at(const YamlNode& node, const std::string& path, std::string expected, std::string got,
                          std::string suggestion) {
  if (recording()) return;
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
  if (unread_.contains(key)) return;
  const YamlNode* value = node_->find(key);
  complain_at(value != nullptr ? *value : *node_, path_of(key), std::move(expected), std::move(got),
              std::move(suggestion));
}

// At the key that holds the section, which is where one would look for what is missing.
void Section::complain_missing(std::string_view key, std::string expected) {
  if (node_->kind != Kind::map) return;  // said already
  YamlNode place{.line = node_->line, .column = node_->column, .origin = node_->origin};
  if (node_->key_line > 0) {
    place.line = node_->key_line;
    place.column = node_->key_column;
  }
  complain_at(place, path_of(key), std::move(expected), "nothing: the key is missing");
}

const YamlNode* Section::node(std::string_view key) {
  asked_.emplace(key);
  return node_->find(key);
}

bool Section::has(std::string_view key) { return node(key) != nullptr || recording(); }

bool Section::holds(std::string_view key, Kind kind) {
  const YamlNode* value = node_->find(key);
  return recording() || (value != nullptr && value->kind == kind);
}

YamlShape& Section::note(Key key, bool required, YamlShape shape) {
  YamlShape& place = shape_->member(key.name, required);
  if (!key.meaning.empty()) place.meaning = key.meaning;
  return place.allow(std::move(shape));
}

const YamlNode* Section::wanted(Key key, bool required, YamlShape shape, Kind kind) {
  const YamlNode* value = node(key.name);
  if (recording()) {
    note(key, required, std::move(shape));
  } else if (value == nullptr) {
    if (required) complain_missing(key.name, shape.expected);
  } else if (value->kind != kind || (kind == Kind::list && value->items.size() < shape.least_items)) {
    complain_at(*value, path_of(key.name), shape.expected, describe(*value));
    unread_.emplace(key.name);
  } else {
    return value;
  }
  return nullptr;
}

template <class T, class Parse>
std::optional<T> Section::parsed(Key key, bool required, YamlShape shape, const Parse& parse) {
  const std::string expected = shape.expected;
  const std::vector<std::string> choices = shape.choices;
  const YamlNode* value = wanted(key, required, std::move(shape), Kind::scalar);
  if (value == nullptr) return std::nullopt;
  std::optional<T> result = parse(*value);
  if (!result) {
    complain_at(*value, path_of(key.name), expected, describe_value(*value), nearest_of(value->text, choices));
    unread_.emplace(key.name);
  }
  return result;
}

double Section::quantity(Key key, Dimension dimension, Range range) {
  const auto parse = [&](const YamlNode& node) { return bounded(parse_quantity(node.text, dimension), range); };
  return parsed<double>(key, true, quantity_shape(dimension, range), parse).value_or(1.0);
}

double Section::quantity_or(Key key, Dimension dimension, double fallback, Range range) {
  const auto parse = [&](const YamlNode& node) { return bounded(parse_quantity(node.text, dimension), range); };
  return parsed<double>(key, false, quantity_shape(dimension, range), parse).value_or(fallback);
}

double Section::number(Key key, Range range) {
  const auto parse = [&](const YamlNode& node) { return number_in(node, range); };
  return parsed<double>(key, true, number_shape(range), parse).value_or(1.0);
}

double Section::number_or(Key key, double fallback, Range range) {
  const auto parse = [&](const YamlNode& node) { return number_in(node, range); };
  return parsed<double>(key, false, number_shape(range), parse).value_or(fallback);
}

std::int64_t Section::integer(Key key, Range range) {
  const auto parse = [&](const YamlNode& node) { return integer_in(node, range); };
  return parsed<std::int64_t>(key, true, integer_shape(range), parse).value_or(1);
}

std::int64_t Section::integer_or(Key key, std::int64_t fallback, Range range) {
  const auto parse = [&](const YamlNode& node) { return integer_in(node, range); };
  return parsed<std::int64_t>(key, false, integer_shape(range), parse).value_or(fallback);
}

std::int64_t Section::tokens_or(Key key, std::int64_t fallback, Range range) {
  const auto parse = [&](const YamlNode& node) { return tokens_in(node, range); };
  return parsed<std::int64_t>(key, false, token_count_shape(range), parse).value_or(fallback);
}

std::uint64_t Section::seed_or(Key key, std::uint64_t fallback) {
  YamlShape shape = integer_shape(kNotNegative);
  shape.expected = "a whole number from 0 to 2^64 - 1";
  return parsed<std::uint64_t>(key, false, std::move(shape), seed_in).value_or(fallback);
}

bool Section::flag_or(Key key, bool fallback) {
  return parsed<bool>(key, false, flag_shape(), flag_in).value_or(fallback);
}

std::string Section::text(Key key) { return parsed<std::string>(key, true, text_shape(), text_in).value_or(""); }

std::string Section::text_or(Key key, std::string fallback) {
  return parsed<std::string>(key, false, text_shape(), text_in).value_or(std::move(fallback));
}

std::string Section::name(Key key) { return parsed<std::string>(key, true, name_shape(), name_in).value_or(""); }

std::string Section::name_or(Key key, std::string fallback) {
  return parsed<std::string>(key, false, name_shape(), name_in).value_or(std::move(fallback));
}

std::string Section::choice(Key key, std::span<const std::string> choices) {
  const auto parse = [&](const YamlNode& node) -> std::optional<std::string> {
    return std::find(choices.begin(), choices.end(), node.text) == choices.end() ? std::nullopt
                                                                                 : std::optional(node.text);
  };
  return parsed<std::string>(key, true, choice_shape({choices.begin(), choices.end()}), parse).value_or("");
}

std::string Section::choice_or(Key key, std::string fallback, std::span<const std::string> choices) {
  if (!recording() && node(key.name) == nullptr) return fallback;
  if (!recording()) return choice(key, choices);
  note(key, false, choice_shape({choices.begin(), choices.end()}));
  return fallback;
}

template <class Parse>
std::vector<std::int64_t> Section::counts(Key key, bool required, const YamlShape& one, const Parse& parse) {
  std::vector<std::int64_t> result;
  const YamlNode* value = node(key.name);
  const std::string expected = fmt::format("{}, or a list of such", one.expected);
  if (value == nullptr) {
    if (required) complain_missing(key.name, expected);
    return result;
  }
  const bool is_list = value->kind == Kind::list;
  const std::span<const YamlNode> items =
      is_list ? std::span<const YamlNode>(value->items) : std::span<const YamlNode>(value, 1);
  if (items.empty()) complain_at(*value, path_of(key.name), expected, describe(*value));
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::string path = is_list ? fmt::format("{}[{}]", path_of(key.name), i) : path_of(key.name);
    const std::optional<std::int64_t> count = items[i].kind == Kind::scalar ? parse(items[i]) : std::nullopt;
    if (count) result.push_back(*count);
    if (!count) complain_at(items[i], path, is_list ? one.expected : expected, describe_value(items[i]));
  }
  return result;
}

std::vector<std::int64_t> Section::token_list(Key key, Range range, bool required) {
  if (recording()) {
    note(key, required, token_count_shape(range));
    note(key, required, list_shape("")).items->allow(token_count_shape(range));
  }
  return counts(key, required && !recording(), token_count_shape(range),
                [&](const YamlNode& item) { return tokens_in(item, range); });
}

std::vector<std::int64_t> Section::integer_list(Key key, Range range, bool required) {
  if (recording()) {
    note(key, required, integer_shape(range));
    note(key, required, list_shape("")).items->allow(integer_shape(range));
  }
  return counts(key, required && !recording(), integer_shape(range),
                [&](const YamlNode& item) { return integer_in(item, range); });
}

std::vector<std::int64_t> Section::numbers_or(Key key, std::vector<std::int64_t> fallback, Range range) {
  YamlShape shape = list_shape("a list of numbers, which may be empty");
  shape.least_items = 0;
  shape.items->allow(integer_shape(range));
  const YamlNode* list = wanted(key, false, std::move(shape), Kind::list);
  if (list == nullptr) return fallback;
  std::vector<std::int64_t> result;
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    const YamlNode& item = list->items[i];
    const std::optional<std::int64_t> number = item.kind == Kind::scalar ? integer_in(item, range) : std::nullopt;
    if (number) result.push_back(*number);
    if (!number)
      complain_at(item, fmt::format("{}[{}]", path_of(key.name), i), integer_shape(range).expected,
                  describe_value(item));
  }
  return result;
}

std::vector<std::string> Section::text_list(Key key) {
  std::vector<std::string> texts;
  YamlShape shape = list_shape("a list of texts");
  shape.items->allow(text_shape());
  const YamlNode* list = wanted(key, false, std::move(shape), Kind::list);
  for (std::size_t i = 0; list != nullptr && i < list->items.size(); ++i) {
    const YamlNode& item = list->items[i];
    const std::optional<std::string> text = text_in(item);
    if (text) texts.push_back(*text);
    if (!text) complain_at(item, fmt::format("{}[{}]", path_of(key.name), i), "a text", describe(item));
  }
  return texts;
}

std::optional<Section> Section::section(Key key, bool required) {
  if (recording()) return Section(*node_, *context_, note(key, required, section_shape()));
  const YamlNode* value = wanted(key, required, section_shape(), Kind::map);
  if (value == nullptr) return std::nullopt;
  return Section(*value, path_of(key.name), *context_);
}

Section Section::element(const YamlNode& item, std::string_view key, std::size_t index) {
  return Section(item, fmt::format("{}[{}]", path_of(key), index), *context_);
}

std::vector<Section> Section::sections(Key key, bool required) {
  std::vector<Section> result;
  if (recording()) {
    YamlShape& list = note(key, required, list_shape(""));
    result.push_back(Section(*node_, *context_, list.items->allow(section_shape())));
    return result;
  }
  const YamlNode* list = wanted(key, required, list_shape("a list of mappings"), Kind::list);
  for (std::size_t i = 0; list != nullptr && i < list->items.size(); ++i) {
    Section item = element(list->items[i], key.name, i);
    if (list->items[i].kind == Kind::map) result.push_back(std::move(item));
  }
  return result;
}

std::vector<Section> Section::named_sections(Key key, std::string_view name_key, std::span<const std::string> names,
                                             std::size_t kinds) {
  std::vector<Section> result;
  if (recording()) {
    YamlShape& items = *note(key, true, list_shape("")).items;
    items.allow(choice_shape({names.begin(), names.end()}));
    for (std::size_t i = 0; i < kinds; ++i) result.push_back(Section(*node_, *context_, items.allow(section_shape())));
    return result;
  }
  const YamlNode* list = wanted(key, true, list_shape("a list of names or mappings"), Kind::list);
  for (std::size_t i = 0; list != nullptr && i < list->items.size(); ++i) {
    const YamlNode* item = &list->items[i];
    if (item->kind == Kind::scalar && !item->text.empty()) {
      context_->made.push_back({.kind = Kind::map, .line = item->line, .column = item->column, .origin = item->origin});
      context_->made.back().members.emplace_back(name_key, *item);
      item = &context_->made.back();
    }
    Section section = element(*item, key.name, i);
    if (item->kind == Kind::map) result.push_back(std::move(section));
  }
  return result;
}

void Section::finish() {
  const std::vector<std::string> known(asked_.begin(), asked_.end());
  for (const auto& [key, value] : node_->members) {
    if (asked_.contains(key)) continue;
    const YamlNode place{.line = value.key_line, .column = value.key_column, .origin = value.origin};
    complain_at(place, path_of(key), "a known key", fmt::format("'{}'", shortened(key)), nearest_of(key, known));
  }
}

}  // namespace outrider
