// Merges two partial attention outputs over disjoint tokens by their log-sum-exps: what the GPU attended and what the
// CPU did, or what was resident and what arrived.
#pragma once

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <cstdint>

namespace outrider {

// Rows are query heads of sequences. Each part is a softmax-weighted mean of values over its own tokens, with the
// natural logarithm of the sum of its exponentials; a part without tokens has lse −∞, and its output is not looked at.
// Second is __nv_bfloat16 (another GPU kernel's) or float (the CPU's). Device memory (or pinned host memory, for the
// second part); outputs are 16-byte aligned.
template <class Second>
struct MergePartials {
  const __nv_bfloat16* first = nullptr;  // [rows][head_dim]
  const float* first_lse = nullptr;      // [rows]
  const Second* second = nullptr;        // [rows][head_dim]
  const float* second_lse = nullptr;     // [rows]
  std::int32_t rows = 0, head_dim = 128;
  __nv_bfloat16* output = nullptr;  // [rows][head_dim]; may be `first`, or `second` where that is bf16
  float* lse = nullptr;             // [rows], of both parts together, apart from theirs; may be null
};

// Error below 2⁻⁸ of the larger part's element (rounding to bf16). Two parts without tokens give zeros and −∞.
// cudaErrorInvalidValue: rows negative or head_dim no positive multiple of 8.
cudaError_t launch_merge(const MergePartials<__nv_bfloat16>& merge, cudaStream_t stream);
cudaError_t launch_merge(const MergePartials<float>& merge, cudaStream_t stream);

}  // namespace outrider
