// Decode attention over paged KV on the GPU, dense or over a list of blocks: bf16, grouped query heads, split over the
// context, with the log-sum-exp for merging.
#pragma once

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

namespace outrider {

// Page p of KV head h lies at cache + (p · kv_heads + h) · 2 · page_tokens · head_dim: K [page_tokens][head_dim], then
// V likewise. All pointers are device memory, 16-byte aligned.
struct DecodeAttention {
  const __nv_bfloat16* queries = nullptr;  // [sequences][kv_heads][group][head_dim]
  const __nv_bfloat16* cache = nullptr;
  const std::int32_t* pages = nullptr;  // pages of a sequence, or of one of its KV heads, in order
  std::int64_t sequence_stride = 0;     // of `pages`, from sequence to sequence
  std::int64_t head_stride = 0;         // of `pages`, from KV head to KV head; 0: all heads share a list
  const std::int32_t* tokens = nullptr;  // [sequences], to attend; all pages but the last are full; of none: zeros, −∞
  std::int32_t most_tokens = 0;          // the largest of them
  std::int32_t sequences = 0, kv_heads = 0, group = 1;
  float scale = 1.0f;               // of q · k, usually 1/√head_dim
  __nv_bfloat16* output = nullptr;  // [sequences][kv_heads][group][head_dim]
  float* lse = nullptr;             // [sequences][kv_heads][group], log Σ exp(scale · q · k); may be null
  void* workspace = nullptr;        // attention_workspace() bytes, zeroed once before the first launch
};

inline constexpr std::int32_t kAttentionHeadDim = 128;
inline constexpr std::int32_t kAttentionPageTokens = 32;
inline constexpr std::int32_t kAttentionMostGroup = 16;

// Bytes of workspace for any problem with so many sequences and KV heads. Launches that share one must not overlap.
std::size_t attention_workspace(std::int32_t sequences, std::int32_t kv_heads, std::int32_t group);

// Error against exact arithmetic on the same inputs below 1e-2 of the output's norm: probabilities are rounded to bf16.
cudaError_t launch_decode_attention(const DecodeAttention& attention, cudaStream_t stream);

}  // namespace outrider
