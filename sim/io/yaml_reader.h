// The strict reader: typed getters over a mapping that remember what was asked for, so that nothing goes unread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/io/quantities.h"
#include "sim/io/yaml_node.h"
#include "sim/io/yaml_shape.h"

namespace outrider {

// Where values come from and mistakes go.
struct ReadContext {
  std::string file;
  ConfigErrors& errors;
  std::deque<YamlNode> made{};  // nodes that stand for abbreviations
};

// A key, and what it means to those who read the schema.
struct Key {
  Key(const char* key, std::string_view what = {}) : name(key), meaning(what) {}
  Key(std::string_view key, std::string_view what = {}) : name(key), meaning(what) {}
  Key(const std::string& key, std::string_view what = {}) : name(key), meaning(what) {}
  std::string_view name, meaning;
};

// One mapping of a document. Getters without a fallback require the key; all report mistakes to the context and return
// a harmless value, so that one reading finds every mistake. finish() reports the keys nobody asked for.
//
// A reader can also run without a document, to note in a YamlShape what it asks for: then every key is taken to be
// there, lists of mappings have one element, and nothing is reported.
class Section {
 public:
  Section(const YamlNode& node, std::string path, ReadContext& context);
  // What the reader asks of its document.
  static YamlShape record(const std::function<void(Section)>& read);
  bool recording() const { return shape_ != nullptr; }

  bool has(std::string_view key);
  const YamlNode* node(std::string_view key);             // marks it as read; null where absent
  bool holds(std::string_view key, YamlNode::Kind kind);  // without marking; true while recording

  double quantity(Key key, Dimension dimension, Range range = kPositive);
  double quantity_or(Key key, Dimension dimension, double fallback, Range range = kNotNegative);
  double number(Key key, Range range = {});
  double number_or(Key key, double fallback, Range range = {});
  std::int64_t integer(Key key, Range range = {});
  std::int64_t integer_or(Key key, std::int64_t fallback, Range range = {});
  std::int64_t tokens_or(Key key, std::int64_t fallback, Range range = {});
  std::uint64_t seed_or(Key key, std::uint64_t fallback);
  bool flag_or(Key key, bool fallback);
  std::string text(Key key);
  std::string text_or(Key key, std::string fallback);
  std::string name(Key key);  // of letters, digits and . _ + -, a letter first
  std::string name_or(Key key, std::string fallback);
  std::string choice(Key key, std::span<const std::string> choices);
  std::string choice_or(Key key, std::string fallback, std::span<const std::string> choices);
  // A single count stands for a list of it.
  std::vector<std::int64_t> token_list(Key key, Range range, bool required);
  std::vector<std::int64_t> integer_list(Key key, Range range, bool required);
  // A list, which may be empty where it is there.
  std::vector<std::int64_t> numbers_or(Key key, std::vector<std::int64_t> fallback, Range range);
  std::vector<std::string> text_list(Key key);
  std::optional<Section> section(Key key, bool required);
  std::vector<Section> sections(Key key, bool required);  // a list of mappings
  // A list of mappings, or of names that stand for {name_key: name}. A recording has `kinds` mappings.
  std::vector<Section> named_sections(Key key, std::string_view name_key, std::span<const std::string> names,
                                      std::size_t kinds);

  // "expected …, got …" at a key (or at the section itself where the key is absent or empty). Silent where the key's
  // value was refused already: what stands in for it is no mistake of the user's.
  void complain(std::string_view key, std::string expected, std::string got, std::string suggestion = {});
  std::string path_of(std::string_view key) const;
  const YamlNode& self() const { return *node_; }
  ReadContext& context() const { return *context_; }
  void finish();

 private:
  Section(const YamlNode& node, ReadContext& context, YamlShape& shape)
      : node_(&node), context_(&context), shape_(&shape) {}

  // The node at a key that must have the shape; null, with the reason reported, where it is absent or of another kind.
  const YamlNode* wanted(Key key, bool required, YamlShape shape, YamlNode::Kind kind);
  template <class T, class Parse>
  std::optional<T> parsed(Key key, bool required, YamlShape shape, const Parse& parse);
  template <class Parse>
  std::vector<std::int64_t> counts(Key key, bool required, const YamlShape& one, const Parse& parse);
  Section element(const YamlNode& node, std::string_view key, std::size_t index);
  YamlShape& note(Key key, bool required, YamlShape shape);
  void complain_missing(std::string_view key, std::string expected);
  void complain_at(const YamlNode& node, const std::string& path, std::string expected, std::string got,
                   std::string suggestion = {});

  const YamlNode* node_;
  std::string path_{};
  ReadContext* context_;
  YamlShape* shape_ = nullptr;  // of a recording
  std::set<std::string, std::less<>> asked_{};
  std::set<std::string, std::less<>> unread_{};  // keys whose value was refused as it was read
};

// What a node is, for messages: "'12 GB'", "a list", "a mapping".
std::string describe(const YamlNode& node);

}  // namespace outrider
