// The host's kernels beside attention: gathers, digests, selection, Adam.
#pragma once

#include <string>
#include <vector>

#include "calibration/benches/cpu_arena.h"
#include "calibration/benches/microbench.h"

namespace outrider {

// `arena` is used by what they prepare.
std::vector<Microbench> cpu_memory_benches(const HostFacts& facts, Effort effort, CpuArena& arena);
// Gathers under something else: `wrapped` made around the experiment of each shape.
std::vector<Microbench> cpu_gathers_beside(const std::string& family, const HostFacts& facts, CpuArena& arena,
                                           const WrapExperiment& wrapped);

}  // namespace outrider
