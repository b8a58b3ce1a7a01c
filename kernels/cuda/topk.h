// The k largest of each row of scores, as ascending ids: which blocks of a sequence and KV head are attended.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace outrider {

// Rows are pairs of a sequence and a KV head, [sequences][kv_heads]. All pointers are device memory.
struct TopK {
  const float* scores = nullptr;         // [rows][score_stride]
  std::int64_t score_stride = 0;         // ≥ every count
  const std::int32_t* counts = nullptr;  // [rows / rows_per_count], scores of a row, ≥ 0
  std::int32_t rows = 0, rows_per_count = 1;
  std::int32_t k = 0;
  std::int32_t* selected = nullptr;         // [rows][selected_stride]; behind min(k, count) ids nothing is written
  std::int64_t selected_stride = 0;         // ≥ k
  std::int32_t* selected_counts = nullptr;  // [rows], min(k, count); may be null
};

// Selects the same ids in every run: of equal scores the lowest ids, and −0 equals +0. NaN ranks below −∞. A CTA takes
// a row, so that a row of 64K scores is the longest to be sensible. cudaErrorInvalidValue: rows, k or a stride
// negative, selected_stride < k, or rows no multiple of rows_per_count.
cudaError_t launch_top_k(const TopK& top, cudaStream_t stream);

}  // namespace outrider
