// Intervals of figures, from simulations with draws of what the profile leaves open.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "hwmodels/machine_model.h"
#include "sim/study/results.h"

namespace outrider {

// The machine as the profile has it, then as so many draws of the profile do (hwmodels/uncertainty.h).
std::vector<MachineModel> machine_with_draws(const Scenario& scenario, const Profile& profile, int draws);

// Figures are read with the report they are from, so that ratios are of rows of one draw. Nothing where there are no
// draws, or the point does not fit.
using PointFigure = std::function<double(const RunReport& report, const PointResult& point)>;
std::optional<Interval> interval_of(const RunReport& report, std::size_t point, const PointFigure& figure);

// Interval and holding share of every claim, from the draws'.
void add_claim_intervals(RunReport& report);

// The places that a row may take in tokens/s among `rows`, from 1. One row is ahead of another where it is so in 95 %
// of the draws at least; what the draws do not tell apart is tied.
struct Rank {
  std::size_t best = 1, worst = 1;
  bool tied() const { return best != worst; }
};
Rank rank_of(const RunReport& report, std::size_t point, const std::vector<std::size_t>& rows);

}  // namespace outrider
