// Builds without CUDA: every family of the GPU is waived.
#include "calibration/benches/gpu_probe.h"

namespace outrider {
namespace {

constexpr const char* kMissing = "this program was built without CUDA";

}  // namespace

GpuFacts gpu_facts() { return {.name = {}, .driver = {}, .clocks = {}, .missing = kMissing}; }

std::vector<Microbench> gpu_microbenches(const HostFacts& /*facts*/, Effort /*effort*/, CpuArena& /*arena*/) {
  return waived_gpu_microbenches(kMissing);
}

}  // namespace outrider
