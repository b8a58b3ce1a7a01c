// The strict reader: typed getters over a mapping that remember what was asked for, so that nothing goes unread.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/io/quantities.h"
#include "sim/io/yaml_node.h"

namespace outrider {

// Where values come from and mistakes go.
struct ReadContext {
  std::string file;
  ConfigErrors& errors;
};

// A closed interval; the default takes all.
struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
};
inline constexpr Range kPositive{std::numeric_limits<double>::min(), std::numeric_limits<double>::infinity()};
inline constexpr Range kNotNegative{0.0, std::numeric_limits<double>::infinity()};

// One mapping of a document. Getters without a fallback require the key; all report mistakes to the context and return
// a harmless value, so that one reading finds every mistake. finish() reports the keys nobody asked for.
class Section {
 public:
  Section(const YamlNode& node, std::string path, ReadContext& context);

  bool has(std::string_view key);
  const YamlNode* node(std::string_view key);  // marks it as read; null where absent

  double quantity(std::string_view key, Dimension dimension, Range range = kPositive);
  double quantity_or(std::string_view key, Dimension dimension, double fallback, Range range = kNotNegative);
  double number(std::string_view key, Range range = {});
  double number_or(std::string_view key, double fallback, Range range = {});
  std::int64_t integer(std::string_view key, Range range = {});
  std::int64_t integer_or(std::string_view key, std::int64_t fallback, Range range = {});
  std::int64_t tokens_or(std::string_view key, std::int64_t fallback, Range range = {});
  bool flag_or(std::string_view key, bool fallback);
  std::string text(std::string_view key);
  std::string text_or(std::string_view key, std::string fallback);
  std::string choice_or(std::string_view key, std::string fallback, std::span<const std::string> choices);
  std::vector<std::int64_t> token_list(std::string_view key, Range range, bool required);
  std::vector<std::string> text_list(std::string_view key);
  std::optional<Section> section(std::string_view key, bool required);
  std::vector<Section> sections(std::string_view key, bool required);  // a list of mappings

  // "expected …, got …" at a key (or at the section itself where the key is absent or empty).
  void complain(std::string_view key, std::string expected, std::string got, std::string suggestion = {});
  std::string path_of(std::string_view key) const;
  const YamlNode& self() const { return *node_; }
  ReadContext& context() const { return *context_; }
  void finish();

 private:
  const YamlNode* scalar(std::string_view key, bool required, const std::string& expected);
  template <class T, class Parse>
  std::optional<T> parsed(std::string_view key, bool required, const std::string& expected, const Parse& parse);
  void complain_at(const YamlNode& node, const std::string& path, std::string expected, std::string got,
                   std::string suggestion = {});

  const YamlNode* node_;
  std::string path_;
  ReadContext* context_;
  std::set<std::string, std::less<>> asked_;
};

// What a node is, for messages: "'12 GB'", "a list", "a mapping".
std::string describe(const YamlNode& node);

}  // namespace outrider
