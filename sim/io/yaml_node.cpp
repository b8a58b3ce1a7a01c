// Builds the tree from yaml-cpp's events, so that anchors, tags and depth are seen before anything is expanded.
#include "sim/io/yaml_node.h"

#include <fmt/format.h>
#include <yaml-cpp/anchor.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>

namespace outrider {
namespace {

// Ends the parse; the reason is among the errors already.
struct Refused {};

class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(const std::string& file, ConfigErrors& errors) : file_(file), errors_(errors) {}
  YamlNode& root() { return root_; }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { scalar(mark, anchor, "", false); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    refuse(mark, "a document without aliases", "an alias");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    if (!tag.empty() && tag != "?" && tag != "!") refuse(mark, "a document without tags", "tag '" + tag + "'");
    scalar(mark, anchor, value, tag == "!");
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, YamlNode::Kind::list);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, YamlNode::Kind::map);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    YamlNode node;
    bool has_key = false;
    std::string key;
    YAML::Mark key_mark;
  };

  [[noreturn]] void refuse(const YAML::Mark& mark, std::string expected, std::string got) {
    errors_.add({.file = file_,
                 .line = mark.line + 1,
                 .column = mark.column + 1,
                 .path = path(),
                 .expected = std::move(expected),
                 .got = std::move(got)});
    throw Refused();
  }

  std::string path() const {
    std::string text;
    for (const Open& open : open_) {
      if (open.node.kind == YamlNode::Kind::list) text += fmt::format("[{}]", open.node.items.size());
      if (open.has_key) text += (text.empty() ? "" : ".") + open.key;
    }
    return text;
  }

  static YamlNode node_at(const YAML::Mark& mark, YamlNode::Kind kind) {
    YamlNode node;
    node.kind = kind;
    node.line = mark.line + 1;
    node.column = mark.column + 1;
    return node;
  }

  void no_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) refuse(mark, "a document without anchors", "an anchor");
  }

  void scalar(const YAML::Mark& mark, YAML::anchor_t anchor, const std::string& value, bool quoted) {
    no_anchor(mark, anchor);
    if (takes_key()) return take_key(mark, value);
    YamlNode node = node_at(mark, YamlNode::Kind::scalar);
    node.text = value;
    node.quoted = quoted;
    place(std::move(node));
  }

  bool takes_key() const {
    return !open_.empty() && open_.back().node.kind == YamlNode::Kind::map && !open_.back().has_key;
  }

  void take_key(const YAML::Mark& mark, const std::string& key) {
    Open& map = open_.back();
    if (const YamlNode* first = map.node.find(key)) {
      errors_.add({.file = file_,
                   .line = mark.line + 1,
                   .column = mark.column + 1,
                   .path = path() + (path().empty() ? "" : ".") + key,
                   .expected = "each key once",
                   .got = fmt::format("a duplicate of line {}", first->line)});
    }
    map.has_key = true;
    map.key = key;
    map.key_mark = mark;
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YamlNode::Kind kind) {
    no_anchor(mark, anchor);
    if (!tag.empty() && tag != "?") refuse(mark, "a document without tags", "tag '" + tag + "'");
    if (takes_key()) refuse(mark, "a plain key", "a list or mapping as key");
    if (static_cast<int>(open_.size()) >= kMaxYamlDepth)
      refuse(mark, fmt::format("at most {} levels", kMaxYamlDepth), "deeper nesting");
    open_.push_back({node_at(mark, kind), false, {}, {}});
  }

  void close() {
    YamlNode node = std::move(open_.back().node);
    open_.pop_back();
    place(std::move(node));
  }

  void place(YamlNode node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.kind == YamlNode::Kind::list) return parent.node.items.push_back(std::move(node));
    node.key_line = parent.key_mark.line + 1;
    node.key_column = parent.key_mark.column + 1;
    parent.node.members.emplace_back(std::exchange(parent.key, {}), std::move(node));
    parent.has_key = false;
  }

  const std::string& file_;
  ConfigErrors& errors_;
  YamlNode root_;
  std::vector<Open> open_;
};

