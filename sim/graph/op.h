// One operation of a task graph: what is done, where, and its shape; never how long it takes.
#pragma once

#include <cstdint>
#include <string_view>
#include <variant>

#include "sim/base/ids.h"
#include "sim/spec/data_type.h"

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
};
inline constexpr int kFamilies = static_cast<int>(Family::cpu_hash_lookup) + 1;
std::string_view to_string(Family family);

// FIFO lanes of one GPU's process. Streams order their ops; the host thread and the CPU queue do too.
enum class Lane : std::uint8_t { host, compute, side, h2d, d2h, recall, cpu, none };
inline constexpr int kLanesPerDevice = 8;
std::string_view to_string(Lane lane);
constexpr LaneId lane_id(Lane lane, int device = 0) {
  return LaneId(static_cast<std::size_t>(device * kLanesPerDevice + static_cast<int>(lane)));
}

constexpr std::size_t device_of(LaneId lane) { return lane.index() / kLanesPerDevice; }

// y[rows × n] = x[rows × k] · W[k × n], over `instances` weight matrices (experts); rows are per instance.
struct GemmShape {
  double rows = 0.0;
  std::int64_t n = 0, k = 0;
  double instances = 1.0;
  DataType type = DataType::bf16;
  double scale_bits = 0.0;  // of quantisation scales per weight, read beside it
};

// Decode attention of one new token per sequence over cached tokens. `tokens` is summed over all sequences:
// KV bytes read = tokens · kv_heads · (head_dim + v_head_dim) · bytes(type).
// Of prompts and training, attention of all tokens of each sequence over at most `longest` keys.
struct AttentionShape {
  std::int64_t sequences = 0;
  std::int64_t kv_heads = 0, q_heads = 0;
  std::int64_t head_dim = 0, v_head_dim = 0;  // v_head_dim 0: V is part of K's row, and read once with it
  std::int64_t latent_values = 0;             // that part's channels; 0: all of them
  double tokens = 0.0;
  double longest = 0.0;           // tokens of the longest sequence
  std::int64_t block_tokens = 0;  // 0: contiguous; else scattered blocks of this size
  DataType type = DataType::bf16;
  bool causal = true;  // of prompts and training: no query sees the keys behind it

  // Channels of the product with V.
  std::int64_t value_width() const {
    return v_head_dim > 0 ? v_head_dim : latent_values > 0 ? latent_values : head_dim;
  }
};

// Pairs of query and key of a prompt or of training, over all sequences. Of t tokens each that see L keys at most:
// t·L − L²/2 with a causal mask, else t·L.
double attended_pairs(const AttentionShape& shape);

// A kernel that streams memory: norms, RoPE, digests, top-k, merges, gathers, Adam. `items` is its natural parallelism
// (rows, blocks, heads × sequences). A look-up in hash tables reads 8 bytes a bucket and 4, a FLOP, a token in it.
struct StreamShape {
  Bytes read, write;
  Flops flops;
  double items = 0.0;
  bool recent = false;  // reads what the kernels before wrote, so that a cache may hold it
};

enum class CopyPath : std::uint8_t { copy_engine, batched, sm_zero_copy };
enum class HostMemory : std::uint8_t { pinned, pageable };
enum class Direction : std::uint8_t { h2d, d2h };

// `fragments` copies of `fragment` bytes each, between host memory and HBM.
struct CopyShape {
  Direction direction = Direction::h2d;
  CopyPath path = CopyPath::copy_engine;
  HostMemory memory = HostMemory::pinned;
  double fragments = 1.0;
  Bytes fragment;
  std::int64_t ctas = 0;  // sm_zero_copy: CTAs launched; 0: as many as fill the link
  bool paced = false;     // copy_engine: a few fragments are issued at a time, so that other copies come in between

  Bytes total() const { return fragment * fragments; }
};

// What the host thread does, `count` times; the machine says what each costs.
struct HostShape {
  double count = 1.0;
};

using Shape = std::variant<std::monostate, GemmShape, AttentionShape, StreamShape, CopyShape, HostShape>;

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
