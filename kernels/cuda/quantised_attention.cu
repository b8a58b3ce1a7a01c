// Warps stream tiles of codes through rings of shared memory and turn them into fp16 in registers, where codes are
// exact; scales and zero points are applied to what comes of the products. S = Q·K' has query heads for rows, so that
// what a lane gets of it is what O' = V'·P' wants of that lane: no score moves between lanes.
#include <algorithm>
#include <cmath>

#include "kernels/cuda/quantised_attention.h"
#include "kernels/cuda/quantised_operands.h"
#include "kernels/cuda/quantised_tiles.h"
#include "kernels/cuda/split_merge.h"

namespace outrider {
namespace {

constexpr int kTile = kQuantisedTile;

// s[half][t] of query head l/4 of each half and the lane's token t: q · k ÷ unit. A column of the product stands for
// the token that makes these four neighbours.
template <class S>
__device__ void score(const Stage<S>& stage, const Query<S>& query, int lane, float (&s)[S::kHalves][4]) {
  Scales<S> scales;
  load(scales, stage.key_scales, lane);
#pragma unroll
  for (int columns = 0; columns < 2; ++columns) {
    const unsigned char* const row =
        stage.keys + lane / 8 * Stage<S>::kQuadBytes + (2 * columns + lane / 4 % 2) * S::kRowBytes;
#pragma unroll
    for (int g = 0; g < S::kGroups; ++g) {
      KeyPairs<S> keys;
      load(keys, row + g * S::kGroupBytes + lane % 4 * KeyPairs<S>::kBytes);
      float d[4] = {};
#pragma unroll
      for (int j = 0; j < KeyPairs<S>::kCount; j += 2) {
        const auto& upper = query.pairs[0][g].pairs;
        const auto& lower = query.pairs[S::kHalves - 1][g].pairs;
        multiply_fp16(d, upper[j], S::kHalves == 2 ? lower[j] : 0, upper[j + 1], S::kHalves == 2 ? lower[j + 1] : 0,
                      keys.pairs[j], keys.pairs[j + 1]);
      }
#pragma unroll
      for (int half = 0; half < S::kHalves; ++half) {
#pragma unroll
        for (int column = 0; column < 2; ++column) {
          const Word scale = scales.words[2 * columns + column][g];
          const float codes = fmaf(kMiddleCode<S::kBits>, query.sum[half][g], d[2 * half + column]);
          float& to = s[half][2 * columns + column];
          to = fmaf(low_of(scale), codes, fmaf(high_of(scale), query.sum[half][g], g == 0 ? 0.0f : to));
        }
      }
    }
  }
}

// What a warp keeps: weighted sums, the weight of a token 2^(score − reference).
template <class S>
struct Sums {
  float out[S::kHalves][S::kDim / 16][4];  // as products leave it: query heads 2(l%4) and 2(l%4) + 1 of each half
  float rest[S::kHalves][S::kGroups];      // what is the same for all channels of a group. Here and below: of head l/4,
  float total[S::kHalves];                 // and of the lane's own tokens
  float reference[S::kHalves];
};

// A weight times a scale is rounded to fp16. The reference is chosen to bring the largest of them to 2^kHeadroom, and
// stays until one exceeds kMostWeight (or weights themselves leave fp32): so weights of 2⁻¹⁹ of the largest keep their
// full precision, and few tiles need the maximum over lanes that a new reference takes.
constexpr float kHeadroom = 5.0f, kMostWeight = 32768.0f, kMostTotal = 0x1p110f, kLeastScale = 0x1p-60f;

template <class S>
__device__ void raise_reference(const float (&s)[4], const Scales<S>& scales, int half, int lane, Sums<S>& sums) {
  float top = -INFINITY;
#pragma unroll
  for (int t = 0; t < 4; ++t) {
    float scale = kLeastScale;
#pragma unroll
    for (int g = 0; g < S::kGroups; ++g) scale = fmaxf(scale, fabsf(low_of(scales.words[t][g])));
    top = fmaxf(top, s[t] + __log2f(scale));
  }
  const float reference = fmaxf(sums.reference[half], most_over(top, 4) - kHeadroom);
  const float shrink = exp2f(sums.reference[half] - reference);
  const float shrinks[2] = {__shfl_sync(~0u, shrink, 8 * (lane % 4)), __shfl_sync(~0u, shrink, 8 * (lane % 4) + 4)};
  sums.reference[half] = reference;
  sums.total[half] *= shrink;
#pragma unroll
  for (int g = 0; g < S::kGroups; ++g) sums.rest[half][g] *= shrink;
#pragma unroll
  for (int i = 0; i < S::kDim / 16; ++i) {
#pragma unroll
    for (int j = 0; j < 4; ++j) sums.out[half][i][j] *= shrinks[j % 2];
  }
}

// Weights of the lane's tokens, from scores of base 2.
template <class S>
struct Weights {
  float of_token[4], scaled[4][S::kGroups], total;
};

// Whether they are within what the reference is for.
template <class S>
__device__ bool weigh(const float (&s)[4], const Scales<S>& scales, float reference, Weights<S>& weights) {
  float most = 0.0f;
  weights.total = 0.0f;
#pragma unroll
  for (int t = 0; t < 4; ++t) {
    weights.of_token[t] = exp2_fast(s[t] - reference);
    weights.total += weights.of_token[t];
#pragma unroll
    for (int g = 0; g < S::kGroups; ++g) {
      weights.scaled[t][g] = weights.of_token[t] * low_of(scales.words[t][g]);
      most = fmaxf(most, fabsf(weights.scaled[t][g]));
    }
  }
  return most <= kMostWeight && weights.total <= kMostTotal;
}

// Scores to the pairs of weights that values are multiplied by.
template <class S>
__device__ void weigh(const float (&s)[4], const Scales<S>& scales, int half, int lane, Sums<S>& sums,
                      Word (&pairs)[S::kGroups][2]) {
  Weights<S> weights;
  if (!__all_sync(~0u, weigh(s, scales, sums.reference[half], weights))) {
    raise_reference(s, scales, half, lane, sums);
    weigh(s, scales, sums.reference[half], weights);
  }
  sums.total[half] += weights.total;
#pragma unroll
  for (int g = 0; g < S::kGroups; ++g) {
    float& rest = sums.rest[half][g];
#pragma unroll
    for (int t = 0; t < 4; ++t) {
      rest = fmaf(kMiddleCode<S::kBits>, weights.scaled[t][g], rest);
      rest = fmaf(high_of(scales.words[t][g]), weights.of_token[t], rest);
    }
    pairs[g][0] = packed_fp16(weights.scaled[0][g], weights.scaled[1][g]);
    pairs[g][1] = packed_fp16(weights.scaled[2][g], weights.scaled[3][g]);
  }
}

template <class S>
__device__ void accumulate(const Stage<S>& stage, const Word (&weights)[S::kHalves][S::kGroups][2], int lane,
                           Sums<S>& sums) {
  const unsigned char* const rows = stage.values + lane % 4 * Stage<S>::kQuadBytes;
#pragma unroll
  for (int g = 0; g < S::kGroups; ++g) {
    const unsigned char* const strip = rows + g * S::kGroupBytes + lane / 4 * ValuePairs<S>::kBytes;
    ValuePairs<S> early, late;
    load(early, strip, strip + S::kRowBytes);
    load(late, strip + 2 * S::kRowBytes, strip + 3 * S::kRowBytes);
#pragma unroll
    for (int j = 0; j < S::kValueStrip; j += 2) {
#pragma unroll
      for (int half = 0; half < S::kHalves; ++half)
        multiply_fp16(sums.out[half][(g * S::kValueStrip + j) / 2], early.pairs[j], early.pairs[j + 1], late.pairs[j],
                      late.pairs[j + 1], weights[half][g][0], weights[half][g][1]);
    }
  }
}

// Adds 16 tokens, of which the first `valid` count. Nothing is known of the others: 0 · NaN would spoil the sums.
template <class S>
__device__ void attend_tile(const Stage<S>& stage, const Query<S>& query, float scale, int valid, int lane,
                            Sums<S>& sums) {
  float s[S::kHalves][4];
  Scales<S> scales;
  Word weights[S::kHalves][S::kGroups][2];
  score(stage, query, lane, s);
  load(scales, stage.value_scales, lane);
#pragma unroll
  for (int half = 0; half < S::kHalves; ++half) {
#pragma unroll
    for (int t = 0; t < 4; ++t) s[half][t] *= scale * query.unit[half];
  }
  if (valid < kTile) {
#pragma unroll
    for (int t = 0; t < 4; ++t) {
      if (4 * (lane % 4) + t < valid) continue;
#pragma unroll
      for (int half = 0; half < S::kHalves; ++half) s[half][t] = -INFINITY;
#pragma unroll
      for (int g = 0; g < S::kGroups; ++g) scales.words[t][g] = 0;
    }
  }
#pragma unroll
  for (int half = 0; half < S::kHalves; ++half) weigh(s[half], scales, half, lane, sums, weights[half]);
  accumulate(stage, weights, lane, sums);
}

// A warp's tiles [begin, end) of a sequence of so many tokens.
template <class S>
__device__ void attend(const QuantisedAttention& problem, int sequence, int head, int begin, int end, int lane,
                       Stage<S>* ring, Sums<S>& sums) {
  const int tokens = problem.tokens[sequence], tiles_per_page = problem.page_tokens / kTile;
  Cursor next = cursor_at(problem, sequence, head, begin, end);
  const auto fetch_next = [&](int stage) {
    if (next.left > 0) {
      fetch(problem, head, next, lane, ring[stage]);
      advance(next, tiles_per_page);
    }
    close_copy_group();  // of nothing, too: what is waited for is counted in groups
  };
  for (int stage = 0; stage < S::kStages - 1; ++stage) fetch_next(stage);
  Query<S> query;
  const std::int64_t pair = static_cast<std::int64_t>(sequence) * problem.kv_heads + head;
  load(query, problem.queries + pair * problem.group * S::kDim, problem.group, lane);
  int stage = 0;
  for (int tile = begin; tile < end; ++tile) {
    wait_for_copy_groups<S::kStages - 2>();
    __syncwarp();  // all lanes' copies have landed, and all are done with the stage before
    fetch_next(stage == 0 ? S::kStages - 1 : stage - 1);
    attend_tile(ring[stage], query, problem.scale * 1.44269504f, tokens - tile * kTile, lane, sums);
    stage = stage == S::kStages - 1 ? 0 : stage + 1;
  }
}

template <class S>
using Shared = WarpSums<S::kDim, 8 * S::kHalves>;

template <class S>
__device__ void publish(Sums<S>& sums, int warp, int lane, Shared<S>& shared) {
#pragma unroll
  for (int half = 0; half < S::kHalves; ++half) {
    const float total = sum_over(sums.total[half], 4);
    if (lane % 4 == 0) {
      shared.most[warp][8 * half + lane / 4] = sums.reference[half];
      shared.total[warp][8 * half + lane / 4] = total;
    }
#pragma unroll
    for (int g = 0; g < S::kGroups; ++g) {
      const float rest = sum_over(sums.rest[half][g], 4);
#pragma unroll
      for (int column = 0; column < 2; ++column) {
        const int row = 2 * (lane % 4) + column;
        const float of_row = __shfl_sync(~0u, rest, 4 * row);
        float* const strip = shared.out[warp][8 * half + row] + g * S::kGroupChannels + lane / 4 * S::kValueStrip;
#pragma unroll
        for (int j = 0; j < S::kValueStrip; ++j)
          strip[j] = sums.out[half][(g * S::kValueStrip + j) / 2][j % 2 * 2 + column] + of_row;
      }
    }
  }
}

// Rings and, behind the loop, the warps' sums.
template <class S>
constexpr std::size_t kSharedBytes = std::max(sizeof(Stage<S>) * S::kStages * kSplitWarps, sizeof(Shared<S>));

// A CTA takes a split of one sequence and KV head, a warp a part of that.
template <class S>
__global__ void __launch_bounds__(32 * kSplitWarps, S::kDim* S::kHalves <= 128 ? 4 : 2)
    attend_split(QuantisedAttention problem, int splits, int tiles_per_split) {
  extern __shared__ uint4 memory[];
  const int warp = __shfl_sync(~0u, threadIdx.x / 32, 0);  // so that the compiler knows it is the same in all lanes
  const int lane = threadIdx.x % 32, split = blockIdx.x;
  const std::int64_t pair = blockIdx.y;
  const int sequence = static_cast<int>(pair / problem.kv_heads), head = static_cast<int>(pair % problem.kv_heads);
  const int tiles = (problem.tokens[sequence] + kTile - 1) / kTile;
  const int begin = min(split * tiles_per_split, tiles), end = min(begin + tiles_per_split, tiles);
  const int each = (end - begin + kSplitWarps - 1) / kSplitWarps;
  Sums<S> sums{};
#pragma unroll
  for (int half = 0; half < S::kHalves; ++half) sums.reference[half] = -1e30f;
  attend<S>(problem, sequence, head, min(begin + warp * each, end), min(begin + (warp + 1) * each, end), lane,
            reinterpret_cast<Stage<S>*>(memory) + warp * S::kStages, sums);
  __syncthreads();
  auto& shared = *reinterpret_cast<Shared<S>*>(memory);
  publish(sums, warp, lane, shared);
  const std::int64_t pairs = static_cast<std::int64_t>(problem.sequences) * problem.kv_heads;
  merge({problem.output, problem.lse, problem.workspace, pairs, problem.group}, pair, split, splits, shared);
}

// Rounds take about half as long as those of bf16: merging costs so much more of them. (Estimated.)
constexpr SplitCosts costs_of(int bits) { return {bits == 8 ? 4.0 : 2.5, 1.5, 0.2}; }

template <class S>
cudaError_t launch(const QuantisedAttention& problem, cudaStream_t stream) {
  const auto kernel = &attend_split<S>;
  const int pairs = problem.sequences * problem.kv_heads, tiles = (problem.most_tokens + kTile - 1) / kTile;
  SplitPlan plan;
  if (const cudaError_t e =
          plan_splits(reinterpret_cast<const void*>(kernel), kSharedBytes<S>, pairs, tiles, costs_of(S::kBits), plan);
      e != cudaSuccess)
    return e;
  kernel<<<dim3(plan.splits, pairs), 32 * kSplitWarps, kSharedBytes<S>, stream>>>(problem, plan.splits,
                                                                                  plan.tiles_per_split);
  return cudaGetLastError();
}

template <int kBits, int kDim, int kChannels>
cudaError_t launch_group(const QuantisedAttention& problem, cudaStream_t stream) {
  return problem.group <= 8 ? launch<Shape<kBits, kDim, kChannels, 1>>(problem, stream)
                            : launch<Shape<kBits, kDim, kChannels, 2>>(problem, stream);
}

template <int kBits, int kDim>
cudaError_t launch_channels(const QuantisedAttention& problem, cudaStream_t stream) {
  if (problem.cache.channels == 32) return launch_group<kBits, kDim, 32>(problem, stream);
  if (problem.cache.channels == 64) return launch_group<kBits, kDim, 64>(problem, stream);
  return launch_group<kBits, kDim, std::min(kDim, 128)>(problem, stream);
}

template <int kBits>
cudaError_t launch_dim(const QuantisedAttention& problem, cudaStream_t stream) {
  if (problem.cache.head_dim == 64) return launch_channels<kBits, 64>(problem, stream);
  if (problem.cache.head_dim == 128) return launch_channels<kBits, 128>(problem, stream);
  return launch_channels<kBits, 256>(problem, stream);
}

}  // namespace

std::size_t quantised_attention_workspace(std::int32_t sequences, std::int32_t kv_heads, std::int32_t group,
                                          std::int32_t head_dim) {
  return split_workspace(static_cast<std::int64_t>(sequences) * kv_heads, group, head_dim);
}

cudaError_t launch_quantised_attention(const QuantisedAttention& attention, cudaStream_t stream) {
  if (!is_valid(attention.cache) || attention.group < 1 || attention.group > kQuantisedMostGroup ||
      attention.sequences < 1 || attention.kv_heads < 1 || attention.page_tokens < 1 ||
      attention.page_tokens % kTile != 0 || attention.most_tokens < 0)
    return cudaErrorInvalidValue;
  if (attention.cache.bits == 8) return launch_dim<8>(attention, stream);
  if (attention.cache.bits == 4) return launch_dim<4>(attention, stream);
  return launch_dim<2>(attention, stream);
}

}  // namespace outrider
