// Reading of figures and transfer surfaces.
#include "sim/io/figures.h"

#include <fmt/format.h>

#include <algorithm>

namespace outrider {
namespace {

constexpr Range kCount{1.0, 1e12};

bool touched_by_user(const YamlNode& node) {
  const auto touched = [](const auto& member) { return touched_by_user(member.second); };
  return !node.origin.empty() || std::any_of(node.items.begin(), node.items.end(), touched_by_user) ||
         std::any_of(node.members.begin(), node.members.end(), touched);
}

}  // namespace

Figures::Figures(Section section, std::string prefix, std::map<std::string, std::string>& sources)
    : section_(std::move(section)), prefix_(std::move(prefix)), sources_(sources) {
  source_ = section_.text_or({"source", "where figures come from that do not say so themselves"}, "unstated");
}

Figures::Figures(Section section, const Figures& parent, std::string_view key)
    : section_(std::move(section)),
      prefix_(fmt::format("{}.{}", parent.prefix_, key)),
      sources_(parent.sources_),
      source_(parent.source_) {}

std::string Figures::source_of(const YamlNode& node) const {
  return touched_by_user(node) ? "set by the user" : source_;
}

void Figures::note(std::string_view key, const std::string& source) {
  if (!section_.recording()) sources_[fmt::format("{}.{}", prefix_, key)] = source;
}

template <class Read>
auto Figures::figure(Key key, bool required, const Read& read) {
  if (section_.holds(key.name, YamlNode::Kind::map)) {
    if (std::optional<Section> own = section_.section(key, required)) {
      const auto value = read(*own, Key("value"), true);
      const std::string source = own->text({"source", "where the figure comes from"});
      note(key.name, touched_by_user(own->self()) ? "set by the user" : source);
      own->finish();
      if (!section_.recording()) return value;
    }
  }
  if (const YamlNode* node = section_.node(key.name)) note(key.name, source_of(*node));
  return read(section_, key, required);
}

double Figures::quantity(Key key, Dimension dimension) {
  return figure(key, true, [&](Section& from, Key name, bool) { return from.quantity(name, dimension); });
}

double Figures::quantity_or(Key key, Dimension dimension, double fallback) {
  return figure(key, false, [&](Section& from, Key name, bool required) {
    return required ? from.quantity(name, dimension, kNotNegative) : from.quantity_or(name, dimension, fallback);
  });
}

double Figures::number(Key key) {
  return figure(key, true, [&](Section& from, Key name, bool) { return from.number(name, kPositive); });
}

std::int64_t Figures::integer(Key key) {
  return figure(key, true, [&](Section& from, Key name, bool) { return from.integer(name, kCount); });
}

std::int64_t Figures::integer_or(Key key, std::int64_t fallback) {
  return figure(key, false, [&](Section& from, Key name, bool required) {
    return required ? from.integer(name, kCount) : from.integer_or(name, fallback, kCount);
  });
}

std::vector<TransferPoint> Figures::surface(Key key, SurfaceRules rules) {
  std::vector<TransferPoint> points;
  if (const YamlNode* node = section_.node(key.name)) note(key.name, source_of(*node));
  for (Section& item : section_.sections(key, rules.required)) {
    const TransferPoint point{
        .fragment = Bytes(item.quantity({"fragment", "bytes of one contiguous copy"}, Dimension::bytes)),
        .rate = BytesPerSecond(item.quantity({"rate", "effective, over all of them"}, Dimension::bytes_per_second))};
    item.finish();
    const TransferPoint* before = points.empty() ? nullptr : &points.back();
    const auto in_bytes = [](Bytes size) { return format_quantity(size.value(), Dimension::bytes); };
    if (before != nullptr && !(point.fragment > before->fragment)) {
      item.complain("fragment", fmt::format("more than the {} of the point before", in_bytes(before->fragment)),
                    in_bytes(point.fragment));
    } else if (before != nullptr && rules.times_rise && point.fragment / point.rate < before->fragment / before->rate) {
      item.complain("rate", "a larger fragment to take no less time than the one before", "a shorter time");
    }
    points.push_back(point);
  }
  return points;
}

std::optional<Figures> Figures::within(Key key, bool required) {
  std::optional<Section> section = section_.section(key, required);
  if (!section) return std::nullopt;
  return Figures(std::move(*section), *this, key.name);
}

}  // namespace outrider
