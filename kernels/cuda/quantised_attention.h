// Decode attention over quantised KV: codes become operands of the tensor cores in registers.
#pragma once

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

#include "kernels/cuda/kv_quant.h"

namespace outrider {

// Page p of KV head h is the rows from (p · kv_heads + h) · 2 · page_tokens: K of page_tokens tokens, then V. Device
// memory; queries and output are 16-byte aligned.
struct QuantisedAttention {
  const __nv_bfloat16* queries = nullptr;  // [sequences][kv_heads][group][head_dim], as of the cache
  QuantisedRows cache;
  std::int32_t page_tokens = 32;         // a multiple of 16
  const std::int32_t* pages = nullptr;   // pages of a sequence, or of one of its KV heads, in order
  std::int64_t sequence_stride = 0;      // of `pages`, from sequence to sequence
  std::int64_t head_stride = 0;          // of `pages`, from KV head to KV head; 0: all heads share a list
  const std::int32_t* tokens = nullptr;  // [sequences], to attend; all pages but the last are full
  std::int32_t most_tokens = 0;          // the largest of them
  std::int32_t sequences = 0, kv_heads = 0, group = 1;
  float scale = 1.0f;               // of q · k, usually 1/√head_dim
  __nv_bfloat16* output = nullptr;  // [sequences][kv_heads][group][head_dim]; zeros where there is no token
  float* lse = nullptr;             // [sequences][kv_heads][group], natural; −∞ without tokens; may be null
  void* workspace = nullptr;        // quantised_attention_workspace() bytes, zeroed once before the first launch
};

inline constexpr std::int32_t kQuantisedMostGroup = 16;

// Bytes of workspace. Launches that share one must not overlap.
std::size_t quantised_attention_workspace(std::int32_t sequences, std::int32_t kv_heads, std::int32_t group,
                                          std::int32_t head_dim);

// Error against exact arithmetic on the dequantised cache below 4e-3 of the output's norm: the output is rounded to
// bf16, probabilities, times the scales of the values, to fp16 (2⁻¹²; what is below 2⁻³⁰ of the largest vanishes).
// Queries count to 2⁻²⁵ of the largest channel of their head. cudaErrorInvalidValue beyond the limits.
cudaError_t launch_quantised_attention(const QuantisedAttention& attention, cudaStream_t stream);

}  // namespace outrider
