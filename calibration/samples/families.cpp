// The lists of what is measured on the host's cores and on a GPU.
#include "calibration/samples/families.h"

#include <utility>

namespace outrider {
namespace {

// Of cpu_attend, and of it beside something else; tokens are summed over sequences.
constexpr const char* kCpuGatherShape = "threads fragment count bytes";
constexpr const char* kCpuAttendShape = "threads sequences kv_heads q_heads head_dim tokens block_tokens scattered";
constexpr const char* kCopyShape = "fragment count bytes";
constexpr const char* kAttendShape = "sequences kv_heads q_heads head_dim tokens block_tokens";

}  // namespace

std::vector<FamilyInfo> cpu_families() {
  return {
      {"dram_read", "reading of DRAM, by threads", "threads bytes"},
      {"dram_write", "writing of DRAM past the caches, by threads", "threads bytes"},
      {"fork_join", "an empty parallel loop, by threads", "threads"},
      {"dispatch_pool", "from the call of a parallel loop to its first worker's start", "threads"},
      {"cpu_attend", "decode attention in bf16 over listed blocks, by threads, query heads and load", kCpuAttendShape},
      {"cpu_attend_tokens", "the same over listed single tokens", kCpuAttendShape},
      {"dram_read_numa", "reading of memory by the cores of each NUMA node, of its own and of others",
       "cores_of memory_of threads bytes"},
      {"dram_write_numa", "writing of memory, likewise", "cores_of memory_of threads bytes"},
      {"cpu_gather", "gathers of scattered fragments into a buffer", kCpuGatherShape},
      {"cpu_score", "scores of block digests on the CPU", "threads kv_heads q_heads head_dim blocks"},
      {"cpu_select", "selection of the best blocks of each row on the CPU", "threads rows scores k"},
      {"cpu_hash_lookup", "look-ups of query heads in hash tables on the CPU", "threads rows tables hash_bits tokens"},
      {"cpu_adam", "a step of Adam on the CPU", "threads count"}};
}

std::vector<FamilyInfo> gpu_families() {
  return {
      {"hbm_read", "reading of device memory by all SMs", "bytes"},
      {"hbm_write", "writing of device memory by all SMs", "bytes"},
      {"kernel_chain", "empty kernels of a replayed graph, one behind the other", "kernels"},
      {"elementwise", "norms and activations, by rows", "rows read write"},
      {"copy_h2d", "copies to the GPU from pinned memory, one call each, by fragment and count", kCopyShape},
      {"copy_d2h", "copies from the GPU, likewise", kCopyShape},
      {"copy_both", "copies both ways at once", kCopyShape},
      {"copy_h2d_pageable", "copies to the GPU from pageable memory, by the host thread's clock", kCopyShape},
      {"copy_d2h_pageable", "copies from the GPU, likewise", kCopyShape},
      {"copy_h2d_batched", "scattered copies to the GPU in one batched call", kCopyShape},
      {"gather_h2d", "gathers of scattered fragments from pinned memory by a kernel, by fragment and CTAs",
       "fragment count ctas bytes"},
      {"copy_h2d_beside_reads", "scattered copies to the GPU beside kernels that read device memory", kCopyShape},
      {"copy_d2h_beside_reads", "scattered copies from the GPU, likewise", kCopyShape},
      {"read_beside_h2d", "reading of device memory beside copies to the GPU", "bytes"},
      {"read_beside_d2h", "reading of device memory beside copies from the GPU", "bytes"},
      {"read_beside_gemm", "reading of device memory beside large products: two kernels on the SMs", "bytes"},
      {"cpu_attend_beside_h2d", "CPU attention beside copies to the GPU", kCpuAttendShape},
      {"cpu_attend_beside_d2h", "CPU attention beside copies from the GPU", kCpuAttendShape},
      {"cpu_attend_beside_both", "CPU attention beside copies both ways", kCpuAttendShape},
      {"cpu_attend_beside_all", "CPU attention beside copies both ways and reading of device memory", kCpuAttendShape},
      {"cpu_attend_beside_pageable", "CPU attention beside copies from pageable memory by another thread",
       kCpuAttendShape},
      {"cpu_gather_beside_h2d", "gathers on the CPU beside copies to the GPU", kCpuGatherShape},
      {"cpu_gather_beside_d2h", "gathers on the CPU beside copies from the GPU", kCpuGatherShape},
      {"launch_kernel", "host time of an eager kernel launch", "calls"},
      {"launch_copy", "host time of a copy call", "calls"},
      {"launch_graph", "host time of a graph launch", "calls"},
      {"synchronize", "host time from the end of the last kernel to running on", "calls"},
      {"stream_chain", "empty kernels launched one by one, one behind the other", "kernels"},
      {"event_chain", "empty kernels that wait for each other across streams", "kernels"},
      {"copy_chain_h2d", "a kernel and a copy to the GPU, each waiting for the one before, in a graph", "bytes"},
      {"copy_chain_d2h", "a kernel and a copy from the GPU, likewise", "bytes"},
      {"branch_chain_h2d",
       "kernels of a graph, off which copies to the GPU branch (branches 1), and which wait for these when they have "
       "long ended (branches 2)",
       "branches bytes"},
      {"branch_chain_d2h", "the same with copies from the GPU", "branches bytes"},
      {"mixed_chain", "what kernels of different kinds take longer than each in a row of its own kind", "kernels"},
      {"flag_chain", "a kernel, a thread that sees its end and answers, and a kernel that sees the answer", "turns"},
      {"gemm", "matrix products of real models in bf16, by cuBLASLt", "rows n k"},
      {"gemm_fp8", "the same in FP8 (E4M3)", "rows n k"},
      {"attend_dense", "decode attention over contiguous pages", kAttendShape},
      {"attend_sparse", "decode attention over scattered pages", kAttendShape},
      {"attend_quantised", "decode attention over KV of 8, 4 or 2 bits",
       "sequences kv_heads q_heads head_dim tokens bits"},
      {"score_blocks", "scores of block digests", "sequences kv_heads q_heads head_dim blocks"},
      {"select_top_k", "selection of the best blocks of each row", "rows scores k"},
      {"residency_diff", "which selected blocks are resident", "rows selected slots"},
      {"merge_lse", "merging of two partial attentions", "rows head_dim"},
      {"build_digest", "digests of blocks of keys", "blocks kv_heads block_tokens head_dim"},
      {"quantise", "KV rows to codes", "rows head_dim bits"},
      {"dequantise", "KV rows from codes", "rows head_dim bits"},
      {"lookup", "scores by look-up (CSAttention)", "rows keys list"},
      {"features", "feature maps (retrieval completion)", "rows features head_dim"},
      {"complete", "attention completed with a summary", "pairs group features head_dim retrieved"},
      {"adam", "a step of Adam on the GPU", "count"}};
}

std::vector<FamilyInfo> families() {
  std::vector<FamilyInfo> all = cpu_families();
  for (FamilyInfo& family : gpu_families()) all.push_back(std::move(family));
  return all;
}

}  // namespace outrider
