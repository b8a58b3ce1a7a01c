// Memory, thread pool and attention of the host's cores.
#pragma once

#include <vector>

#include "calibration/cpu_arena.h"
#include "calibration/microbench.h"

namespace outrider {

// Of cpu_attend, and of it beside something else; tokens are summed over sequences.
inline constexpr const char* kCpuAttendShape =
    "threads sequences kv_heads q_heads head_dim tokens block_tokens scattered";

std::vector<FamilyInfo> cpu_families();
// `arena` is used by what they prepare.
std::vector<Microbench> cpu_microbenches(const HostFacts& facts, Effort effort, CpuArena& arena);
// CPU attention under something else: one shape, `wrapped` made around its experiment.
using WrapExperiment = std::function<std::unique_ptr<Experiment>(std::unique_ptr<Experiment> attention)>;
Microbench cpu_attention_beside(const std::string& family, const HostFacts& facts, CpuArena& arena,
                                const WrapExperiment& wrapped);

}  // namespace outrider
