// One design point executed on the machine at hand and simulated from the same task graphs.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "hwmodels/machine_model.h"
#include "kernels/backend/real_backend.h"
#include "sim/study/simulate.h"
#include "sim/trace/trace_diff.h"
#include "validation/activity.h"
#include "validation/host.h"
#include "validation/results.h"

namespace outrider {

class DramReads;

struct MeasureStepsOptions {
  int repeats = 5;         // runs of all steps, behind one that is not counted
  bool operations = true;  // as many again that time ops, in parts, for all that is told of single ones
  int cpu_workers = -1;    // of the real backend; −1: as many as it finds room for
  std::size_t worst_ops = 5;
  DramReads* dram = nullptr;  // measures DRAM before points whose steps have work for the CPU; null: not measured
};

// Times are means over the decode steps behind the warm-up steps, and over the GPUs. What is told of single operations
// and of shares of the time is the first GPU's.
struct MeasuredPoint {
  PointResult predicted{};         // as `run` reports it
  std::string impossible{};        // why it was not executed here; empty where it was
  std::vector<Seconds> repeats{};  // measured, one for each run
  Seconds measured{};              // their median
  double spread = 0.0;             // (largest − smallest) ÷ median of them: the noise floor
  Seconds measured_slowest{};      // of the GPU that took longest in each run, the median
  Seconds timed{};                 // median of the runs that timed ops; 0 where there are none
  std::vector<ActivityDiff> activities{};
  TraceDiff operations{};  // of the timed run whose step time is the median
  RealFacts facts{};
  HostState host{};                        // with which it is simulated, if its steps have work for the CPU
  std::optional<ResultShape> attention{};  // as its steps deal it out, whether executed or not; see results.h
  // With their edges, of the first GPU: the simulation, and that run; where no op was timed, the untimed one of median
  // step time.
  Trace simulated{}, executed{};

  bool ran() const { return impossible.empty(); }
  double error() const { return predicted.tpot / measured - 1.0; }  // signed: positive is too slow a prediction
  double lengthened() const { return timed.value() > 0.0 ? timed / measured - 1.0 : 0.0; }  // by timing ops
};

MeasuredPoint measure_point(const Scenario& scenario, const Profile& profile, const PlannedPoint& plan,
                            const Selections& selections, const MeasureStepsOptions& options);

// Fills in all but the prediction, of which point.simulated is read: the graphs' trace. The range is of each replica's
// steps. Throws as RealBackend does.
void execute_point(MeasuredPoint& point, std::span<const std::vector<TaskGraph>> replicas, StepRange range,
                   const RealOptions& real, const MeasureStepsOptions& options);

}  // namespace outrider
