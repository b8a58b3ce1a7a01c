// From a scenario to its figures: plan memory, draw selections, simulate every point, read the metrics.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "hwmodels/profile.h"
#include "sim/engine/sim_backend.h"
#include "sim/study/results.h"

namespace outrider {

struct SimulatedPoint;

struct RunOptions {
  std::vector<std::string> labels{};                                  // methods to run; empty: all of the scenario's
  int threads = 0;                                                    // 0: all cores; results do not depend on it
  std::function<void(std::size_t done, std::size_t all)> progress{};  // called from one thread at a time; may be empty
  // Sees each point with its trace, which is not kept. Called from several threads, once for each index of
  // RunReport::points; may be empty.
  std::function<void(std::size_t index, const SimulatedPoint& point)> inspect{};
  int draws = 0;             // of the profile, each simulated too, for intervals (intervals.h)
  bool claims_only = false;  // in place of the workloads' points, those that the claims are read off
};
RunReport run_scenario(const Scenario& scenario, const Profile& profile, const RunOptions& options);

// One point in detail: its row and the whole decode trace, with usage and edges recorded.
struct PointDetail {
  PointResult result;
  Trace trace;
  std::vector<StepRange> measured;  // by replica
};
// `label` must be one of the scenario's methods; context and batch 0 take the first point that the label runs.
PointDetail run_point(const Scenario& scenario, const Profile& profile, const std::string& label, std::int64_t context,
                      std::int64_t batch);

// What would help most: the step time with each resource's capacity doubled (and each fixed cost halved), as predicted
// by re-simulation, largest gain first.
struct WhatIf {
  std::string change;    // "HBM bandwidth ×2"
  double speedup = 1.0;  // tokens/s ratio
};
std::vector<WhatIf> what_would_help(const Scenario& scenario, const Profile& profile, const std::string& label,
                                    std::int64_t context, std::int64_t batch);

}  // namespace outrider
