// Order and wording of configuration errors.
#include "sim/io/errors.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace outrider {
namespace {

constexpr std::size_t kLongestShown = 80;
constexpr std::size_t kLongestCompared = 64;

// Optimal string alignment: Levenshtein's distance with swaps of neighbours, by rows.
std::size_t edits(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last, last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before_last = std::exchange(last, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replaced, last[j] + 1, row[j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
  }
  return row.back();
}

bool comes_before(const ConfigError& a, const ConfigError& b) {
  return std::tie(a.file, a.line, a.column) < std::tie(b.file, b.line, b.column);
}

}  // namespace

std::string to_string(const ConfigError& error) {
  std::string text = error.file;
  if (error.line > 0) text += fmt::format(":{}:{}", error.line, error.column);
  if (!error.path.empty()) text += ": " + error.path;
  text += fmt::format(": expected {}", error.expected);
  if (!error.got.empty()) text += ", got " + error.got;
  if (!error.suggestion.empty()) text += fmt::format(", did you mean {}?", error.suggestion);
  return text;
}

void ConfigErrors::add(ConfigError error) {
  ++found_;
  if (kept_.size() < kMaxErrorsKept) kept_.push_back(std::move(error));
}

std::vector<ConfigError> ConfigErrors::all() const {
  std::vector<ConfigError> sorted = kept_;
  std::stable_sort(sorted.begin(), sorted.end(), comes_before);
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  if (found_ > kept_.size()) {
    const std::string file = kept_.back().file;
    sorted.push_back({.file = file,
                      .expected = fmt::format("at most {} mistakes", kMaxErrorsKept),
                      .got = fmt::format("{} more", found_ - kept_.size())});
  }
  return sorted;
}

std::string nearest_of(std::string_view name, std::span<const std::string> candidates) {
  if (name.size() > kLongestCompared) return {};
  std::string best;
  std::size_t fewest = std::max<std::size_t>(1, name.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > kLongestCompared) continue;
    const std::size_t distance = edits(name, candidate);
    if (distance >= fewest || distance >= candidate.size()) continue;
    fewest = distance;
    best = candidate;
  }
  return best;
}

std::string shortened(std::string_view text) {
  if (text.size() <= kLongestShown) return std::string(text);
  std::size_t end = kLongestShown;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;  // not within a UTF-8 sequence
  return std::string(text.substr(0, end)) + "…";
}

}  // namespace outrider
