// A YAML document as a plain tree with places, read under limits: no anchors, no duplicate keys, bounded size and
// depth.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/io/errors.h"

namespace outrider {

struct YamlNode {
  enum class Kind { scalar, list, map };
  Kind kind = Kind::scalar;
  std::string text{};   // of a scalar
  bool quoted = false;  // a quoted scalar is a text, whatever it looks like
  int line = 0, column = 0;
  int key_line = 0, key_column = 0;                         // of the key that holds it; 0 where none does
  std::vector<YamlNode> items{};                            // of a list
  std::vector<std::pair<std::string, YamlNode>> members{};  // of a map, in order
  std::string origin{};  // empty, or what replaced the node: "--set workloads.0.contexts"

  const YamlNode* find(std::string_view key) const;
};

inline constexpr std::size_t kMaxYamlBytes = 1 << 20;
inline constexpr std::size_t kMaxYamlNodes = 100'000;
inline constexpr int kMaxYamlDepth = 32;

// Nothing where the file cannot be read or breaks a rule; all that is wrong is in `errors`.
std::optional<YamlNode> load_yaml(const std::filesystem::path& file, ConfigErrors& errors);
std::optional<YamlNode> parse_yaml(const std::string& text, const std::string& file, ConfigErrors& errors);

// On one line in flow syntax, which parse_yaml reads as the same tree.
std::string flow_text(const YamlNode& node);

// Puts `value` (YAML flow syntax) at a dotted path, making maps on the way. List elements go by index, or by the value
// of their `label`, `name` or `id`, as `workloads.0` or `workloads[0]`; one that is a bare name becomes {method: name}
// when something is put below it. `origin` names the assignment in messages.
struct YamlAssignment {
  std::string path, value, origin;
};
void assign(YamlNode& root, const YamlAssignment& assignment, ConfigErrors& errors);
void assign(YamlNode& root, const std::string& path, const std::string& value, ConfigErrors& errors);  // by --set

}  // namespace outrider
