// Reading of study files: every way to vary becomes blocks of rows.
#include "sim/io/study_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "sim/base/random.h"
#include "sim/io/study_ranges.h"
#include "sim/io/yaml_reader.h"

namespace outrider {
namespace {

namespace fs = std::filesystem;
using Kind = YamlNode::Kind;
using Member = std::pair<std::string, YamlNode>;

constexpr const char* kValues =
    "a list of values, a range with a step such as '8..128 step 8', or a mapping of named levels";

// Paths whose values may name files.
bool names_file(std::string_view path) {
  constexpr std::array<std::string_view, 3> kPaths = {"model", "machine", "profile"};
  return std::find(kPaths.begin(), kPaths.end(), path) != kPaths.end();
}

// A file beside the study, by its full path, since overrides' paths start elsewhere.
std::string value_for(const std::string& path, const std::string& value, const fs::path& folder) {
  std::error_code ignored;
  const bool there = names_file(path) && fs::exists(folder / value, ignored);
  return there ? flow_text({.text = fs::absolute(folder / value, ignored).lexically_normal().string()}) : value;
}

class StudyReader {
 public:
  StudyReader(ReadContext& context, StudyFile& study) : context_(context), study_(study) {}

  void read_settings(Section& root);
  void read_grid(Section& root);
  void read_zip(Section& root);
  void read_list(Section& root);
  void read_sampled(Section& root, const char* key, bool latin);
  void read_conditions(Section& root);

 private:
  const YamlNode* map_at(Section& section, Key key);
  void refuse(const YamlNode& node, const std::string& path, std::string expected, std::string got = {});
  bool is_axis(const Member& member, const std::string& path);
  // Values of an axis, which are named levels where `axis` then has them.
  std::vector<std::string> read_values(const Member& member, const std::string& path, StudyAxis& axis);
  std::vector<std::string> read_range(const YamlNode& node, const std::string& path);
  std::vector<std::string> read_levels(const YamlNode& node, const std::string& path, StudyAxis& axis);
  std::vector<ScenarioOverride> read_assignments(const YamlNode& node, const std::string& path);
  ScenarioOverride setting(const std::string& path, const YamlNode& value) const;

