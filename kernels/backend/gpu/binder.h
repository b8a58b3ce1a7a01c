// From an op to its launch: a function of a stream, with its buffers and tables inside, that allocates nothing.
#pragma once

#include <cuda_runtime.h>

#include <array>
#include <functional>
#include <memory>
#include <vector>

#include "kernels/backend/device.h"
#include "kernels/backend/gpu/tables.h"
#include "kernels/cuda/products.h"

namespace outrider {

using BoundLaunch = std::function<void(cudaStream_t stream, Calls calls)>;

// Executors by family:
//   gemm, predict_q                products of cuBLASLt, bf16 or FP8
//   attend_dense, attend_sparse    launch_decode_attention, pages of 32 tokens, scattered where the shape has blocks
//   score_blocks, build_digest     launch_digest_score and _build, where the shape is what these do to the step's
//                                  attention; else (partial keys, indexers of tokens) a kernel of the shape's bytes
//   select_top_k, residency_diff   a row to each of the shape's items: launch_top_k, launch_residency_diff
//   merge_lse                      launch_merge
//   attend_quantised               launch_quantised_attention of 8, 4 or 2 bits
//   quantise_kv                    launch_quantise of bf16 to one of these; of codes, or of heads of several widths, a
//                                  kernel of the shape's bytes
//   look_up_keys                   launch_lookup
//   map_features                   launch_features
//   others on the GPU              launch_elementwise of the shape's bytes
//   copies                         cudaMemcpyAsync a fragment, one cudaMemcpyBatchAsync, or launch_gather
// Products and attention share workspaces and must be on the compute stream.
class Binder {
 public:
  // `arenas`: of device and host, as the device addresses them.
  Binder(const Binding& binding, const std::array<std::byte*, kArenas>& arenas);

  BoundLaunch bind(OpIndex op);

 private:
  std::byte* read(OpIndex op, std::size_t i = 0) const;
  std::byte* written(OpIndex op) const;
  // The attention of the op's step, from which kernels of selection take their heads; null where it has none.
  const AttentionShape* attention_of_step(OpIndex op) const;
  float* scores(std::size_t count);

  BoundLaunch bind_product(OpIndex op, const GemmShape& shape);
  BoundLaunch bind_attention(OpIndex op, const AttentionShape& shape);
  BoundLaunch bind_quantised_attention(OpIndex op, const AttentionShape& shape);
  BoundLaunch bind_lookup(OpIndex op, const LookupShape& shape);
  BoundLaunch bind_stream(OpIndex op, const StreamShape& shape);
  BoundLaunch bind_elementwise(OpIndex op, const StreamShape& shape);
  BoundLaunch bind_score(OpIndex op, const StreamShape& shape);
  BoundLaunch bind_digest(OpIndex op, const StreamShape& shape);
  BoundLaunch bind_top_k(OpIndex op, const StreamShape& shape);
  BoundLaunch bind_residency(OpIndex op, const StreamShape& shape);
  BoundLaunch bind_merge(OpIndex op, const StreamShape& shape);
  BoundLaunch bind_quantise(OpIndex op, const StreamShape& shape);
  BoundLaunch bind_features(OpIndex op, const StreamShape& shape);
  BoundLaunch bind_copy(OpIndex op, const CopyShape& shape);
  BoundLaunch bind_calls(OpIndex op, const CopyShape& shape);
  BoundLaunch bind_batch(OpIndex op, const CopyShape& shape);
  BoundLaunch bind_gather(OpIndex op, const CopyShape& shape);

  const Schedule& schedule_;
  const Layout& layout_;
  std::array<std::byte*, kArenas> arenas_;
  std::vector<const AttentionShape*> attention_;  // by step
  Products products_;
  Tables tables_;
  std::unique_ptr<CudaMemory> scores_;  // for all score_blocks: one after another
  std::size_t most_scores_ = 0;
};

}  // namespace outrider
