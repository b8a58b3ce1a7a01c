// From marks to words, for a row and for all rows.
#include "sim/cli/report_extrapolation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "hwmodels/op_sizes.h"
#include "sim/cli/format.h"

namespace outrider {
namespace {

std::string size_text(const std::string& size, double value) {
  constexpr double kMillion = 1e6;
  if (size.ends_with("bytes")) return byte_count(Bytes(value));
  if (value >= kMillion) return significant(value / kMillion, 4) + " million";
  return value == std::round(value) ? fmt::format("{:.0f}", value) : significant(value, 3);
}

// "gemm rows 8192, sampled up to 4096".
std::string beyond_text(const Extrapolation& mark) {
  std::string words = mark.size;
  std::replace(words.begin(), words.end(), '_', ' ');
  return fmt::format("{} {} {}, sampled {} {}", mark.operation, words, size_text(mark.size, mark.value),
                     mark.above() ? "up to" : "from", size_text(mark.size, mark.above() ? mark.high : mark.low));
}

std::string share_text(double share) { return fmt::format("{:.0f} %", 100.0 * share); }

// Beyond the end of the range, as a factor.
double distance(const Extrapolation& mark) { return mark.above() ? mark.value / mark.high : mark.low / mark.value; }

// The same operation and size in several rows.
struct Rows {
  Extrapolation farthest;
  int count = 0;
  double most = 0.0;  // of their shares
};

std::vector<Rows> by_operation(const RunReport& report) {
  std::vector<Rows> all;
  std::map<std::tuple<std::string, std::string, std::string, bool>, std::size_t> places;
  for (const PointResult& point : report.points) {
    for (const Extrapolation& mark : point.extrapolated) {
      if (!mark.matters()) continue;
      const auto [place, added] = places.try_emplace({mark.part, mark.operation, mark.size, mark.above()}, all.size());
      if (added) all.push_back({.farthest = mark});
      Rows& rows = all[place->second];
      if (distance(mark) > distance(rows.farthest)) rows.farthest = mark;
      rows.most = std::max(rows.most, mark.share);
      ++rows.count;
    }
  }
  // Steps first, then by what they make up.
  std::stable_sort(all.begin(), all.end(), [](const Rows& a, const Rows& b) {
    return std::pair(b.farthest.part, b.most) < std::pair(a.farthest.part, a.most);
  });
  return all;
}

}  // namespace

std::string extrapolation_text(const Extrapolation& mark) {
  return fmt::format("{} ({} of the {})", beyond_text(mark), share_text(mark.share), mark.part);
}

std::string extrapolation_mark(const PointResult& point) {
  const auto has = [&](std::string_view part) {
    return std::any_of(point.extrapolated.begin(), point.extrapolated.end(),
                       [&](const Extrapolation& each) { return each.matters() && each.part == part; });
  };
  std::vector<std::string> figures;
  if (has("step")) figures.emplace_back("step");
  if (has("prefill")) figures.emplace_back("TTFT");
  return figures.empty() ? std::string() : "extrapolated: " + join(figures, ", ");
}

std::string extrapolations_caveat(const RunReport& report) {
  std::vector<std::string> parts;
  for (const Rows& rows : by_operation(report)) {
    parts.push_back(fmt::format("{} ({}, {}{} of the {})", beyond_text(rows.farthest),
                                rows.count == 1 ? std::string("1 row") : fmt::format("{} rows", rows.count),
                                rows.count == 1 ? "" : "up to ", share_text(rows.most), rows.farthest.part));
  }
  if (parts.empty()) return {};
  return fmt::format(
             "extrapolated rows spend at least {} of their time in operations more than {}× beyond the sizes "
             "that the profile was fitted to: ",
             share_text(Extrapolation::kMarkedShare), kRangeTolerance) +
         join(parts, "; ");
}

}  // namespace outrider
