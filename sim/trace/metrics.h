// Figures read off a trace: step times, utilisation, idle shares, overlap, ledgers, critical path.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/trace/trace.h"

namespace outrider {

// A half-open window of steps [first, last).
struct StepRange {
  std::size_t first = 0;
  std::size_t last = 0;
};

Duration elapsed(const Trace& trace, StepRange range);      // begin of the first step to end of the last
Seconds mean_step_time(const Trace& trace, StepRange range);

// Time within the range during which at least one span of the lane ran (overlaps counted once).
Duration busy_time(const Trace& trace, LaneId lane, StepRange range);
// Share of the range in which none of `lanes` ran anything: with the GPU's stream lanes, the GPU's idle share.
double idle_share(const Trace& trace, const std::vector<LaneId>& lanes, StepRange range);

// Sum of ledgers of the range's spans by op name (index = Trace::names index).
std::vector<Ledger> ledger_by_name(const Trace& trace, StepRange range);

// Why time passed on the critical path: walked back from the last span of the range through what each span waited for.
struct PathItem {
  SpanId span;
  Duration waiting_behind;       // queueing before it
  Duration running;              // its start to its end (or to where the successor started)
  Duration contended;            // share of `running` lost to contention
};
std::vector<PathItem> critical_path(const Trace& trace, StepRange range);

// The critical path's time by cause, largest first: "gemm on HBM" style rows.
struct Cause {
  std::string lane;
  std::string name;
  std::string bottleneck;        // resource that slowed it most, or empty
  Duration time;
  double share = 0.0;            // of the range's elapsed time
};
std::vector<Cause> causes(const Trace& trace, StepRange range);

// A fingerprint of order and time: equal traces give equal values on every platform (FNV-1a over integers).
std::uint64_t fingerprint(const Trace& trace);

}  // namespace outrider
