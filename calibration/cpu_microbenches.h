// Memory, thread pool and attention of the host's cores.
#pragma once

#include <vector>

#include "calibration/microbench.h"

namespace outrider {

std::vector<FamilyInfo> cpu_families();
// Shapes: dram_read, dram_write {threads, bytes}; fork_join {threads};
// cpu_attend {threads, sequences, kv_heads, q_heads, head_dim, tokens (summed over sequences), block_tokens,
// scattered}.
MicrobenchSet cpu_microbenches(const HostFacts& facts, Effort effort);
// CPU attention under something else: one shape, `wrapped` made around its experiment.
using WrapExperiment = std::function<std::unique_ptr<Experiment>(std::unique_ptr<Experiment> attention)>;
MicrobenchSet cpu_attention_beside(const std::string& family, const HostFacts& facts, const WrapExperiment& wrapped);

}  // namespace outrider
