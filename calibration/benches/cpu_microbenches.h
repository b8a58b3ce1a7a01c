// Memory, thread pool and attention of the host's cores.
#pragma once

#include <vector>

#include "calibration/benches/cpu_arena.h"
#include "calibration/benches/microbench.h"

namespace outrider {

// `arena` is used by what they prepare.
std::vector<Microbench> cpu_microbenches(const HostFacts& facts, Effort effort, CpuArena& arena);
// CPU attention under something else: one shape, `wrapped` made around its experiment.
Microbench cpu_attention_beside(const std::string& family, const HostFacts& facts, CpuArena& arena,
                                const WrapExperiment& wrapped);

}  // namespace outrider
