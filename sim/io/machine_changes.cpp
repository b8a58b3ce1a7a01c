// Walks two machines side by side and compares their figures as values.
#include "sim/io/machine_changes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "sim/io/quantities.h"

namespace outrider {
namespace {

using Kind = YamlNode::Kind;

bool is_figure(std::string_view key) {
  constexpr std::array<std::string_view, 3> kTexts = {"name", "description", "source"};
  return std::find(kTexts.begin(), kTexts.end(), key) == kTexts.end();
}

// A figure with a source of its own is {value, source}.
const YamlNode& value_of(const YamlNode& node) {
  const YamlNode* value = node.find("value");
  return value == nullptr ? node : *value;
}

bool same_text(const std::string& a, const std::string& b) {
  if (a == b) return true;
  const std::optional<double> number = parse_number(a);
  if (number && number == parse_number(b)) return true;
  for (const Dimension dimension : {Dimension::bytes, Dimension::bytes_per_second, Dimension::flops_per_second,
                                    Dimension::seconds, Dimension::hertz}) {
    const std::optional<double> quantity = parse_quantity(a, dimension);
    if (quantity && quantity == parse_quantity(b, dimension)) return true;
  }
  return false;
}

// Lists are figures as a whole.
bool same(const YamlNode& a, const YamlNode& b) {
  if (a.kind != b.kind) return false;
  if (a.kind == Kind::scalar) return same_text(a.text, b.text);
  if (a.items.size() != b.items.size() || a.members.size() != b.members.size()) return false;
  const auto same_member = [&](const auto& member) {
    const YamlNode* other = b.find(member.first);
    return other != nullptr && same(member.second, *other);
  };
  return std::equal(a.items.begin(), a.items.end(), b.items.begin(), same) &&
         std::all_of(a.members.begin(), a.members.end(), same_member);
}

std::string shown(const YamlNode& node) {
  return node.kind == Kind::scalar ? shortened(node.text)
         : node.kind == Kind::list ? "another list"
                                   : "another mapping";
}

void compare(const YamlNode& is, const YamlNode& was, const std::string& path, std::vector<std::string>& changes) {
  const auto below = [&](const std::string& key) { return path.empty() ? key : path + "." + key; };
  for (const auto& [key, member] : is.members) {
    if (!is_figure(key)) continue;
    const YamlNode* old_member = was.find(key);
    if (old_member == nullptr) {
      changes.push_back(fmt::format("{}: stated, was not", below(key)));
      continue;
    }
    const YamlNode &now = value_of(member), &before = value_of(*old_member);
    if (now.kind == Kind::map && before.kind == Kind::map) {
      compare(now, before, below(key), changes);
    } else if (!same(now, before)) {
      const std::string instead = before.kind == Kind::scalar ? " instead of " + shown(before) : std::string();
      changes.push_back(fmt::format("{}: {}{}", below(key), shown(now), instead));
    }
  }
  for (const auto& [key, member] : was.members) {
    if (is_figure(key) && is.find(key) == nullptr) changes.push_back(fmt::format("{}: left out", below(key)));
  }
}

}  // namespace

std::vector<std::string> machine_changes(const YamlNode& is, const YamlNode& was) {
  std::vector<std::string> changes;
  compare(is, was, "", changes);
  return changes;
}

}  // namespace outrider
