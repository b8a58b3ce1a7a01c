// A token's eighth of channels to a lane: kDim/8 lanes score a token for up to eight query heads at once, with an
// online softmax of their own. A CTA's teams of lanes meet in shared memory, the splits of a context in a second
// kernel.
#include <algorithm>
#include <cmath>

#include "kernels/cuda/device_math.h"
#include "kernels/cuda/kv_codes.h"
#include "kernels/cuda/quantised_attention.h"

namespace outrider {
namespace {

constexpr int kThreads = 128, kCtasPerSm = 3;
constexpr int kMostSplits = 32, kLeastTokens = 128;  // of a split
constexpr int kHeads = 8;                            // query heads of a CTA, at most

// Of the heads of one team of lanes; maxima and sums of exponentials, base 2, are the same in all of its lanes.
template <int kRows>
struct Sums {
  float out[kRows][8], most[kRows], total[kRows];
};

// Partial results: normalised outputs with the base-2 logarithms of their sums.
struct Partials {
  float* out;  // [sequence and head][split][group][head_dim]
  float* lse;  // [sequence and head][split][group]
};

__host__ __device__ Partials partials_in(void* workspace, std::int64_t heads, int group, int head_dim) {
  auto* out = static_cast<float*>(workspace);
  return {out, out + heads * kMostSplits * group * head_dim};
}

template <int kRows>
__device__ void add_token(Sums<kRows>& sums, const float (&scores)[kRows], const float (&value)[8]) {
#pragma unroll
  for (int row = 0; row < kRows; ++row) {
    if (scores[row] > sums.most[row]) {
      const float shrink = exp2f(sums.most[row] - scores[row]);
      sums.total[row] *= shrink;
      sums.most[row] = scores[row];
#pragma unroll
      for (int i = 0; i < 8; ++i) sums.out[row][i] *= shrink;
    }
    const float weight = exp2f(scores[row] - sums.most[row]);
    sums.total[row] += weight;
#pragma unroll
    for (int i = 0; i < 8; ++i) sums.out[row][i] += weight * value[i];
  }
}

template <int kRows>
__device__ void score(const float (&query)[kRows][8], const float (&key)[8], int lanes, float (&scores)[kRows]) {
#pragma unroll
  for (int row = 0; row < kRows; ++row) {
    scores[row] = 0.0f;
#pragma unroll
    for (int i = 0; i < 8; ++i) scores[row] += query[row][i] * key[i];
    scores[row] = sum_over(scores[row], lanes);
  }
}

// A team attends every kTeams-th token of [begin, end), kBatch of them in flight.
template <int kBits, int kDim, int kRows>
__device__ void attend(const QuantisedAttention& problem, const float (&query)[kRows][8], int begin, int end,
                       Sums<kRows>& sums) {
  constexpr int kLanes = kDim / 8, kTeams = kThreads / kLanes, kBatch = kRows == kHeads ? 2 : 4;
  const int head = blockIdx.y % problem.kv_heads, sequence = blockIdx.y / problem.kv_heads;
  const int team = threadIdx.x / kLanes, eighth = threadIdx.x % kLanes;
  const std::int32_t* pages = problem.pages + sequence * problem.sequence_stride + head * problem.head_stride;
  for (int first = begin; first < end; first += kBatch * kTeams) {  // in step with the other team of the warp
    QuantisedChannels<kBits> keys[kBatch], values[kBatch];
#pragma unroll
    for (int i = 0; i < kBatch; ++i) {
      const int token = min(first + i * kTeams + team, end - 1);
      const std::int64_t page = __ldg(pages + token / problem.page_tokens);
      const std::int64_t row = (page * problem.kv_heads + head) * 2 * problem.page_tokens + token % problem.page_tokens;
      keys[i] = load_channels<kBits>(problem.cache, row, eighth);
      values[i] = load_channels<kBits>(problem.cache, row + problem.page_tokens, eighth);
    }
#pragma unroll
    for (int i = 0; i < kBatch; ++i) {
      float channels[8], scores[kRows];
      dequantise(keys[i], channels);
      score(query, channels, kLanes, scores);
      dequantise(values[i], channels);
      if (first + i * kTeams + team < end) add_token(sums, scores, channels);
    }
  }
}

template <int kDim, int kRows>
struct Shared {
  static constexpr int kTeams = kThreads / (kDim / 8);
  float out[kTeams][kRows][kDim], most[kTeams][kRows], total[kTeams][kRows];
};

// The CTA's teams into a partial result of `rows` heads from `first_row`.
template <int kDim, int kRows>
__device__ void combine_teams(const QuantisedAttention& problem, const Shared<kDim, kRows>& shared, int first_row,
                              int rows) {
  const std::int64_t heads = static_cast<std::int64_t>(problem.sequences) * problem.kv_heads;
  const Partials partials = partials_in(problem.workspace, heads, problem.group, kDim);
  const std::int64_t first = (blockIdx.y * kMostSplits + blockIdx.x) * static_cast<std::int64_t>(problem.group);
  for (int i = threadIdx.x; i < rows * kDim; i += kThreads) {
    const int row = i / kDim, channel = i % kDim;
    float most = -INFINITY, total = 0.0f, sum = 0.0f;
    for (int team = 0; team < shared.kTeams; ++team) most = fmaxf(most, shared.most[team][row]);
    for (int team = 0; team < shared.kTeams; ++team) {
      if (shared.total[team][row] == 0.0f) continue;  // it had no token
      const float weight = exp2f(shared.most[team][row] - most);
      total += weight * shared.total[team][row];
      sum += weight * shared.out[team][row][channel];
    }
    const std::int64_t to = first + first_row + row;
    partials.out[to * kDim + channel] = total == 0.0f ? 0.0f : sum / total;
    if (channel == 0) partials.lse[to] = total == 0.0f ? -INFINITY : most + log2f(total);
  }
}

// Grid: splits, sequences · kv_heads, group ÷ kRows.
template <int kBits, int kDim, int kRows>
__global__ void __launch_bounds__(kThreads, kCtasPerSm) attend_split(QuantisedAttention problem) {
  __shared__ Shared<kDim, kRows> shared;
  constexpr int kLanes = kDim / 8;
  const int team = threadIdx.x / kLanes, eighth = threadIdx.x % kLanes;
  const int first_row = blockIdx.z * kRows, rows = min(kRows, problem.group - first_row);
  float query[kRows][8];
  Sums<kRows> sums;
#pragma unroll
  for (int row = 0; row < kRows; ++row) {  // rows beyond the group repeat its last
    const std::int64_t at = static_cast<std::int64_t>(blockIdx.y) * problem.group + first_row + min(row, rows - 1);
    unpack(load16(problem.queries + at * kDim + 8 * eighth), query[row]);
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      query[row][i] *= problem.scale * 1.44269504f;  // exponentials are of base 2
      sums.out[row][i] = 0.0f;
    }
    sums.most[row] = -INFINITY;
    sums.total[row] = 0.0f;
  }
  const int tokens = problem.tokens[blockIdx.y / problem.kv_heads];
  const int per_split = (tokens + gridDim.x - 1) / gridDim.x, begin = blockIdx.x * per_split;
  attend<kBits, kDim, kRows>(problem, query, begin, min(begin + per_split, tokens), sums);
#pragma unroll
  for (int row = 0; row < kRows; ++row) {
#pragma unroll
    for (int i = 0; i < 8; ++i) shared.out[team][row][8 * eighth + i] = sums.out[row][i];
    if (eighth == 0) shared.most[team][row] = sums.most[row], shared.total[team][row] = sums.total[row];
  }
  __syncthreads();
  combine_teams(problem, shared, first_row, rows);
}

// A CTA merges the splits of one query head, a thread a channel.
__global__ void combine_splits(QuantisedAttention problem, int splits) {
  const std::int64_t pair = blockIdx.x / problem.group, row = blockIdx.x % problem.group;
  const std::int64_t heads = static_cast<std::int64_t>(problem.sequences) * problem.kv_heads;
  const int dim = blockDim.x, channel = threadIdx.x;
  const Partials partials = partials_in(problem.workspace, heads, problem.group, dim);
  const auto at = [&](int split) { return (pair * kMostSplits + split) * problem.group + row; };
  float most = -INFINITY, total = 0.0f, sum = 0.0f;
  for (int split = 0; split < splits; ++split) most = fmaxf(most, partials.lse[at(split)]);
  for (int split = 0; split < splits; ++split) {
    const float weight = most == -INFINITY ? 0.0f : exp2f(partials.lse[at(split)] - most);
    total += weight;
    sum += weight * partials.out[at(split) * dim + channel];
  }
  problem.output[static_cast<std::int64_t>(blockIdx.x) * dim + channel] =
      __float2bfloat16(total == 0.0f ? 0.0f : sum / total);
  if (channel == 0 && problem.lse != nullptr)
    problem.lse[blockIdx.x] = total == 0.0f ? -INFINITY : (most + log2f(total)) * 0.693147181f;
}

// Enough splits to give every SM a few CTAs, each of enough tokens.
int splits_for(const QuantisedAttention& problem, int sms) {
  const int pairs = problem.sequences * problem.kv_heads * ((problem.group + kHeads - 1) / kHeads);
  const int most = std::min(kMostSplits, (problem.most_tokens + kLeastTokens - 1) / kLeastTokens);
  return std::clamp((kCtasPerSm * sms + pairs - 1) / pairs, 1, std::max(most, 1));
}

template <int kBits, int kDim>
void launch_rows(const QuantisedAttention& problem, int splits, cudaStream_t stream) {
  const int pairs = problem.sequences * problem.kv_heads;
  if (problem.group == 1) {
    attend_split<kBits, kDim, 1><<<dim3(splits, pairs, 1), kThreads, 0, stream>>>(problem);
  } else if (problem.group <= 4) {
    attend_split<kBits, kDim, 4><<<dim3(splits, pairs, 1), kThreads, 0, stream>>>(problem);
  } else {
    const int parts = (problem.group + kHeads - 1) / kHeads;
    attend_split<kBits, kDim, kHeads><<<dim3(splits, pairs, parts), kThreads, 0, stream>>>(problem);
  }
}

template <int kBits>
void launch_dim(const QuantisedAttention& problem, int splits, cudaStream_t stream) {
  switch (problem.cache.head_dim) {
    case 64:
      return launch_rows<kBits, 64>(problem, splits, stream);
    case 128:
      return launch_rows<kBits, 128>(problem, splits, stream);
    default:
      return launch_rows<kBits, 256>(problem, splits, stream);
  }
}

}  // namespace

