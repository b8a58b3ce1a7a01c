// Rendering of names and numbers; fmt without 'L' never asks the locale, so the same value gives the same bytes
// anywhere.
#include "sim/cli/format.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

namespace outrider {
namespace {

struct CodePoint {
  std::uint32_t value = 0;
  std::size_t bytes = 0;  // 0: the byte at this place starts no well-formed sequence
};

// Decodes one UTF-8 sequence as in RFC 3629: no overlong forms, no surrogates, at most U+10FFFF.
CodePoint decode(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  if (lead < 0x80) return {.value = lead, .bytes = 1};
  const std::size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < bytes) return {};
  std::uint32_t value = lead & (0x7fu >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xc0) != 0x80) return {};
    value = value << 6 | (next & 0x3fu);
  }
  constexpr std::array<std::uint32_t, 5> kSmallest = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = value >= 0xd800 && value <= 0xdfff;
  if (value < kSmallest[bytes] || value > 0x10ffff || surrogate) return {};
  return {.value = value, .bytes = bytes};
}

struct CodeRange {
  std::uint32_t first, last;
};

template <std::size_t N>
bool contains(const std::array<CodeRange, N>& ranges, std::uint32_t value) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [value](CodeRange range) { return range.first <= value && value <= range.last; });
}

// C0, DEL and C1 controls, line and paragraph separators, and the characters that reorder text on a terminal.
bool is_unsafe(std::uint32_t value) {
  constexpr std::array<CodeRange, 5> kUnsafe = {
      {{0x0, 0x1f}, {0x7f, 0x9f}, {0x2028, 0x202e}, {0x2066, 0x2069}, {0xfeff, 0xfeff}}};
  return contains(kUnsafe, value);
}

// Combining marks and zero-width characters (Unicode categories Mn, Me and Cf, the blocks in common use).
bool is_zero_width(std::uint32_t value) {
  constexpr std::array<CodeRange, 7> kZero = {{{0x300, 0x36f},
                                               {0x483, 0x489},
                                               {0x591, 0x5bd},
                                               {0x200b, 0x200f},
                                               {0x20d0, 0x20f0},
                                               {0xfe00, 0xfe0f},
                                               {0xfe20, 0xfe2f}}};
  return contains(kZero, value);
}

// Blocks whose East Asian Width is wide or fullwidth (UAX #11), and emoji.
bool is_wide(std::uint32_t value) {
  constexpr std::array<CodeRange, 9> kWide = {{{0x1100, 0x115f},
                                               {0x2e80, 0x303e},
                                               {0x3041, 0xa4cf},
                                               {0xac00, 0xd7a3},
                                               {0xf900, 0xfaff},
                                               {0xfe30, 0xfe6f},
                                               {0xff00, 0xff60},
                                               {0x1f300, 0x1faff},
                                               {0x20000, 0x3fffd}}};
  return contains(kWide, value);
}

std::string escaped_byte(char byte) {
  if (byte == '\n') return "\\n";
  if (byte == '\t') return "\\t";
  return fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
}

// Optimal string alignment distance: edits between adjacent letters, each letter touched once.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, replaced});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  }
  return cost[a.size()][b.size()];
}

}  // namespace

std::string printable(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const CodePoint point = decode(text);
    const std::size_t bytes = std::max<std::size_t>(point.bytes, 1);
    if (point.bytes == 0 || is_unsafe(point.value)) {
      for (std::size_t i = 0; i < bytes; ++i) result += escaped_byte(text[i]);
    } else {
      result += text.substr(0, bytes);
    }
    text.remove_prefix(bytes);
  }
  return result;
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    const CodePoint point = decode(text);
    if (!is_zero_width(point.value)) width += is_wide(point.value) ? 2 : 1;
    text.remove_prefix(std::max<std::size_t>(point.bytes, 1));
  }
  return width;
}

std::string significant(double value, int digits) {
  if (!std::isfinite(value)) return "–";
  if (value == 0.0) return "0";
  // The exponent after rounding, so that 9.996 to three digits is "10.0" and not "10.00".
  const std::string scientific = fmt::format("{:.{}e}", value, digits - 1);
  const int exponent = std::atoi(scientific.c_str() + scientific.find('e') + 1);
  return fmt::format("{:.{}f}", value, std::clamp(digits - 1 - exponent, 0, 15));
}

std::string percent(double share) { return std::isfinite(share) ? fmt::format("{:.1f} %", 100.0 * share) : "–"; }

std::string signed_percent(double share) {
  return std::isfinite(share) ? fmt::format("{:+.1f} %", 100.0 * share) : "–";
}

std::string times(double ratio) { return std::isfinite(ratio) ? fmt::format("{:.2f}×", ratio) : "–"; }

std::string byte_count(Bytes bytes) {
  constexpr std::array<std::string_view, 5> kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  double value = bytes.value();
  std::size_t unit = 0;
  while (std::abs(value) >= 1024.0 && unit + 1 < kUnits.size()) {
    value /= 1024.0;
    ++unit;
  }
  return fmt::format("{} {}", unit == 0 ? fmt::format("{:.0f}", value) : significant(value, 3), kUnits[unit]);
}

std::string duration(Seconds time) {
  const double seconds = time.value();
  if (!std::isfinite(seconds)) return "–";
  if (seconds == 0.0) return "0 s";
  const double size = std::abs(seconds);
  if (size >= 1.0) return significant(seconds, 3) + " s";
  if (size >= 1e-3) return significant(seconds * 1e3, 3) + " ms";
  if (size >= 1e-6) return significant(seconds * 1e6, 3) + " µs";
  return significant(seconds * 1e9, 3) + " ns";
}

std::string token_count(std::int64_t tokens) {
  const bool whole = tokens != 0 && tokens % 1024 == 0;
  return whole ? fmt::format("{}k", tokens / 1024) : fmt::format("{}", tokens);
}

std::string exact(double value) { return std::isfinite(value) ? fmt::format("{}", value) : std::string(); }

std::string nearest_name(std::string_view name, const std::vector<std::string>& candidates) {
  std::string nearest;
  std::size_t fewest = 0;
  for (const std::string& candidate : candidates) {
    const std::size_t edits = edit_distance(name, candidate);
    const std::size_t allowed = std::max<std::size_t>(std::max(name.size(), candidate.size()) / 3, 1);
    if (edits <= allowed && edits < candidate.size() && (nearest.empty() || edits < fewest)) {
      nearest = candidate;
      fewest = edits;
    }
  }
  return nearest;
}

std::string suggestion(std::string_view name, const std::vector<std::string>& candidates) {
  const std::string nearest = nearest_name(name, candidates);
  return nearest.empty() ? std::string() : fmt::format(", did you mean '{}'?", printable(nearest));
}

std::string shell_word(std::string_view text) {
  std::string quoted;
  for (const char letter : text) quoted += letter == '\'' ? std::string("'\\''") : std::string(1, letter);
  return "'" + quoted + "'";
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  return fmt::format("{}", fmt::join(parts, separator));
}

}  // namespace outrider
