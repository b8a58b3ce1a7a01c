// One operation of a task graph: what is done, where, and its shape; never how long it takes.
#pragma once

#include <cstdint>
#include <string_view>

#include "sim/base/ids.h"
#include "sim/graph/shapes.h"

namespace outrider {

// The primitive operations every method is composed of.
enum class Family : std::uint8_t {
  // GPU
  gemm,
  norm_rope,
  predict_q,
  score_blocks,
  select_top_k,
  residency_diff,
  attend_dense,
  attend_sparse,
  merge_lse,
  activation,
  sample,
  embed,
  build_digest,
  prefill_attend,
  // link
  copy_h2d,
  copy_d2h,
  zero_copy_h2d,
  // CPU
  cpu_attend,
  cpu_gather,  // on the host lane: by the host thread itself
  // host thread
  launch_kernel,
  launch_copy,
  launch_graph,
  synchronize,
  dispatch_pool,
  schedule_step,
  barrier,
  // GPU and CPU again, at the end since traces hold these numbers
  reconstruct_k,    // K from its low-rank factors, a product for every sequence and KV head
  compare_queries,  // with those of the step before
  estimate_attend,  // centroids as keys, sums of V as values
  cpu_lookup,       // which blocks are resident
  // training, on the GPU but for the last
  gemm_dgrad,
  gemm_wgrad,
  attend_backward,
  quantise,
  loss,
  adam,
  cpu_adam,
  cpu_hash_lookup,  // on the CPU: tokens whose hashes collide with a query's in two tables and more
  // kernels of single systems, on the GPU
  attend_quantised,  // decode attention over codes
  quantise_kv,       // K and V to codes
  look_up_keys,      // partial scores of the lists next to a query, added up by key
  update_lists,      // a new token's key into these lists
  map_features,      // of queries or keys: positive features whose products stand for exp(q·k)
  summarise,         // S += Σ φ(k) vᵀ, u += Σ φ(k)
  complete,          // exact partial attention with S and u, less what both count
};
inline constexpr int kFamilies = static_cast<int>(Family::complete) + 1;
std::string_view to_string(Family family);

// FIFO lanes of one GPU's process. Streams order their ops; the host thread and the CPU queue do too.
enum class Lane : std::uint8_t { host, compute, side, h2d, d2h, recall, cpu, none };
inline constexpr int kLanesPerDevice = 8;
std::string_view to_string(Lane lane);
constexpr LaneId lane_id(Lane lane, int device = 0) {
  return LaneId(static_cast<std::size_t>(device * kLanesPerDevice + static_cast<int>(lane)));
}

constexpr std::size_t device_of(LaneId lane) { return lane.index() / kLanesPerDevice; }

struct Op {
  Family family = Family::barrier;
  LaneId lane = lane_id(Lane::none);
  std::int16_t layer = -1;  // -1: not of a layer
  Shape shape;
};

// Where an op runs, from its family: "copy", "gpu", "cpu", "host" or "barrier".
enum class OpKind : std::uint8_t { copy, gpu_kernel, cpu_kernel, host_step, barrier };
OpKind kind_of(Family family);

}  // namespace outrider
