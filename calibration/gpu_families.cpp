// The list of what is measured on a GPU.
#include "calibration/gpu_probe.h"

namespace outrider {

std::vector<FamilyInfo> gpu_families() {
  return {{"hbm_read", "reading of device memory by all SMs"},
          {"hbm_write", "writing of device memory by all SMs"},
          {"kernel_chain", "empty kernels of a replayed graph, one behind the other"},
          {"elementwise", "norms and activations, by rows"},
          {"copy_h2d", "copies to the GPU from pinned memory, one call each, by fragment and count"},
          {"copy_d2h", "copies from the GPU, likewise"},
          {"copy_both", "copies both ways at once"},
          {"gather_h2d", "gathers of scattered fragments from pinned memory by a kernel, by fragment and CTAs"},
          {"read_beside_h2d", "reading of device memory beside copies to the GPU"},
          {"read_beside_d2h", "reading of device memory beside copies from the GPU"},
          {"cpu_attend_beside_h2d", "CPU attention beside copies to the GPU"},
          {"cpu_attend_beside_d2h", "CPU attention beside copies from the GPU"},
          {"launch_kernel", "host time of an eager kernel launch"},
          {"launch_copy", "host time of a copy call"},
          {"launch_graph", "host time of a graph launch"},
          {"synchronize", "host time from the end of the last kernel to running on"},
          {"gemm", "matrix products of real models in bf16, by cuBLASLt"},
          {"attend_dense", "decode attention over contiguous pages"},
          {"attend_sparse", "decode attention over scattered pages"}};
}

MicrobenchSet waived_gpu_microbenches(const std::string& reason) {
  MicrobenchSet set;
  for (const FamilyInfo& family : gpu_families()) {
    Microbench waived;
    waived.family = family.name;
    waived.waived = reason;
    set.list.push_back(std::move(waived));
  }
  return set;
}

}  // namespace outrider
