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
          {"copy_h2d_pageable", "copies to the GPU from pageable memory, by the host thread's clock"},
          {"copy_d2h_pageable", "copies from the GPU, likewise"},
          {"copy_h2d_batched", "scattered copies to the GPU in one batched call"},
          {"gather_h2d", "gathers of scattered fragments from pinned memory by a kernel, by fragment and CTAs"},
          {"read_beside_h2d", "reading of device memory beside copies to the GPU"},
          {"read_beside_d2h", "reading of device memory beside copies from the GPU"},
          {"read_beside_gemm", "reading of device memory beside large products: two kernels on the SMs"},
          {"cpu_attend_beside_h2d", "CPU attention beside copies to the GPU"},
          {"cpu_attend_beside_d2h", "CPU attention beside copies from the GPU"},
          {"cpu_attend_beside_both", "CPU attention beside copies both ways"},
          {"cpu_attend_beside_all", "CPU attention beside copies both ways and reading of device memory"},
          {"cpu_attend_beside_pageable", "CPU attention beside copies from pageable memory by another thread"},
          {"launch_kernel", "host time of an eager kernel launch"},
          {"launch_copy", "host time of a copy call"},
          {"launch_graph", "host time of a graph launch"},
          {"synchronize", "host time from the end of the last kernel to running on"},
          {"event_chain", "empty kernels that wait for each other across streams"},
          {"gemm", "matrix products of real models in bf16, by cuBLASLt"},
          {"gemm_fp8", "the same in FP8 (E4M3)"},
          {"attend_dense", "decode attention over contiguous pages"},
          {"attend_sparse", "decode attention over scattered pages"},
          {"attend_quantised", "decode attention over KV of 8, 4 or 2 bits"},
          {"score_blocks", "scores of block digests"},
          {"select_top_k", "selection of the best blocks of each row"},
          {"residency_diff", "which selected blocks are resident"},
          {"merge_lse", "merging of two partial attentions"},
          {"build_digest", "digests of blocks of keys"},
          {"quantise", "KV rows to codes"},
          {"dequantise", "KV rows from codes"},
          {"lookup", "scores by look-up (CSAttention)"},
          {"features", "feature maps (retrieval completion)"},
          {"adam", "a step of Adam on the GPU"}};
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
