// Quantiles over draws.
#include "sim/study/intervals.h"

#include <algorithm>

#include "sim/base/statistics.h"

namespace outrider {
namespace {

constexpr double kLow = 0.05, kHigh = 0.95;

std::optional<Interval> interval(const std::vector<double>& values) {
  if (values.empty()) return std::nullopt;
  return Interval{.low = interpolated_quantile(values, kLow), .high = interpolated_quantile(values, kHigh)};
}

// Of the draws, the share in which a row is faster than another.
double ahead_share(const RunReport& report, std::size_t row, std::size_t other) {
  const auto ahead = std::count_if(report.draws.begin(), report.draws.end(), [&](const RunReport& draw) {
    return draw.points[row].tokens_per_s > draw.points[other].tokens_per_s;
  });
  return static_cast<double>(ahead) / static_cast<double>(report.draws.size());
}

}  // namespace

std::vector<MachineModel> machine_with_draws(const Scenario& scenario, const Profile& profile, int draws) {
  std::vector<MachineModel> machines;
  machines.reserve(static_cast<std::size_t>(draws) + 1);
  machines.emplace_back(scenario.machine, profile);
  for (int draw = 0; draw < draws; ++draw)
    machines.emplace_back(scenario.machine, drawn_profile(profile, scenario.seed, static_cast<std::uint64_t>(draw)));
  return machines;
}

std::optional<Interval> interval_of(const RunReport& report, std::size_t point, const PointFigure& figure) {
  std::vector<double> values;
  for (const RunReport& draw : report.draws) {
    if (draw.points[point].fits) values.push_back(figure(draw, draw.points[point]));
  }
  return interval(values);
}

void add_claim_intervals(RunReport& report) {
  for (std::size_t i = 0; i < report.claims.size(); ++i) {
    std::vector<double> predictions;
    double holding = 0.0;
    for (const RunReport& draw : report.draws) {
      if (!draw.claims[i].available) continue;
      predictions.push_back(draw.claims[i].predicted);
      holding += draw.claims[i].holds ? 1.0 : 0.0;
    }
    if (predictions.empty()) continue;
    report.claims[i].interval = interval(predictions);
    report.claims[i].holding_share = holding / static_cast<double>(predictions.size());
  }
}

Rank rank_of(const RunReport& report, std::size_t point, const std::vector<std::size_t>& rows) {
  Rank rank{.best = 1, .worst = rows.size()};
  for (const std::size_t other : rows) {
    if (other == point) continue;
    if (ahead_share(report, other, point) >= kHigh) ++rank.best;
    if (ahead_share(report, point, other) >= kHigh) --rank.worst;
  }
  return rank;
}

}  // namespace outrider
