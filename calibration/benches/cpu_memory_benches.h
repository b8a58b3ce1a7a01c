// The host's kernels beside attention: gathers, digests, selection, Adam.
#pragma once

#include <vector>

#include "calibration/benches/cpu_arena.h"
#include "calibration/benches/microbench.h"

namespace outrider {

// `arena` is used by what they prepare.
std::vector<Microbench> cpu_memory_benches(const HostFacts& facts, Effort effort, CpuArena& arena);

}  // namespace outrider
