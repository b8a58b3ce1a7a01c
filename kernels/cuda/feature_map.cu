// Features are a product on the tensor core with an exponential behind it; summaries and completions are sums in fp32,
// a thread to a channel.
#include <cmath>

#include "kernels/cuda/device_math.h"
#include "kernels/cuda/feature_map.h"

namespace outrider {
namespace {

constexpr int kWarps = 4, kThreads = 32 * kWarps, kRows = 16;

// |row|², of rows l/4 and l/4 + 8 of which the lane holds its channels.
template <int kChunks>
__device__ float square_of(const uint4 (&row)[kChunks]) {
  float sum = 0.0f;
#pragma unroll
  for (int c = 0; c < kChunks; ++c) {
    float x[8];
    unpack(row[c], x);
    for (int i = 0; i < 8; ++i) sum += x[i] * x[i];
  }
  return sum_over(sum, 4);
}

// A warp maps 16 rows, eight features at a time. Lane l holds channels 32c + 8(l%4) + {0 … 7} of rows l/4 and l/4 + 8
// and of feature l/4, and gets of both rows the features 2(l%4) + {0, 1}.
template <int kDim>
__global__ void __launch_bounds__(kThreads)
    map_features(FeatureMap map, const __nv_bfloat16* vectors, std::int64_t rows, float* result) {
  constexpr int kChunks = kDim / 32;
  const int lane = threadIdx.x % 32;
  const std::int64_t first = (static_cast<std::int64_t>(blockIdx.x) * kWarps + threadIdx.x / 32) * kRows + lane / 4;
  if (first - lane / 4 >= rows) return;
  uint4 x[2][kChunks];
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    const std::int64_t row = first + 8 * i < rows ? first + 8 * i : rows - 1;
#pragma unroll
    for (int c = 0; c < kChunks; ++c) x[i][c] = load16(vectors + row * kDim + 32 * c + 8 * (lane % 4));
  }
  const float root = sqrtf(map.scale), norm = rsqrtf(static_cast<float>(map.features));
  const float half[2] = {0.5f * map.scale * square_of(x[0]), 0.5f * map.scale * square_of(x[1])};
  for (int feature = 0; feature < map.features; feature += 8) {
    float products[4] = {};
    const __nv_bfloat16* w = map.matrix + (feature + lane / 4) * kDim + 8 * (lane % 4);
#pragma unroll
    for (int c = 0; c < kChunks; ++c) {
      const uint4 b = *reinterpret_cast<const uint4*>(w + 32 * c);  // through L1: all warps read it
#pragma unroll
      for (int k = 0; k < 4; k += 2) {
        multiply(products, word(x[0][c], k), word(x[1][c], k), word(x[0][c], k + 1), word(x[1][c], k + 1), word(b, k),
                 word(b, k + 1));
      }
    }
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      if (first + 8 * i >= rows) continue;
      const float2 pair =
          make_float2(expf(root * products[2 * i] - half[i]) * norm, expf(root * products[2 * i + 1] - half[i]) * norm);
      *reinterpret_cast<float2*>(result + (first + 8 * i) * map.features + feature + 2 * (lane % 4)) = pair;
    }
  }
}

// A CTA adds a pair's tokens to eight rows of S, a thread to a channel; the first eight threads add to u.
constexpr int kSummaryRows = 8;

__global__ void add_to_summary(FeatureSummary summary) {
  const std::int64_t pair = blockIdx.y, row = blockIdx.x * kSummaryRows;
  const int channel = threadIdx.x;
  const float* features = summary.key_features + pair * summary.token_stride * summary.features + row;
  const __nv_bfloat16* values = summary.values + pair * summary.token_stride * summary.head_dim + channel;
  float sums[kSummaryRows] = {}, weight = 0.0f;
#pragma unroll 4
  for (int token = 0; token < summary.tokens[pair]; ++token) {
    const float* at = features + static_cast<std::int64_t>(token) * summary.features;
    const float4 low = __ldg(reinterpret_cast<const float4*>(at)),
                 high = __ldg(reinterpret_cast<const float4*>(at) + 1);
    const float value = __bfloat162float(values[static_cast<std::int64_t>(token) * summary.head_dim]);
    const float feature[kSummaryRows] = {low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w};
#pragma unroll
    for (int i = 0; i < kSummaryRows; ++i) sums[i] += feature[i] * value;
    if (channel < kSummaryRows) weight += __ldg(at + channel);
  }
  float* to = summary.sums + (pair * summary.features + row) * summary.head_dim + channel;
#pragma unroll
  for (int i = 0; i < kSummaryRows; ++i) to[i * summary.head_dim] += sums[i];
  if (channel < kSummaryRows) summary.weights[pair * summary.features + row + channel] += weight;
}

// φ(q) · φ, in every lane of the warp.
__device__ float product(const float* query, const float* features, int count, int lane) {
  float sum = 0.0f;
  for (int i = lane; i < count; i += 32) sum += query[i] * features[i];
  return sum_over(sum, 32);
}