  ReadContext& context_;
  StudyFile& study_;
  std::vector<std::string> seen_{};  // names of axes
};

void StudyReader::refuse(const YamlNode& node, const std::string& path, std::string expected, std::string got) {
  context_.errors.add({.file = context_.file,
                       .line = node.line,
                       .column = node.column,
                       .path = path,
                       .expected = std::move(expected),
                       .got = got.empty() ? describe(node) : std::move(got)});
}

const YamlNode* StudyReader::map_at(Section& section, Key key) {
  const YamlNode* node = section.node(key.name);
  if (node == nullptr) return nullptr;
  if (node->kind == Kind::map && !node->members.empty()) return node;
  refuse(*node, section.path_of(key.name), std::string(key.meaning));
  return nullptr;
}

ScenarioOverride StudyReader::setting(const std::string& path, const YamlNode& value) const {
  return {.path = path,
          .value = value_for(path, flow_text(value), study_.file.parent_path()),
          .origin = fmt::format("{}:{}", context_.file, value.line)};
}

std::vector<ScenarioOverride> StudyReader::read_assignments(const YamlNode& node, const std::string& path) {
  std::vector<ScenarioOverride> settings;
  if (node.kind != Kind::map || node.members.empty()) {
    refuse(node, path, "a mapping of dotted paths to values");
    return settings;
  }
  for (const auto& [key, value] : node.members) settings.push_back(setting(key, value));
  return settings;
}

bool StudyReader::is_axis(const Member& member, const std::string& path) {
  const auto& [name, node] = member;
  if (std::find(seen_.begin(), seen_.end(), name) != seen_.end()) {
    refuse(node, path, "each axis once", "'" + shortened(name) + "' again");
    return false;
  }
  seen_.push_back(name);
  return true;
}

std::vector<std::string> StudyReader::read_range(const YamlNode& node, const std::string& path) {
  const std::optional<ValueRange> range = node.quoted ? std::nullopt : parse_range(node.text);
  const bool bounded = range && range->step && (range->high - range->low) / *range->step < kMostSamples;
  if (bounded) return values_of(*range);
  refuse(node, path, kValues);
  return {};
}

std::vector<std::string> StudyReader::read_levels(const YamlNode& node, const std::string& path, StudyAxis& axis) {
  std::vector<std::string> names;
  for (const auto& [name, assignments] : node.members) {
    axis.levels[name] = read_assignments(assignments, path + "." + shortened(name));
    names.push_back(name);
  }
  return names;
}

std::vector<std::string> StudyReader::read_values(const Member& member, const std::string& path, StudyAxis& axis) {
  const auto& [name, node] = member;
  axis = {.name = name, .line = node.line};
  std::vector<std::string> values;
  if (!is_axis(member, path)) return values;
  if (node.kind == Kind::scalar) return read_range(node, path);
  if (node.kind == Kind::map) values = read_levels(node, path, axis);
  for (const YamlNode& item : node.items) values.push_back(flow_text(item));
  if (values.empty()) refuse(node, path, kValues, "none");
  return values;
}

void StudyReader::read_settings(Section& root) {
  const YamlNode* node = map_at(root, {"set", "a mapping of dotted paths to values"});
  if (node != nullptr) study_.settings = read_assignments(*node, "set");
}

void StudyReader::read_grid(Section& root) {
  const YamlNode* node = map_at(root, {"grid", "a mapping of axes to their values"});
  if (node == nullptr) return;
  for (const Member& member : node->members) {
    StudyAxis axis;
    std::vector<std::string> values = read_values(member, "grid." + shortened(member.first), axis);
    if (!values.empty()) study_.blocks.push_back({.axes = {std::move(axis)}, .cells = std::move(values)});
  }
}

void StudyReader::read_zip(Section& root) {
  const YamlNode* node = map_at(root, {"zip", "a mapping of axes to lists of equal lengths"});
  if (node == nullptr) return;
  StudyBlock block;
  std::vector<std::vector<std::string>> columns;
  for (const Member& member : node->members) {
    const std::string path = "zip." + shortened(member.first);
    columns.push_back(read_values(member, path, block.axes.emplace_back()));
    if (columns.back().empty() || columns.back().size() == columns.front().size()) continue;
    refuse(member.second, path,
           fmt::format("as many values as '{}': {}", node->members.front().first, columns.front().size()),
           fmt::format("{}", columns.back().size()));
    return;
  }
  for (std::size_t row = 0; row < columns.front().size(); ++row) {
    for (const auto& column : columns) block.cells.push_back(row < column.size() ? column[row] : std::string());
  }
  if (!block.cells.empty()) study_.blocks.push_back(std::move(block));
}

// All points of a list set the same paths, those of the first.
void StudyReader::read_list(Section& root) {
  const YamlNode* node = root.node("list");
  if (node == nullptr) return;
  if (node->kind != Kind::list || node->items.empty() || node->items.front().members.empty())
    return refuse(*node, "list", "a list of points, each a mapping of dotted paths to values");
  StudyBlock block;
  for (const Member& member : node->items.front().members) {
    if (!is_axis(member, "list[0]." + shortened(member.first))) return;
    block.axes.push_back({.name = member.first, .line = member.second.line});
  }
  for (std::size_t i = 0; i < node->items.size(); ++i) {
    const YamlNode& point = node->items[i];
    const std::string path = fmt::format("list[{}]", i);
    if (point.members.size() != block.axes.size()) {
      refuse(point, path, fmt::format("the {} paths of list[0]", block.axes.size()),
             fmt::format("{}", point.members.size()));
      return;
    }
    for (const StudyAxis& axis : block.axes) {
      const YamlNode* value = point.find(axis.name);
      if (value == nullptr) return refuse(point, path, "'" + shortened(axis.name) + "', as in list[0]", "none");
      block.cells.push_back(flow_text(*value));
    }
  }
  study_.blocks.push_back(std::move(block));
}

// An order of 0 … count − 1, every one as likely.
std::vector<std::size_t> shuffled(std::size_t count, RandomStream& random) {
  std::vector<std::size_t> order(count);
  for (std::size_t i = 0; i < count; ++i) order[i] = i;
  for (std::size_t i = count; i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  return order;
}

// Where the points lie along one axis, as shares of its range.
std::vector<double> shares_of(std::size_t points, bool latin, RandomStream random) {
  const std::vector<std::size_t> parts = latin ? shuffled(points, random) : std::vector<std::size_t>();
  std::vector<double> shares(points);
  for (std::size_t i = 0; i < points; ++i) {
    shares[i] =
        latin ? (static_cast<double>(parts[i]) + random.uniform()) / static_cast<double>(points) : random.uniform();
  }
  return shares;
}

void StudyReader::read_sampled(Section& root, const char* key, bool latin) {
  std::optional<Section> section = root.section({key, "points drawn from ranges"}, false);
  if (!section) return;
  const auto points = static_cast<std::size_t>(section->integer("points", {1.0, static_cast<double>(kMostSamples)}));
  const RandomStream random = RandomStream(section->seed_or("seed", 1)).fork(key);
  const YamlNode* over = map_at(*section, {"over", "a mapping of dotted paths to ranges such as '8..128'"});
  if (over == nullptr && !section->has("over"))
    section->complain("over", "a mapping of dotted paths to ranges", "none");
  section->finish();
  if (over == nullptr) return;
  StudyBlock block;
  block.cells.resize(points * over->members.size());
  for (const Member& member : over->members) {
    const std::string path = fmt::format("{}.over.{}", key, shortened(member.first));
    const std::optional<ValueRange> range =
        member.second.kind == Kind::scalar ? parse_range(member.second.text) : std::nullopt;
    if (!range || range->step) {
      refuse(member.second, path, "a range without a step, such as '8..128' or '1 GB/s..64 GB/s log'");
      continue;
    }
    if (!is_axis(member, path)) continue;
    const std::size_t column = block.axes.size();
    const std::vector<double> shares = shares_of(points, latin, random.fork(member.first));
    for (std::size_t row = 0; row < points; ++row)
      block.cells[row * over->members.size() + column] = value_at(*range, shares[row]);
    block.axes.push_back({.name = member.first, .line = member.second.line});
  }
  if (block.axes.size() == over->members.size()) study_.blocks.push_back(std::move(block));
}

void StudyReader::read_conditions(Section& root) {
  const YamlNode* node = root.node("where");
  if (node == nullptr) return;
  const auto add = [&](const YamlNode& condition, const std::string& path) {
    if (condition.kind != Kind::scalar || condition.text.empty())
      return refuse(condition, path, "a condition such as 'cores <= 16 * channels'");
    study_.conditions.push_back({.text = condition.text, .line = condition.line, .column = condition.column});
  };
  if (node->kind != Kind::list) return add(*node, "where");
  for (std::size_t i = 0; i < node->items.size(); ++i) add(node->items[i], fmt::format("where[{}]", i));
}

}  // namespace

std::optional<StudyFile> read_study(const std::filesystem::path& file, ConfigErrors& errors) {
  const std::size_t before = errors.size();
  const std::optional<YamlNode> tree = load_yaml(file, errors);
  if (!tree) return std::nullopt;
  ReadContext context{file.string(), errors};
  Section root(*tree, "", context);
  if (tree->kind != Kind::map) return std::nullopt;
  StudyFile study;
  study.file = file;
  study.name = root.text("name");
  study.description = root.text_or("description", "");
  const std::string scenario = root.text("scenario");
  std::error_code ignored;
  const bool beside = !scenario.empty() && fs::is_regular_file(file.parent_path() / scenario, ignored);
  study.scenario = beside ? (file.parent_path() / scenario).lexically_normal().string() : scenario;
  StudyReader reader(context, study);
  reader.read_settings(root);
  reader.read_grid(root);
  reader.read_zip(root);
  reader.read_list(root);
  reader.read_sampled(root, "random", false);
  reader.read_sampled(root, "latin_hypercube", true);
  reader.read_conditions(root);
  if (study.blocks.empty() && errors.size() == before)
    root.complain("", "something to vary: grid, zip, list, random or latin_hypercube", "none");
  root.finish();
  if (errors.size() != before) return std::nullopt;
  return study;
}

std::vector<ScenarioOverride> settings_of(const StudyFile& study, const StudyBlock& block, std::size_t row) {
  std::vector<ScenarioOverride> settings;
  for (std::size_t column = 0; column < block.axes.size(); ++column) {
    const StudyAxis& axis = block.axes[column];
    const std::string& cell = block.cells[row * block.axes.size() + column];
    const auto level = axis.levels.find(cell);
    if (level != axis.levels.end()) {
      settings.insert(settings.end(), level->second.begin(), level->second.end());
    } else {
      settings.push_back({.path = axis.name,
                          .value = value_for(axis.name, cell, study.file.parent_path()),
                          .origin = fmt::format("{}:{}", study.file.string(), axis.line)});
    }
  }
  return settings;
}

}  // namespace outrider
