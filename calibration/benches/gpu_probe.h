// The GPU's side of calibration: real in builds with CUDA, waived in others.
#pragma once

#include <string>
#include <vector>

#include "calibration/benches/cpu_arena.h"
#include "calibration/benches/microbench.h"

namespace outrider {

struct GpuFacts {
  std::string name, driver, clocks;  // empty without a GPU
  std::string missing;               // why there is none to measure; empty where there is
};

GpuFacts gpu_facts();
// Every family once, with the reason why it cannot run.
std::vector<Microbench> waived_gpu_microbenches(const std::string& reason);
// `arena`: what CPU attention beside the GPU's work reads.
std::vector<Microbench> gpu_microbenches(const HostFacts& facts, Effort effort, CpuArena& arena);

}  // namespace outrider
