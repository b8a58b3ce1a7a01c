// Design points simulated together: those that need the same selections share them, and so do a machine's versions.
#pragma once

#include <functional>
#include <vector>

#include "hwmodels/machine_model.h"
#include "sim/study/plan.h"
#include "sim/study/simulate.h"

namespace outrider {

struct PointsRequest {
  const Scenario& scenario;
  const std::vector<PlannedPoint>& plans;
  const std::vector<MachineModel>& machines;  // versions of the scenario's: each point runs on each
  int threads = 0;                            // 0: all cores; results do not depend on it
  std::function<void(std::size_t done, std::size_t all)> progress{};  // called from one thread at a time; may be empty
  // Sees each point on the first machine with its trace, which is not kept, from several threads; may be empty.
  std::function<void(std::size_t index, const SimulatedPoint& point)> inspect{};
};

// By machine, then in the order of the plans. Points that are not timed run on the first machine only, and have the
// same rows on all.
std::vector<std::vector<PointResult>> simulate_points(const PointsRequest& request);

}  // namespace outrider
