// The straight line of one point: method → task graphs → demands → backend → trace → figures.
#pragma once

#include "hwmodels/machine_model.h"
#include "sim/engine/sim_backend.h"
#include "sim/methods/selection.h"
#include "sim/study/plan.h"

namespace outrider {

// The selection traces that points with equal needs share; empty where a method selects nothing.
struct Selections {
  std::vector<SelectionTrace> decode;  // of each GPU's own sequences
  std::optional<SelectionTrace> profiling;
};

// Draws the traces for a need, in parallel over layers.
Selections draw_selections(const Scenario& scenario, const PlannedPoint& widest, int threads);

// The steps, warm-up included, of a point that fits, as one GPU runs them.
std::vector<TaskGraph> step_graphs(const Scenario& scenario, const PlannedPoint& plan, const Selections& selections,
                                   std::size_t gpu = 0);

// What the plan decides of the point's row: what it is, its batch, and whether it fits.
PointResult row_of(const PlannedPoint& plan, const Scenario& scenario);

// Every GPU of the machine runs the point, with sequences of its own: a replica each. They begin together, and none
// waits for another.
struct SimulatedPoint {
  PointResult result;
  Trace trace;                      // of the decode steps, warm-up included
  std::vector<StepRange> measured;  // by replica
};
SimulatedPoint simulate_point(const Scenario& scenario, const MachineModel& machine, const PlannedPoint& plan,
                              const Selections& selections, RecordOptions record);

}  // namespace outrider
