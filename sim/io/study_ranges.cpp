// Parsing and walking of ranges.
#include "sim/io/study_ranges.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "sim/io/quantities.h"

namespace outrider {
namespace {

constexpr std::string_view kStep = " step ", kLog = " log", kBetween = "..";

struct Figure {
  double value = 0.0;
  std::string_view unit;
  bool whole = false;
};

std::optional<Figure> parse_figure(std::string_view text) {
  const std::size_t blank = std::min(text.find(' '), text.size());
  const std::string_view number = text.substr(0, blank);
  const std::string_view unit = blank < text.size() ? text.substr(blank + 1) : std::string_view();
  const std::optional<double> value = parse_number(number);
  if (!value || unit.find(' ') != std::string_view::npos || (blank < text.size() && unit.empty())) return std::nullopt;
  return Figure{*value, unit, unit.empty() && parse_integer(number).has_value()};
}

std::string text_of(const ValueRange& range, double value) {
  return fmt::format("{}{}{}", value, range.unit.empty() ? "" : " ", range.unit);
}

}  // namespace

std::optional<ValueRange> parse_range(std::string_view text) {
  ValueRange range;
  if (text.ends_with(kLog)) {
    range.logarithmic = true;
    text.remove_suffix(kLog.size());
  }
  const std::size_t step_at = text.find(kStep);
  std::optional<Figure> step;
  if (step_at != std::string_view::npos) {
    step = parse_figure(text.substr(step_at + kStep.size()));
    if (!step || step->value <= 0.0 || range.logarithmic) return std::nullopt;
    range.step = step->value;
    text = text.substr(0, step_at);
  }
  const std::size_t between = text.find(kBetween);
  if (between == std::string_view::npos) return std::nullopt;
  const std::optional<Figure> low = parse_figure(text.substr(0, between));
  const std::optional<Figure> high = parse_figure(text.substr(between + kBetween.size()));
  if (!low || !high || low->unit != high->unit || (step && step->unit != low->unit)) return std::nullopt;
  if (low->value >= high->value || (range.logarithmic && low->value <= 0.0)) return std::nullopt;
  range.low = low->value;
  range.high = high->value;
  range.unit = low->unit;
  range.whole = low->whole && high->whole && (!step || step->whole);
  return range;
}

// A hair beyond the end still counts, since 0.1 has no exact double; values are rounded to what was meant.
std::vector<std::string> values_of(const ValueRange& range) {
  std::vector<std::string> values;
  const double steps = std::floor((range.high - range.low) / *range.step + 1e-9);
  for (double i = 0.0; i <= steps; ++i) {
    const double value = std::stod(fmt::format("{:.12g}", range.low + i * *range.step));
    values.push_back(text_of(range, value));
  }
  return values;
}

std::string value_at(const ValueRange& range, double share) {
  const double low = range.low, high = range.high + (range.whole ? 1.0 : 0.0);
  const double value = range.logarithmic ? low * std::pow(high / low, share) : low + (high - low) * share;
  return text_of(range, range.whole ? std::min(std::floor(value), range.high) : value);
}

}  // namespace outrider
