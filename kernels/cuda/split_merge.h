// Decode attention split over the context: a CTA's warps meet in shared memory, its splits in a workspace, where the
// last CTA to arrive merges them.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/cuda/device_math.h"
#include "kernels/cuda/split_plan.h"

namespace outrider {

// Where the result goes, of pairs of a sequence and a KV head, each with `group` rows (query heads).
struct SplitOutput {
  __nv_bfloat16* output;  // [pair][group][dim]
  float* lse;             // [pair][group], natural; may be null
  void* workspace;        // split_workspace() bytes, zeroed once
  std::int64_t pairs;
  int group;
};

// What a CTA's warps found: `out` and `total` are sums weighted by exponentials, base 2, less `most`. A row without a
// token has a `most` far below any other (not −∞) and sums of zero.
template <int kDim, int kRows>
struct WarpSums {
  float most[kSplitWarps][kRows], total[kSplitWarps][kRows];
  float out[kSplitWarps][kRows][kDim];
  bool last;
};

template <int kDim>
__device__ void write_channel(const SplitOutput& to, std::int64_t row, int channel, float mean, float most,
                              float total) {
  to.output[row * kDim + channel] = __float2bfloat16(mean);
  if (channel == 0 && to.lse != nullptr) to.lse[row] = (most + log2f(total)) * 0.693147181f;
}

// The CTA's warps into one result: the final one without splits, else a partial one.
template <int kDim, int kRows>
__device__ void combine_warps(const SplitOutput& to, std::int64_t pair, int split, int splits,
                              const SplitPartials& partials, const WarpSums<kDim, kRows>& shared) {
  for (int i = threadIdx.x; i < to.group * kDim; i += 32 * kSplitWarps) {
    const int row = i / kDim, channel = i % kDim;
    float most = -INFINITY, total = 0.0f, sum = 0.0f;
    for (int warp = 0; warp < kSplitWarps; ++warp) most = fmaxf(most, shared.most[warp][row]);
    for (int warp = 0; warp < kSplitWarps; ++warp) {
      const float weight = exp2f(shared.most[warp][row] - most);
      total += weight * shared.total[warp][row];
      sum += weight * shared.out[warp][row][channel];
    }
    if (splits == 1) {
      write_channel<kDim>(to, pair * to.group + row, channel, total > 0.0f ? sum / total : 0.0f, most, total);
    } else {
      const std::int64_t at = (pair * kMostSplits + split) * to.group + row;
      partials.out[at * kDim + channel] = sum;
      if (channel == 0) {
        partials.most[at] = most;
        partials.total[at] = total;
      }
    }
  }
}

// A warp merges rows warp, warp + kSplitWarps, … together, so that their loads are waited for once: each lane weighs
// splits lane and lane + 32, then sums channels of its own, four (or two) side by side.
template <int kDim, int kRows>
__device__ void combine_splits(const SplitOutput& to, std::int64_t pair, int splits, const SplitPartials& partials) {
  static_assert(kMostSplits == 64, "a lane for two splits");
  constexpr int kWide = kDim < 128 ? 2 : 4, kPieces = kDim / (32 * kWide);
  constexpr int kEach = (kRows + kSplitWarps - 1) / kSplitWarps;
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  const auto row_of = [&](int i) { return min(warp + i * kSplitWarps, to.group - 1); };  // repeats the last one
  const auto at = [&](int split, int i) { return (pair * kMostSplits + split) * to.group + row_of(i); };
  float weight[kEach][2], total[kEach], most[kEach];
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
    most[i] = -INFINITY;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int split = lane + 32 * half;
      weight[i][half] = split < splits ? __ldcg(&partials.most[at(split, i)]) : -INFINITY;
      most[i] = fmaxf(most[i], weight[i][half]);
    }
  }
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
    most[i] = most_over(most[i], 32);
    total[i] = 0.0f;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int split = lane + 32 * half;
      weight[i][half] = exp2f(weight[i][half] - most[i]);
      if (split < splits) total[i] += weight[i][half] * __ldcg(&partials.total[at(split, i)]);
    }
    total[i] = sum_over(total[i], 32);
  }
  float sum[kEach][kPieces][kWide] = {};
#pragma unroll 4
  for (int split = 0; split < splits; ++split) {
#pragma unroll
    for (int i = 0; i < kEach; ++i) {
      const float of_split = __shfl_sync(~0u, split < 32 ? weight[i][0] : weight[i][1], split % 32);
#pragma unroll
      for (int piece = 0; piece < kPieces; ++piece) {
        float part[kWide];
        load_cached(partials.out + at(split, i) * kDim + (32 * piece + lane) * kWide, part);
#pragma unroll
        for (int c = 0; c < kWide; ++c) sum[i][piece][c] += of_split * part[c];
      }
    }
  }
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
    if (warp + i * kSplitWarps >= to.group) continue;
    const std::int64_t row = pair * to.group + row_of(i);
    const float share = total[i] > 0.0f ? 1.0f / total[i] : 0.0f;
#pragma unroll
    for (int piece = 0; piece < kPieces; ++piece) {
      auto* const words = reinterpret_cast<Word*>(to.output + row * kDim + (32 * piece + lane) * kWide);
#pragma unroll
      for (int c = 0; c < kWide; c += 2) words[c / 2] = packed(sum[i][piece][c] * share, sum[i][piece][c + 1] * share);
    }
    if (lane == 0 && to.lse != nullptr) to.lse[row] = (most[i] + log2f(total[i])) * 0.693147181f;
  }
}

// By all threads of a CTA, once each warp has written its part of `shared`.
template <int kDim, int kRows>
__device__ void merge(const SplitOutput& to, std::int64_t pair, int split, int splits, WarpSums<kDim, kRows>& shared) {
  __syncthreads();
  const SplitPartials partials = partials_in(to.workspace, to.pairs, to.group);
  combine_warps(to, pair, split, splits, partials, shared);
  if (splits == 1) return;
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) shared.last = atomicAdd(&partials.arrived[pair], 1) == splits - 1;
  __syncthreads();
  if (!shared.last) return;
  __threadfence();
  combine_splits<kDim, kRows>(to, pair, splits, partials);
  if (threadIdx.x == 0) partials.arrived[pair] = 0;
}

}  // namespace outrider
