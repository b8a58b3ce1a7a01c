// Builds the tree from yaml-cpp's events, so that anchors, tags and depth are seen before anything is expanded.
#include "sim/io/yaml_node.h"

#include <fmt/format.h>
#include <yaml-cpp/anchor.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/yaml.h>

#include <map>
#include <sstream>

#include "sim/io/yaml_text.h"

namespace outrider {
namespace {

using Style = YAML::EmitterStyle::value;

// Ends the parse; the reason is among the errors already.
struct Refused {};

// yaml-cpp's message, in our words where its own speak of grammar.
std::string reason_of(const YAML::Exception& error) {
  if (error.msg == YAML::ErrorMsg::END_OF_SEQ_FLOW) return "an unclosed bracket '['";
  if (error.msg == YAML::ErrorMsg::END_OF_MAP_FLOW) return "an unclosed brace '{'";
  return error.msg;
}

// Throws out of yaml-cpp's recursion at the first event too deep, so that its stack is bounded too.
class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(const std::string& file, ConfigErrors& errors) : file_(file), errors_(errors) {}
  YamlNode& root() { return root_; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0) refuse(mark, "one document", "several");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { scalar(mark, anchor, "", false); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    refuse(mark, "a document without aliases", "an alias");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    if (!tag.empty() && tag != "?" && tag != "!") refuse_tag(mark, tag);
    scalar(mark, anchor, value, tag == "!");
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Style) override {
    open(mark, tag, anchor, YamlNode::Kind::list);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Style) override {
    open(mark, tag, anchor, YamlNode::Kind::map);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    YamlNode node;
    bool has_key = false;
    std::string key{};
    YAML::Mark key_mark{};
    std::map<std::string, int> key_lines{};
  };

  void report(const YAML::Mark& mark, std::string path, std::string expected, std::string got) {
    errors_.add({.file = file_,
                 .line = mark.line + 1,
                 .column = mark.column + 1,
                 .path = std::move(path),
                 .expected = std::move(expected),
                 .got = std::move(got)});
  }
  [[noreturn]] void refuse(const YAML::Mark& mark, std::string expected, std::string got) {
    report(mark, path(), std::move(expected), std::move(got));
    throw Refused();
  }
  [[noreturn]] void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    refuse(mark, "a document without tags", "tag '" + shortened(tag) + "'");
  }

  std::string path() const {
    std::string text;
    for (const Open& each : open_) {
      if (each.node.kind == YamlNode::Kind::list) text += fmt::format("[{}]", each.node.items.size());
      if (each.has_key) text += (text.empty() ? "" : ".") + shortened(each.key);
    }
    return text;
  }

  YamlNode node_at(const YAML::Mark& mark, YamlNode::Kind kind) {
    if (++nodes_ > kMaxYamlNodes) refuse(mark, fmt::format("at most {} values", kMaxYamlNodes), "more");
    return {.kind = kind, .line = mark.line + 1, .column = mark.column + 1};
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
    const auto [first, fresh] = map.key_lines.emplace(key, mark.line + 1);
    if (!fresh) {
      const std::string above = path();
      report(mark, (above.empty() ? "" : above + ".") + shortened(key), "each key once",
             fmt::format("it again, after line {}", first->second));
    }
    map.has_key = true;
    map.key = key;
    map.key_mark = mark;
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YamlNode::Kind kind) {
    no_anchor(mark, anchor);
    if (!tag.empty() && tag != "?") refuse_tag(mark, tag);
    if (takes_key()) refuse(mark, "a plain key", "a list or mapping as key");
    if (static_cast<int>(open_.size()) >= kMaxYamlDepth)
      refuse(mark, fmt::format("at most {} levels", kMaxYamlDepth), "deeper nesting");
    open_.push_back({.node = node_at(mark, kind)});
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
  std::size_t nodes_ = 0;
  int documents_ = 0;
};

}  // namespace

const YamlNode* YamlNode::find(std::string_view key) const {
  for (const auto& [name, value] : members) {
    if (name == key) return &value;
  }
  return nullptr;
}

std::optional<YamlNode> parse_yaml(const std::string& text, const std::string& file, ConfigErrors& errors) {
  if (!check_text(text, file, errors)) return std::nullopt;
  const std::size_t before = errors.size();
  TreeBuilder builder(file, errors);
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) {
      errors.add({.file = file, .line = 1, .column = 1, .expected = "a mapping", .got = "an empty document"});
    } else {
      parser.HandleNextDocument(builder);  // refused by the builder where there is a second one
    }
  } catch (const Refused&) {
  } catch (const YAML::Exception& error) {
    errors.add({.file = file,
                .line = error.mark.line + 1,
                .column = error.mark.column + 1,
                .expected = "valid YAML",
                .got = reason_of(error)});
  }
  if (errors.size() != before) return std::nullopt;
  return std::move(builder.root());
}

std::optional<YamlNode> load_yaml(const std::filesystem::path& file, ConfigErrors& errors) {
  const std::optional<std::string> text = read_checked_text(file, errors);
  if (!text) return std::nullopt;
  return parse_yaml(*text, file.string(), errors);
}

}  // namespace outrider
