// The GPU's side of calibration: real in builds with CUDA, waived in others.
#pragma once

#include <string>
#include <vector>

#include "calibration/microbench.h"

namespace outrider {

struct GpuFacts {
  std::string name, driver, clocks;  // empty without a GPU
  std::string missing;               // why there is none to measure; empty where there is
};

GpuFacts gpu_facts();
std::vector<FamilyInfo> gpu_families();
// Every family once, with the reason why it cannot run.
MicrobenchSet waived_gpu_microbenches(const std::string& reason);
MicrobenchSet gpu_microbenches(const HostFacts& facts, Effort effort);

}  // namespace outrider
