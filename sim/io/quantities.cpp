// Parsing of numbers and units.
#include "sim/io/quantities.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <span>

namespace outrider {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

// Smallest first.
constexpr Unit kBytes[] = {{"B", 1.0},
                           {"kB", 1e3},
                           {"KiB", 1024.0},
                           {"MB", 1e6},
                           {"MiB", 1048576.0},
                           {"GB", 1e9},
                           {"GiB", 1073741824.0},
                           {"TB", 1e12},
                           {"TiB", 1099511627776.0}};
constexpr Unit kByteRates[] = {{"B/s", 1.0},
                               {"kB/s", 1e3},
                               {"KiB/s", 1024.0},
                               {"MB/s", 1e6},
                               {"MiB/s", 1048576.0},
                               {"GB/s", 1e9},
                               {"GiB/s", 1073741824.0},
                               {"TB/s", 1e12},
                               {"TiB/s", 1099511627776.0}};
constexpr Unit kFlopRates[] = {
    {"FLOP/s", 1.0}, {"MFLOP/s", 1e6}, {"GFLOP/s", 1e9}, {"TFLOP/s", 1e12}, {"PFLOP/s", 1e15}};
constexpr Unit kSeconds[] = {{"ns", 1e-9}, {"us", 1e-6}, {"µs", 1e-6}, {"ms", 1e-3}, {"s", 1.0}};
constexpr Unit kHertz[] = {{"Hz", 1.0}, {"kHz", 1e3}, {"MHz", 1e6}, {"GHz", 1e9}};

std::span<const Unit> units_of(Dimension dimension) {
  switch (dimension) {
    case Dimension::bytes:
      return kBytes;
    case Dimension::bytes_per_second:
      return kByteRates;
    case Dimension::flops_per_second:
      return kFlopRates;
    case Dimension::seconds:
      return kSeconds;
    case Dimension::hertz:
      return kHertz;
  }
  return {};
}

// Small units shift the decimal point of the text, so that "4.2 us" is the double nearest to 4.2e-6.
std::optional<double> scaled(std::string_view number, double factor) {
  const std::optional<double> count = parse_number(number);
  if (!count || factor >= 1.0) return count ? std::optional(*count * factor) : std::nullopt;
  const bool has_exponent = number.find_first_of("eE") != std::string_view::npos;
  return has_exponent ? *count / std::round(1.0 / factor)
                      : parse_number(fmt::format("{}e{}", number, std::lround(std::log10(factor))));
}

// Of the two doubles around the quotient, the text that reads back as the value.
std::string unscaled(double value, double factor) {
  return factor < 1.0 ? fmt::format("{:.15g}", value * std::round(1.0 / factor)) : fmt::format("{}", value / factor);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The charset and leading zeros that from_chars is too generous about.
bool looks_decimal(std::string_view text) {
  if (!text.empty() && text.front() == '-') text.remove_prefix(1);
  if (text.empty() || !is_digit(text.front())) return false;
  if (text.size() > 1 && text[0] == '0' && is_digit(text[1])) return false;
  return text.find_first_not_of("0123456789.eE+-") == std::string_view::npos;
}

}  // namespace

std::string_view example_of(Dimension dimension) {
  switch (dimension) {
    case Dimension::bytes:
      return "32 GiB";
    case Dimension::bytes_per_second:
      return "25 GB/s";
    case Dimension::flops_per_second:
      return "989 TFLOP/s";
    case Dimension::seconds:
      return "4.2 us";
    case Dimension::hertz:
      return "1.98 GHz";
  }
  return "";
}

std::optional<double> parse_number(std::string_view text) {
  if (!looks_decimal(text)) return std::nullopt;
  double value = 0.0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  if (!looks_decimal(text)) return std::nullopt;
  std::int64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::int64_t> parse_token_count(std::string_view text) {
  std::int64_t factor = 1;
  if (!text.empty() && (text.back() == 'K' || text.back() == 'M')) {
    factor = text.back() == 'K' ? 1024 : 1024 * 1024;
    text.remove_suffix(1);
  }
  const std::optional<std::int64_t> count = parse_integer(text);
  constexpr std::int64_t kMost = std::int64_t{1} << 40;
  if (!count || *count > kMost || *count < -kMost) return std::nullopt;
  return *count * factor;
}

std::optional<double> parse_quantity(std::string_view text, Dimension dimension) {
  const std::size_t blank = text.find(' ');
  if (blank == std::string_view::npos) return std::nullopt;
  const std::string_view number = text.substr(0, blank);
  const std::string_view name = text.substr(blank + 1);
  for (const Unit& unit : units_of(dimension)) {
    if (unit.name != name) continue;
    const std::optional<double> value = scaled(number, unit.factor);
    return value && std::isfinite(*value) ? value : std::nullopt;
  }
  return std::nullopt;
}

std::vector<std::string_view> unit_names(Dimension dimension) {
  std::vector<std::string_view> names;
  for (const Unit& unit : units_of(dimension)) names.push_back(unit.name);
  return names;
}

std::string format_quantity(double value, Dimension dimension) {
  std::string best;
  for (const Unit& unit : units_of(dimension)) {
    const std::string text = fmt::format("{} {}", unscaled(value, unit.factor), unit.name);
    const bool better =
        best.empty() || text.size() < best.size() || (text.size() == best.size() && std::abs(value) >= unit.factor);
    if (better && parse_quantity(text, dimension) == value) best = text;
  }
  return best;
}

}  // namespace outrider
