// Assignments from the command line into a document's tree.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "sim/io/yaml_node.h"

namespace outrider {
namespace {

void mark_as_from(YamlNode& node, const std::string& origin) {
  node.origin = origin;
  node.line = node.column = node.key_line = node.key_column = 0;
  for (YamlNode& item : node.items) mark_as_from(item, origin);
  for (auto& [key, value] : node.members) mark_as_from(value, origin);
}

bool is_named(const YamlNode& item, std::string_view key, std::string_view wanted) {
  const YamlNode* name = item.find(key);
  return name != nullptr && name->kind == YamlNode::Kind::scalar && name->text == wanted;
}

// By label, then name, then id, then the bare name itself.
YamlNode* element_named(YamlNode& list, const std::string& wanted) {
  for (const char* key : {"label", "name", "id", "method"}) {
    for (YamlNode& item : list.items) {
      if (is_named(item, key, wanted)) return &item;
    }
  }
  for (YamlNode& item : list.items) {
    if (item.kind == YamlNode::Kind::scalar && item.text == wanted) return &item;
  }
  return nullptr;
}

std::vector<std::string> names_in(const YamlNode& list) {
  std::vector<std::string> names;
  for (const YamlNode& item : list.items) {
    const YamlNode* label = item.find("label");
    const YamlNode* name = label != nullptr ? label : item.find("name");
    if (name == nullptr) name = item.find("id");
    if (name == nullptr) name = item.find("method");
    if (name == nullptr && item.kind == YamlNode::Kind::scalar) name = &item;
    if (name != nullptr && !name->text.empty()) names.push_back(name->text);
  }
  return names;
}

// Walks to the place of an assignment.
class Walk {
 public:
  Walk(const YamlAssignment& assignment, ConfigErrors& errors) : origin_(assignment.origin), errors_(errors) {}

  // The place below `node`; null where there can be none, with the reason among the errors.
  YamlNode* step(YamlNode& node, const std::string& key) {
    YamlNode* below = nullptr;
    if (node.kind == YamlNode::Kind::list) {
      below = element(node, key);
    } else if (open_as_map(node, key)) {
      below = member(node, key);
    }
    path_ += (path_.empty() ? "" : ".") + key;
    in_list_ = node.kind == YamlNode::Kind::list;
    return below;
  }
  void refuse(std::string expected, std::string got, std::string suggestion = {}) {
    errors_.add({.file = origin_,
                 .path = path_,
                 .expected = std::move(expected),
                 .got = std::move(got),
                 .suggestion = std::move(suggestion)});
  }

 private:
  YamlNode* element(YamlNode& list, const std::string& key) {
    std::size_t index = 0;
    const auto [end, failed] = std::from_chars(key.data(), key.data() + key.size(), index);
    const bool is_index = failed == std::errc() && end == key.data() + key.size();
    YamlNode* found = is_index ? (index < list.items.size() ? &list.items[index] : nullptr) : element_named(list, key);
    if (found != nullptr) return found;
    const std::vector<std::string> names = names_in(list);
    std::string expected = fmt::format("an element of the list: an index below {}", list.items.size());
    if (!names.empty()) expected += fmt::format(", or one of {}", fmt::join(names, ", "));
    refuse(expected, "'" + shortened(key) + "'", nearest_of(key, names));
    return nullptr;
  }

  // A bare name in a list stands for what it names, and an empty value for an empty mapping.
  bool open_as_map(YamlNode& node, const std::string& key) {
    if (node.kind == YamlNode::Kind::map) return true;
    if (!node.text.empty() && !in_list_) {
      refuse(fmt::format("a mapping to put '{}' in", shortened(key)), "'" + shortened(node.text) + "'");
      return false;
    }
    const YamlNode name = node;
    node = YamlNode{.kind = YamlNode::Kind::map,
                    .line = name.line,
                    .column = name.column,
                    .key_line = name.key_line,
                    .key_column = name.key_column};
    if (!name.text.empty()) node.members.emplace_back("method", name);
    return true;
  }

  YamlNode* member(YamlNode& map, const std::string& key) {
    for (auto& [name, value] : map.members) {
      if (name == key) return &value;
    }
    map.members.emplace_back(key, YamlNode{.origin = origin_});
    return &map.members.back().second;
  }

  const std::string& origin_;
  ConfigErrors& errors_;
  std::string path_{};
  bool in_list_ = false;
};

// "workloads[0].contexts", as messages write it, is "workloads.0.contexts".
std::vector<std::string> split(const std::string& path) {
  std::vector<std::string> keys(1);
  for (std::size_t at = 0; at < path.size(); ++at) {
    const std::size_t close = path[at] == '[' ? path.find(']', at) : std::string::npos;
    if (close != std::string::npos) {
      keys.push_back(path.substr(at + 1, close - at - 1));
      at = close;
    } else if (path[at] == '.') {
      keys.emplace_back();
    } else {
      keys.back() += path[at];
    }
  }
  return keys;
}

// The innermost bracket that a value in flow syntax leaves open; 0 where there is none. Quotes open at a value's start.
char unclosed_bracket(std::string_view value) {
  const std::size_t first = value.find_first_not_of(" \t\n");
  if (first == std::string_view::npos || (value[first] != '[' && value[first] != '{')) return 0;
  std::string open;
  for (std::size_t at = first; at < value.size(); ++at) {
    const char c = value[at];
    const bool quotes =
        (c == '"' || c == '\'') && std::string_view("[{,: ").find(value[at - 1]) != std::string_view::npos;
    if (quotes) at = std::min(value.find(c, at + 1), value.size());
    if (c == '[' || c == '{') open += c;
    if ((c == ']' || c == '}') && !open.empty()) open.pop_back();
  }
  return open.empty() ? '\0' : open.back();
}

}  // namespace

void assign(YamlNode& root, const YamlAssignment& assignment, ConfigErrors& errors) {
  const std::vector<std::string> keys = split(assignment.path);
  Walk walk(assignment, errors);
  if (std::find(keys.begin(), keys.end(), "") != keys.end() || keys.size() > kMaxYamlDepth) {
    return walk.refuse("a dotted path like machine.gpu.sms", "'" + shortened(assignment.path) + "'");
  }
  if (assignment.value.find_first_not_of(" \t\n") == std::string::npos) return walk.refuse("a value", "nothing");
  if (const char bracket = unclosed_bracket(assignment.value); bracket != 0) {
    return walk.refuse("a value whose brackets close",
                       fmt::format("'{}' with an unclosed '{}'", shortened(assignment.value), bracket));
  }
  std::optional<YamlNode> value = parse_yaml(assignment.value, assignment.origin, errors);
  if (!value) return;
  YamlNode* node = &root;
  for (const std::string& key : keys) {
    node = walk.step(*node, key);
    if (node == nullptr) return;
  }
  *node = std::move(*value);
  mark_as_from(*node, assignment.origin);
}

void assign(YamlNode& root, const std::string& path, const std::string& value, ConfigErrors& errors) {
  assign(root, {.path = path, .value = value, .origin = "--set " + shortened(path)}, errors);
}

}  // namespace outrider
