// A thread merges eight channels of a row: output = (w₁ · first + w₂ · second) ÷ (w₁ + w₂), w = exp(lse − larger lse).
#include <cmath>

#include "kernels/cuda/device_math.h"
#include "kernels/cuda/merge.h"

namespace outrider {
namespace {

constexpr int kThreads = 256, kChannels = 8;

// Plain loads: the output may be an input.
__device__ void load(const __nv_bfloat16* at, float (&values)[kChannels]) {
  unpack(*reinterpret_cast<const uint4*>(at), values);
}
__device__ void load(const float* at, float (&values)[kChannels]) {
  const float4 low = reinterpret_cast<const float4*>(at)[0], high = reinterpret_cast<const float4*>(at)[1];
  values[0] = low.x, values[1] = low.y, values[2] = low.z, values[3] = low.w;
  values[4] = high.x, values[5] = high.y, values[6] = high.z, values[7] = high.w;
}

// Of the two parts; zero for a part without tokens.
struct Weights {
  float first, second, lse;
};

__device__ Weights weights_of(float first_lse, float second_lse) {
  const float most = fmaxf(first_lse, second_lse);
  if (most == -INFINITY) return {0.0f, 0.0f, -INFINITY};
  const float first = expf(first_lse - most), second = expf(second_lse - most), total = first + second;
  return {first / total, second / total, most + logf(total)};
}

template <class Second>
__global__ void __launch_bounds__(kThreads) merge_rows(MergePartials<Second> merge) {
  const int per_row = merge.head_dim / kChannels;
  const std::int64_t item = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x, row = item / per_row;
  if (row >= merge.rows) return;
  const Weights weights = weights_of(merge.first_lse[row], merge.second_lse[row]);
  float sums[kChannels] = {}, values[kChannels];
  if (weights.first > 0.0f) {
    load(merge.first + item * kChannels, values);
    for (int i = 0; i < kChannels; ++i) sums[i] = weights.first * values[i];
  }
  if (weights.second > 0.0f) {
    load(merge.second + item * kChannels, values);
    for (int i = 0; i < kChannels; ++i) sums[i] += weights.second * values[i];
  }
  reinterpret_cast<uint4*>(merge.output)[item] = pack(sums);
  if (merge.lse != nullptr && item % per_row == 0) merge.lse[row] = weights.lse;
}

template <class Second>
cudaError_t launch(const MergePartials<Second>& merge, cudaStream_t stream) {
  if (merge.rows < 0 || merge.head_dim < kChannels || merge.head_dim % kChannels != 0) return cudaErrorInvalidValue;
  if (merge.rows == 0) return cudaSuccess;
  const std::int64_t items = static_cast<std::int64_t>(merge.rows) * (merge.head_dim / kChannels);
  merge_rows<<<static_cast<unsigned>((items + kThreads - 1) / kThreads), kThreads, 0, stream>>>(merge);
  return cudaGetLastError();
}

}  // namespace

cudaError_t launch_merge(const MergePartials<__nv_bfloat16>& merge, cudaStream_t stream) {
  return launch(merge, stream);
}
cudaError_t launch_merge(const MergePartials<float>& merge, cudaStream_t stream) { return launch(merge, stream); }

}  // namespace outrider
