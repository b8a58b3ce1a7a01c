// Digests of KV blocks, channelwise minimum and maximum of K, and the bound they give on q · k of a block (Quest).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/cpu/bf16.h"
#include "kernels/cpu/cpu_path.h"

namespace outrider {

// Block b of KV head h: its keys [block_tokens][head_dim] lie at keys + (b · kv_heads + h) · key_stride, its digest,
// the minimum [head_dim] and then the maximum [head_dim], at digests + (b · kv_heads + h) · 2 · head_dim. With
// key_stride = 2 · block_tokens · head_dim the cache may be that of AttentionPart. Pointers need no alignment.
struct DigestBuildPart {
  const Bf16* keys = nullptr;
  std::int64_t key_stride = 0;            // elements from head to head, ≥ block_tokens · head_dim
  std::span<const std::int32_t> blocks;   // to digest
  std::span<const std::int32_t> targets;  // as many, blocks of `digests` to write; empty: as in `blocks`
  std::span<const std::int32_t> tokens;   // as many, filled tokens of each, ≥ 1; empty: all are full
  std::int64_t block_tokens = 32, kv_heads = 1, head_dim = 128;
  Bf16* digests = nullptr;
};

// Reads every key once. Exact: a minimum of bf16 is a bf16; −0 is below +0, NaNs are passed over, and a channel without
// a number has NaN for both.
void build_digests(CpuPath path, const DigestBuildPart& part);

// The digests of one KV head of one sequence. score = max over the group's query heads of Σ over channels of
// max(q · minimum, q · maximum), an upper bound of q · k for every key k of the block; not scaled by 1/√head_dim.
struct DigestScorePart {
  const Bf16* queries = nullptr;  // [group][head_dim]
  const Bf16* digests = nullptr;  // of all blocks and heads, as above
  std::span<const std::int32_t> blocks;
  std::int64_t kv_heads = 1, head = 0;  // head: in [0, kv_heads)
  std::int64_t group = 1, head_dim = 128;
  float* scores = nullptr;  // [blocks]
};

// Reads every digest once. Queries and digests must be finite. Error below 1e-5 · Σ |q| · max(|minimum|, |maximum|):
// products are exact and sums are fp32; avx512_bf16 takes subnormal numbers for zero. Above 256 channels it takes the
// next simpler path.
void score_digests(CpuPath path, const DigestScorePart& part);

// The part of the listed blocks from `first` on, for a thread.
DigestBuildPart slice(const DigestBuildPart& whole, std::size_t first, std::size_t count);
DigestScorePart slice(const DigestScorePart& whole, std::size_t first, std::size_t count);

}  // namespace outrider
