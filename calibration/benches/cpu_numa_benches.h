// Memory of one NUMA node, read and written by the cores of another, and by its own.
#pragma once

#include <vector>

#include "calibration/benches/microbench.h"

namespace outrider {

// For each pair of nodes, which are given by their processors; waived where there is one node only.
std::vector<Microbench> cpu_numa_benches(const std::vector<std::vector<int>>& nodes);

}  // namespace outrider
