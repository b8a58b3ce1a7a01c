// Block-sparse decode attention on the CPU: the part of one KV head of one sequence, with the log-sum-exp for merging.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/cpu/bf16.h"
#include "kernels/cpu/cpu_path.h"

namespace outrider {

// K and V of one head, block by block. Block b lies at data + b · stride: K [block_tokens][head_dim], then V likewise,
// so that a block is read as one stretch of memory.
template <class Element>
struct KvBlocks {
  const Element* data = nullptr;
  std::int64_t stride = 0;  // elements from block to block, ≥ 2 · block_tokens · head_dim
  std::int64_t block_tokens = 32;
  std::int64_t head_dim = 128;
};

// Attends `tokens` tokens of the listed blocks; all blocks but the last are full. Requires: blocks cover the tokens,
// at least one token, 1 ≤ group.
template <class Element>
struct AttentionPart {
  KvBlocks<Element> kv;
  std::span<const std::int32_t> blocks;
  std::int64_t tokens = 0;
  std::int64_t group = 1;          // query heads of this KV head
  const float* queries = nullptr;  // [group][head_dim]
  float scale = 1.0f;              // of q · k, usually 1/√head_dim
  float* output = nullptr;         // [group][head_dim], each row a mean of V rows
  float* lse = nullptr;            // [group], log Σ exp(scale · q · k)
};

// Error against exact arithmetic on the same inputs, ‖Δ‖ ÷ ‖output‖: below 1e-5 in fp32; below 1e-2 with avx512_bf16
// and amx_bf16, which round queries and probabilities to bf16. Head dimensions that are no multiple of 32 or above 256
// (these two) or no multiple of 8 (avx2) take the next simpler path.
void attend(CpuPath path, const AttentionPart<Bf16>& part);
void attend(CpuPath path, const AttentionPart<float>& part);

// That bound for bf16 elements.
double attend_bound(CpuPath path, std::int64_t head_dim);

// Merges `parts` partial results of the same queries, each [rows][head_dim] with its lse [rows], into output and lse.
struct PartialOutput {
  const float* output = nullptr;
  const float* lse = nullptr;
};
void merge_partials(std::span<const PartialOutput> parts, std::int64_t rows, std::int64_t head_dim, float* output,
                    float* lse);

}  // namespace outrider
