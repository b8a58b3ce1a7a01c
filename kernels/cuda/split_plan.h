// Decode attention split over the context: how many splits a launch takes, and where they leave what they find.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

namespace outrider {

inline constexpr int kSplitWarps = 4;   // of a CTA; each takes a tile of tokens at a time
inline constexpr int kMostSplits = 64;  // more cost more to merge than they gain

// What a plan costs, in rounds (a tile for each warp) of a CTA that has the GPU for itself: a round while all slots are
// taken; merging, and merging each split.
struct SplitCosts {
  double crowded, merge, merge_split;
};

struct SplitPlan {
  int splits = 1, tiles_per_split = 1;
};

// For pairs of a sequence and a KV head, of so many tiles of tokens at most. The smallest number of splits within 5 %
// of the cheapest, for `kernel` with CTAs of kSplitWarps warps and so much dynamic shared memory, which this call
// allows it.
cudaError_t plan_splits(const void* kernel, std::size_t shared_bytes, int pairs, int tiles, const SplitCosts& costs,
                        SplitPlan& plan);

// Partial results of one split: a row per query head.
struct SplitPartials {
  float* out;   // [pair][split][group][dim]
  float* most;  // [pair][split][group], base 2
  float* total;
  int* arrived;  // [pair]
};

__device__ __host__ inline SplitPartials partials_in(void* workspace, std::int64_t pairs, std::int64_t group) {
  SplitPartials p;
  p.arrived = static_cast<int*>(workspace);
  p.most = reinterpret_cast<float*>(p.arrived + (pairs + 3) / 4 * 4);
  p.total = p.most + pairs * kMostSplits * group;
  p.out = p.total + pairs * kMostSplits * group;  // kMostSplits is a multiple of 4: rows stay 16-byte aligned
  return p;
}

// Bytes, for pairs of `group` rows of `dim` channels.
inline std::size_t split_workspace(std::int64_t pairs, std::int64_t group, std::int64_t dim) {
  return reinterpret_cast<std::size_t>(partials_in(nullptr, pairs, group).out + pairs * kMostSplits * group * dim);
}

}  // namespace outrider