// Numerator of the thread's channel and denominator of the estimate.
struct Estimate {
  float sum, weight;
};

// Takes off what the retrieved tokens put into S and u, kChunk tokens at a time.
__device__ void take_off(const Completion& problem, std::int64_t pair, const float* query, Estimate& estimate) {
  constexpr int kChunk = 64;
  __shared__ float products[kChunk];
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, warps = blockDim.x / 32;
  const float* features = problem.key_features + pair * problem.retrieved_stride * problem.features;
  const __nv_bfloat16* values = problem.values + pair * problem.retrieved_stride * problem.head_dim + threadIdx.x;
  const int tokens = problem.retrieved[pair];
  for (int first = 0; first < tokens; first += kChunk) {
    const int chunk = min(kChunk, tokens - first);
    for (int i = warp; i < chunk; i += warps) {
      const std::int64_t token = first + i;
      const float weight = product(query, features + token * problem.features, problem.features, lane);
      if (lane == 0) products[i] = weight;
    }
    __syncthreads();
#pragma unroll 4
    for (int i = 0; i < chunk; ++i) {
      const std::int64_t token = first + i;
      estimate.sum -= products[i] * __bfloat162float(values[token * problem.head_dim]);
      estimate.weight -= products[i];
    }
    __syncthreads();
  }
}

// A CTA completes one query head, a thread a channel.
__global__ void complete(Completion problem) {
  __shared__ float query[kMostFeatures];
  const std::int64_t row = blockIdx.x, pair = row / problem.group;
  const int channel = threadIdx.x;
  for (int i = threadIdx.x; i < problem.features; i += blockDim.x)
    query[i] = problem.query_features[row * problem.features + i];
  __syncthreads();
  const float* sums = problem.sums + pair * problem.features * problem.head_dim + channel;
  const float* weights = problem.weights + pair * problem.features;
  Estimate estimate{0.0f, 0.0f};
#pragma unroll 4
  for (int i = 0; i < problem.features; ++i) {
    estimate.sum += query[i] * sums[static_cast<std::int64_t>(i) * problem.head_dim];
    estimate.weight += query[i] * weights[i];
  }
  take_off(problem, pair, query, estimate);
  const float exact = __bfloat162float(problem.exact[row * problem.head_dim + channel]), lse = problem.lse[row];
  // Both parts relative to the larger of exp(lse) and 1, for neither may overflow.
  const float exact_weight = expf(fminf(lse, 0.0f)), shrink = expf(-fmaxf(lse, 0.0f));
  const bool has_estimate = estimate.weight > 0.0f;
  const float sum = exact_weight * exact + shrink * estimate.sum, weight = exact_weight + shrink * estimate.weight;
  problem.output[row * problem.head_dim + channel] = __float2bfloat16(has_estimate ? sum / weight : exact);
}

bool is_shape(int features, int head_dim) {
  return features >= 8 && features <= kMostFeatures && features % 8 == 0 && (head_dim == 64 || head_dim == 128);
}

}  // namespace

cudaError_t launch_features(const FeatureMap& map, const __nv_bfloat16* vectors, std::int64_t rows, float* result,
                            cudaStream_t stream) {
  if (!is_shape(map.features, map.head_dim) || rows < 0 || !(map.scale >= 0.0f)) return cudaErrorInvalidValue;
  if (rows == 0) return cudaSuccess;
  const auto ctas = static_cast<unsigned>((rows + kRows * kWarps - 1) / (kRows * kWarps));
  if (map.head_dim == 64) {
    map_features<64><<<ctas, kThreads, 0, stream>>>(map, vectors, rows, result);
  } else {
    map_features<128><<<ctas, kThreads, 0, stream>>>(map, vectors, rows, result);
  }
  return cudaGetLastError();
}

cudaError_t launch_feature_summary(const FeatureSummary& summary, cudaStream_t stream) {
  if (!is_shape(summary.features, summary.head_dim) || summary.pairs < 0 || summary.token_stride < 0)
    return cudaErrorInvalidValue;
  if (summary.pairs == 0) return cudaSuccess;
  const dim3 grid(summary.features / kSummaryRows, summary.pairs);
  add_to_summary<<<grid, summary.head_dim, 0, stream>>>(summary);
  return cudaGetLastError();
}

cudaError_t launch_completion(const Completion& completion, cudaStream_t stream) {
  if (!is_shape(completion.features, completion.head_dim) || completion.pairs < 0 || completion.group < 1 ||
      completion.retrieved_stride < 0)
    return cudaErrorInvalidValue;
  if (completion.pairs == 0) return cudaSuccess;
  complete<<<completion.pairs * completion.group, completion.head_dim, 0, stream>>>(completion);
  return cudaGetLastError();
}

}  // namespace outrider
