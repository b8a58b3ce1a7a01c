// Digests of KV blocks, channelwise minimum and maximum of K, and the bound they give on q · k of a block (Quest).
#pragma once

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <cstdint>

namespace outrider {

// Block b of KV head h: its keys [block_tokens][head_dim] lie at keys + (b · kv_heads + h) · key_stride, its digest,
// the minimum [head_dim] and then the maximum [head_dim], at digests + (b · kv_heads + h) · 2 · head_dim. With
// key_stride = 2 · block_tokens · head_dim the cache may be that of DecodeAttention, whose pages are the blocks.
// Pointers are device memory; those to bf16 are 16-byte aligned.
struct DigestBuild {
  const __nv_bfloat16* keys = nullptr;
  std::int64_t key_stride = 0;            // elements from head to head, a multiple of 8
  const std::int32_t* blocks = nullptr;   // [count], to digest
  const std::int32_t* targets = nullptr;  // [count], blocks of `digests` to write; null: as in `blocks`
  const std::int32_t* tokens = nullptr;   // [count], filled tokens of each, ≥ 1; null: all are full
  std::int32_t count = 0, block_tokens = 32;
  std::int32_t kv_heads = 0, head_dim = 128;
  __nv_bfloat16* digests = nullptr;
};

// Exact: a minimum of bf16 is a bf16; NaNs are passed over. head_dim is 64, 128 or 256; block_tokens is up to
// kDigestMostTokens.
cudaError_t launch_digest_build(const DigestBuild& build, cudaStream_t stream);

// score = max over the group's query heads of Σ over channels of max(q · minimum, q · maximum), an upper bound of
// q · k for every key k of the block; not scaled by 1/√head_dim.
struct DigestScore {
  const __nv_bfloat16* queries = nullptr;  // [sequences][kv_heads][group][head_dim]
  const __nv_bfloat16* digests = nullptr;
  const std::int32_t* blocks = nullptr;  // [sequences][block_stride], the blocks of a sequence in order
  std::int64_t block_stride = 0;
  const std::int32_t* counts = nullptr;  // [sequences], blocks of each; 0 is allowed
  std::int32_t most_blocks = 0;          // the largest of them
  std::int32_t sequences = 0, kv_heads = 0, group = 1, head_dim = 128;
  float* scores = nullptr;        // [sequences][kv_heads][score_stride]; behind a row's last block nothing is written
  std::int64_t score_stride = 0;  // ≥ most_blocks
};

inline constexpr std::int32_t kDigestMostTokens = 128;
inline constexpr std::int32_t kDigestMostGroup = 16;

// Error below 1e-5 · Σ |q| · max(|minimum|, |maximum|): products are exact and sums are fp32. Digests must be finite.
// head_dim is 64, 128 or 256. cudaErrorInvalidValue for shapes beyond these limits, as above.
cudaError_t launch_digest_score(const DigestScore& score, cudaStream_t stream);

}  // namespace outrider
