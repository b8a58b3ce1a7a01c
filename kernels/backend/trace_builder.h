// From what was timed to a trace: the spans that a simulation of the same graphs would have, with their waits.
#pragma once

#include <span>

#include "kernels/backend/device.h"
#include "kernels/backend/execution.h"
#include "kernels/backend/schedule.h"
#include "sim/trace/trace.h"

namespace outrider {

// Time begins with the first step. A span's start and end are as measured; its ready is when the last of its
// dependencies ended, or its start where that is earlier: a graph's first kernels run before its launch returns, and
// the two clocks agree within some µs only. `work` is the whole span: what an op would take alone was not measured, so
// no time is contention. A synchronize starts when it was called or what it waits for ended, whichever is later.
// Barriers end with their dependencies. Ops that were not timed have no length, at their step's begin.
Trace build_trace(const Schedule& schedule, std::span<const OpTimes> ops, std::span<const StepTimes> steps,
                  bool edges = false);

}  // namespace outrider
