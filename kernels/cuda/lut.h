// Scores of keys by look-up: for each subspace of a query, the list of the centroid next to it names the keys that such
// queries attend to, with partial scores to add up (CSAttention's decode).
#pragma once

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <cstdint>

namespace outrider {

// A row is a KV head of a sequence, or one of its query heads where each has an index of its own. Subspace m is the
// channels from m · (head_dim ÷ subspaces). Device memory; pointers to bf16 are 16-byte aligned.
struct LookupIndex {
  const __nv_bfloat16* centroids = nullptr;  // [rows][subspaces][clusters][head_dim ÷ subspaces], of length 1
  const std::int32_t* keys = nullptr;        // [rows][subspaces][clusters][list_length], distinct in a list
  const __nv_bfloat16* partials = nullptr;   // likewise, the score of each key in its subspace
  std::int32_t subspaces = 8, clusters = 64;
  std::int32_t list_length = 0;  // a shorter list ends in keys of kNoKey
};

inline constexpr std::int32_t kNoKey = -1;
inline constexpr std::int32_t kLookupMostLists = 256;  // of a row: group · subspaces

struct Lookup {
  LookupIndex index;
  const __nv_bfloat16* queries = nullptr;  // [rows][group][head_dim]
  std::int32_t rows = 0, group = 1, head_dim = 128;
  const std::int32_t* counts = nullptr;  // [rows], keys of each, larger than every key listed
  std::int32_t most_keys = 0;            // the largest of them
  std::int32_t* nearest = nullptr;       // [rows][group][subspaces], the centroid taken; may be null
  float* scores = nullptr;               // [rows][score_stride]; behind a row's last key nothing is written
  std::int64_t score_stride = 0;         // ≥ most_keys
};

// scores[key] = Σ over the group's heads and the subspaces of the partial score in the list of the centroid nearest by
// angle, of equally near ones the first; −∞ for keys in none of these lists. Sums are fp32 in a fixed order: the same
// scores in every run, with errors below 1e-6 · Σ |partial| · number of lists. cudaErrorInvalidValue: head_dim ÷
// subspaces no positive multiple of 8, more lists than kLookupMostLists, or sizes negative.
cudaError_t launch_lookup(const Lookup& lookup, cudaStream_t stream);

}  // namespace outrider
