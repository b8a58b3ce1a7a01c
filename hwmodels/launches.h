// What starting a kernel takes beyond a row of its own kind, by what its graph has around it.
#pragma once

#include <span>
#include <vector>

#include "hwmodels/profile.h"
#include "sim/engine/demand.h"
#include "sim/graph/task_graph.h"

namespace outrider {

// Seconds that a kernel takes longer; those of a join pass before it starts:
//   gap     launched one by one, and not as part of a CUDA graph
//   fork    in a CUDA graph, behind a kernel for which another lane's copies or kernels wait too
//   join    in a CUDA graph, where it waits for those of another lane, though they have long ended (measured of copies)
//   cold    where more than L2 holds was streamed since such a kernel last ran on this GPU, so that its code is gone.
//           One of its family that moves as many bytes is taken for such a kernel; the first of a graph is cold
struct LaunchCosts {
  Duration gap, fork, join, cold;
  Bytes l2;
};
LaunchCosts launch_costs(const Profile& profile, Bytes l2);

// Adds them to the latencies and leads of a graph's kernels. `hbm` is each GPU's HBM.
void add_launch_costs(const LaunchCosts& costs, const TaskGraph& graph, std::span<const ResourceId> hbm,
                      std::span<Demand> demands);

}  // namespace outrider