std::optional<std::string> read_text(const std::filesystem::path& file, ConfigErrors& errors) {
  const auto refuse = [&](std::string expected, std::string got) {
    errors.add({.file = file.string(), .expected = std::move(expected), .got = std::move(got)});
    return std::nullopt;
  };
  std::error_code failed;
  if (!std::filesystem::exists(file, failed)) return refuse("a file", "nothing at that path");
  if (!std::filesystem::is_regular_file(file, failed)) return refuse("a file", "a folder or device");
  const auto size = std::filesystem::file_size(file, failed);
  if (size > kMaxYamlBytes)
    return refuse(fmt::format("at most {} bytes", kMaxYamlBytes), fmt::format("{} bytes", size));
  std::ifstream stream(file, std::ios::binary);
  std::stringstream text;
  text << stream.rdbuf();
  if (!stream) return size == 0 ? std::optional<std::string>("") : refuse("a readable file", "an error while reading");
  return text.str();
}

YamlNode* element_of(YamlNode& list, const std::string& key) {
  std::size_t index = 0;
  const auto [end, failed] = std::from_chars(key.data(), key.data() + key.size(), index);
  if (failed == std::errc() && end == key.data() + key.size())
    return index < list.items.size() ? &list.items[index] : nullptr;
  for (YamlNode& item : list.items) {
    if (item.kind == YamlNode::Kind::scalar && item.text == key) return &item;
    for (const char* name : {"label", "name"}) {
      const YamlNode* value = item.find(name);
      if (value != nullptr && value->text == key) return &item;
    }
  }
  return nullptr;
}

}  // namespace

const YamlNode* YamlNode::find(std::string_view key) const {
  for (const auto& [name, value] : members) {
    if (name == key) return &value;
  }
  return nullptr;
}

std::optional<YamlNode> parse_yaml(const std::string& text, const std::string& file, ConfigErrors& errors) {
  const std::size_t before = errors.size();
  if (const std::size_t nul = text.find('\0'); nul != std::string::npos) {
    errors.add({.file = file, .expected = "text", .got = fmt::format("a NUL byte at offset {}", nul)});
    return std::nullopt;
  }
  TreeBuilder builder(file, errors);
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) {
      errors.add({.file = file, .line = 1, .column = 1, .expected = "a mapping", .got = "an empty document"});
    } else if (TreeBuilder second(file, errors); parser.HandleNextDocument(second)) {
      errors.add({.file = file, .expected = "one document", .got = "several"});
    }
  } catch (const Refused&) {
  } catch (const YAML::Exception& error) {
    errors.add({.file = file,
                .line = error.mark.line + 1,
                .column = error.mark.column + 1,
                .expected = "valid YAML",
                .got = error.msg});
  }
  if (errors.size() != before) return std::nullopt;
  return std::move(builder.root());
}

std::optional<YamlNode> load_yaml(const std::filesystem::path& file, ConfigErrors& errors) {
  const std::optional<std::string> text = read_text(file, errors);
  if (!text) return std::nullopt;
  return parse_yaml(*text, file.string(), errors);
}

void assign(YamlNode& root, const std::string& dotted_path, const std::string& value, ConfigErrors& errors) {
  const std::string origin = "--set " + dotted_path;
  std::optional<YamlNode> parsed = parse_yaml(value, origin, errors);
  if (!parsed) return;
  YamlNode* node = &root;
  std::stringstream keys(dotted_path);
  for (std::string key; std::getline(keys, key, '.');) {
    if (node->kind == YamlNode::Kind::list) {
      node = element_of(*node, key);
      if (node == nullptr)
        return errors.add(
            {.file = origin, .path = dotted_path, .expected = "an element of the list", .got = "'" + key + "'"});
      continue;
    }
    if (node->kind == YamlNode::Kind::scalar) {  // a name stands for what it names: it becomes a mapping
      YamlNode map;
      map.kind = YamlNode::Kind::map;
      if (!node->text.empty()) map.members.emplace_back("method", *node);
      *node = std::move(map);
    }
    std::size_t place = 0;
    while (place < node->members.size() && node->members[place].first != key) ++place;
    if (place == node->members.size()) node->members.emplace_back(key, YamlNode{});
    node = &node->members[place].second;
  }
  *node = std::move(*parsed);
  node->origin = origin;
  node->line = node->column = 0;
}

}  // namespace outrider