std::size_t quantised_attention_workspace(std::int32_t sequences, std::int32_t kv_heads, std::int32_t group,
                                          std::int32_t head_dim) {
  return std::size_t{4} * sequences * kv_heads * kMostSplits * group * (head_dim + 1);
}

cudaError_t launch_quantised_attention(const QuantisedAttention& attention, cudaStream_t stream) {
  if (!is_valid(attention.cache) || attention.group < 1 || attention.group > kQuantisedMostGroup ||
      attention.sequences < 1 || attention.kv_heads < 1 || attention.page_tokens < 1 || attention.most_tokens < 0)
    return cudaErrorInvalidValue;
  int device = 0, sms = 0;
  if (const cudaError_t e = cudaGetDevice(&device); e != cudaSuccess) return e;
  if (const cudaError_t e = cudaDeviceGetAttribute(&sms, cudaDevAttrMultiProcessorCount, device); e != cudaSuccess)
    return e;
  const int splits = splits_for(attention, sms);
  switch (attention.cache.bits) {
    case 8:
      launch_dim<8>(attention, splits, stream);
      break;
    case 4:
      launch_dim<4>(attention, splits, stream);
      break;
    default:
      launch_dim<2>(attention, splits, stream);
      break;
  }
  if (const cudaError_t e = cudaGetLastError(); e != cudaSuccess) return e;
  const int rows = attention.sequences * attention.kv_heads * attention.group;
  combine_splits<<<rows, attention.cache.head_dim, 0, stream>>>(attention, splits);
  return cudaGetLastError();
}

}  // namespace outrider
