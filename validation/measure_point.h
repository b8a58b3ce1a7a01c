// One design point executed on the machine at hand and simulated from the same task graphs.
#pragma once

#include <string>
#include <vector>

#include "hwmodels/machine_model.h"
#include "kernels/backend/real_backend.h"
#include "sim/study/simulate.h"
#include "sim/trace/trace_diff.h"

namespace outrider {

struct MeasureStepsOptions {
  int repeats = 5;         // runs of all steps, behind one that is not counted
  bool operations = true;  // once more, timing every op, for the comparison by family
  int cpu_workers = -1;    // of the real backend; −1: as many as it finds room for
  std::size_t worst_ops = 5;
};

// Times are means over the decode steps behind the warm-up steps.
struct MeasuredPoint {
  PointResult predicted;         // as `run` reports it
  std::string impossible;        // why it was not executed here; empty where it was
  std::vector<Seconds> repeats;  // measured, one for each run
  Seconds measured;              // their median
  double spread = 0.0;           // (largest − smallest) ÷ median of them: the noise floor
  TraceDiff operations;          // of the run that timed every op, whose step times are longer for it
  RealFacts facts;

  bool ran() const { return impossible.empty(); }
  double error() const { return predicted.tpot / measured - 1.0; }  // signed: positive is too slow a prediction
};

MeasuredPoint measure_point(const Scenario& scenario, const MachineModel& machine, const PlannedPoint& plan,
                            const Selections& selections, const MeasureStepsOptions& options);

}  // namespace outrider
