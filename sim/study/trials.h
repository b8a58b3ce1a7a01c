// What a system finds by measuring the machine, a study finds by simulating: of the values that a method lists for a
// parameter (TriedParam), the one that is fastest.
#pragma once

#include <string>
#include <vector>

#include "hwmodels/machine_model.h"
#include "sim/study/plan.h"

namespace outrider {

// The point with those of its method's tried parameters that stand at 0 set to the values of most tokens per second;
// each with the batch given, or with that which memory holds. Of equal ones the first. As it is where nothing is to be
// tried, or nothing fits.
PlannedPoint settled(const Scenario& scenario, const MachineModel& machine, const PlannedPoint& plan);

// All of them, in parallel.
std::vector<PlannedPoint> settled(const Scenario& scenario, const MachineModel& machine,
                                  std::vector<PlannedPoint> plans, int threads);

}  // namespace outrider
