// A radix select: three histograms of ever lower bits find the k-th largest score; then every warp counts what it keeps
// of its part of the row, and writes it behind what the warps before it keep.
#include "kernels/cuda/topk.h"

namespace outrider {
namespace {

constexpr int kThreads = 1024, kWarps = kThreads / 32;
constexpr int kBins = 2048;
constexpr int kBatch = 4;  // scores that a thread has in flight

// Keys order as scores do; that of NaN is below all others.
__device__ unsigned key_of(float score) {
  if (score != score) return 0;
  const unsigned bits = __float_as_uint(score + 0.0f);  // −0 becomes +0
  return bits >> 31 != 0 ? ~bits : bits | 0x80000000u;
}

// Zero behind the row.
__device__ unsigned key_at(const float* scores, int id, int count) {
  return id < count ? key_of(__ldg(scores + id)) : 0;
}

struct Shared {
  unsigned bins[kBins];
  int warp_sums[kWarps];
  int digit, above;  // the digit of the k-th largest, and how many keys have a larger one
  int above_of[kWarps], equal_of[kWarps];
};

// The keys with key >> shift > prefix are selected, and the first `wanted` of those with key >> shift == prefix.
struct Threshold {
  unsigned prefix;
  int shift, wanted;
};

__device__ int inclusive_sum(int value, int lane) {
  for (int step = 1; step < 32; step *= 2) {
    const int before = __shfl_up_sync(~0u, value, step);
    if (lane >= step) value += before;
  }
  return value;
}

// Finds the bin in which the `wanted`-th largest lies. Thread t owns bins from kBins − 1 − 2t downwards.
__device__ void find_digit(Shared& shared, int wanted) {
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, bin = kBins - 1 - 2 * threadIdx.x;
  const int first = shared.bins[bin], both = first + shared.bins[bin - 1];
  const int in_warp = inclusive_sum(both, lane);
  if (lane == 31) shared.warp_sums[warp] = in_warp;
  __syncthreads();
  const int warps = inclusive_sum(shared.warp_sums[lane], lane);
  const int above = __shfl_sync(~0u, warps, max(warp - 1, 0)) * (warp > 0) + in_warp - both;
  if (above < wanted && wanted <= above + both) {
    const bool in_first = wanted <= above + first;
    shared.digit = in_first ? bin : bin - 1;
    shared.above = in_first ? above : above + first;
  }
  __syncthreads();
}

__device__ Threshold find_threshold(Shared& shared, const float* scores, int count, int k) {
  constexpr int kDigits = 3;
  constexpr int kWidths[kDigits] = {11, 11, 10};
  Threshold threshold{0, 32, k};
#pragma unroll
  for (int d = 0; d < kDigits; ++d) {
    const int width = kWidths[d], shift = threshold.shift - width;
    for (int i = threadIdx.x; i < kBins; i += kThreads) shared.bins[i] = 0;
    __syncthreads();
    for (int base = threadIdx.x; base < count; base += kBatch * kThreads) {
      unsigned keys[kBatch];
#pragma unroll
      for (int i = 0; i < kBatch; ++i) keys[i] = key_at(scores, base + i * kThreads, count);
#pragma unroll
      for (int i = 0; i < kBatch; ++i) {
        const bool counts = base + i * kThreads < count && (d == 0 || keys[i] >> threshold.shift == threshold.prefix);
        if (counts) atomicAdd(&shared.bins[keys[i] >> shift & ((1u << width) - 1)], 1u);
      }
    }
    __syncthreads();
    find_digit(shared, threshold.wanted);
    threshold = {threshold.prefix << width | shared.digit, shift, threshold.wanted - shared.above};
    if (static_cast<int>(shared.bins[shared.digit]) == threshold.wanted) break;  // the whole bin is selected
    __syncthreads();
  }
  return threshold;
}

// Calls visit(id, above, equal) for a warp's part of the row, 32 ids at a time; all lanes call it.
template <class Visit>
__device__ void each_key(const float* scores, int count, const Threshold& threshold, Visit visit) {
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  const int part = (count + kThreads - 1) / kThreads * 32;
  const int end = min((warp + 1) * part, count);
  for (int base = warp * part; base < end; base += kBatch * 32) {
    unsigned keys[kBatch];
#pragma unroll
    for (int i = 0; i < kBatch; ++i) keys[i] = key_at(scores, base + 32 * i + lane, end) >> threshold.shift;
#pragma unroll
    for (int i = 0; i < kBatch; ++i) {
      const int id = base + 32 * i + lane;
      visit(id, id < end && keys[i] > threshold.prefix, id < end && keys[i] == threshold.prefix);
    }
  }
}

__device__ void write_selected(Shared& shared, const float* scores, int count, const Threshold& threshold,
                               std::int32_t* selected) {
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  int above_here = 0, equal_here = 0;
  each_key(scores, count, threshold, [&](int, bool above, bool equal) {
    above_here += __popc(__ballot_sync(~0u, above));
    equal_here += __popc(__ballot_sync(~0u, equal));
  });
  if (lane == 0) shared.above_of[warp] = above_here, shared.equal_of[warp] = equal_here;
  __syncthreads();
  const int above_sums = inclusive_sum(shared.above_of[lane], lane);
  const int equal_sums = inclusive_sum(shared.equal_of[lane], lane);
  int above_before = __shfl_sync(~0u, above_sums, warp) - above_here;
  int equal_before = __shfl_sync(~0u, equal_sums, warp) - equal_here;
  each_key(scores, count, threshold, [&](int id, bool above, bool equal) {
    const unsigned lower = (1u << lane) - 1, above_mask = __ballot_sync(~0u, above);
    const unsigned equal_mask = __ballot_sync(~0u, equal);
    const int equals = equal_before + __popc(equal_mask & lower);
    const int at = above_before + __popc(above_mask & lower) + min(equals, threshold.wanted);
    if (above || (equal && equals < threshold.wanted)) selected[at] = id;
    above_before += __popc(above_mask);
    equal_before += __popc(equal_mask);
  });
}

__global__ void __launch_bounds__(kThreads) select(TopK top) {
  __shared__ Shared shared;
  const int row = blockIdx.x, count = top.counts[row / top.rows_per_count], kept = min(top.k, count);
  const float* scores = top.scores + row * top.score_stride;
  std::int32_t* selected = top.selected + row * top.selected_stride;
  if (threadIdx.x == 0 && top.selected_counts != nullptr) top.selected_counts[row] = kept;
  if (kept == count) {
    for (int i = threadIdx.x; i < count; i += kThreads) selected[i] = i;
  } else if (kept > 0) {
    const Threshold threshold = find_threshold(shared, scores, count, kept);
    write_selected(shared, scores, count, threshold, selected);
  }
}

}  // namespace

cudaError_t launch_top_k(const TopK& top, cudaStream_t stream) {
  static_assert(kBins == 2 * kThreads && kWarps == 32, "two bins to a thread, a lane to a warp");
  if (top.rows < 0 || top.k < 0 || top.score_stride < 0 || top.selected_stride < top.k || top.rows_per_count < 1 ||
      top.rows % top.rows_per_count != 0)
    return cudaErrorInvalidValue;
  if (top.rows == 0) return cudaSuccess;
  select<<<top.rows, kThreads, 0, stream>>>(top);
  return cudaGetLastError();
}

}  // namespace outrider
