// The list of what is measured on a GPU.
#include "calibration/gpu_probe.h"

namespace outrider {

std::vector<FamilyInfo> gpu_families() {
  return {{"hbm_read", "reading of device memory by all SMs"},
          {"hbm_write", "writing of device memory by all SMs"},
          {"copy_h2d", "copies to the GPU from pinned memory, one call each, by fragment and count"},
          {"copy_d2h", "copies from the GPU, likewise"},
          {"copy_both", "copies both ways at once"},
          {"gather_h2d", "reads of pinned memory by a kernel, by fragment and CTAs"},
          {"kernel_chain", "empty kernels of a replayed graph, one behind the other"},
          {"launch_kernel", "host time of an eager kernel launch"},
          {"launch_copy", "host time of a copy call"},
          {"launch_graph", "host time of a graph launch"},
          {"synchronize", "host time from the end of the last kernel to running on"},
          {"gemm", "matrix products of real models, bf16, by cuBLASLt"},
          {"attend_dense", "decode attention over contiguous pages"},
          {"attend_sparse", "decode attention over scattered blocks"},
          {"read_beside_h2d", "reading of device memory beside a copy to the GPU"},
          {"read_beside_d2h", "reading of device memory beside a copy from the GPU"},
          {"cpu_attend_beside_h2d", "CPU attention beside a copy to the GPU"}};
}

}  // namespace outrider
