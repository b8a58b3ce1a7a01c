// One run's times out of several runs that each timed some of the ops.
#pragma once

#include <span>
#include <vector>

#include "kernels/backend/device.h"
#include "kernels/backend/execution.h"

namespace outrider {

inline constexpr std::uint32_t kTimedParts = 8;

struct RunTimes {
  std::vector<OpTimes> ops;
  std::vector<StepTimes> steps;
};

// The run of median duration, of which steps, host and CPU ops are taken; each op of the GPU comes from the run that
// timed it. Where steps and loops of the CPU lane begin and end, all runs know: between any two of these instants,
// times are stretched by as much as the two runs differ there. What runs differ by beside that moves ops against each
// other. Requires a run at least, all of the schedule.
RunTimes join_parts(const Schedule& schedule, std::span<const RunTimes> parts);

}  // namespace outrider
