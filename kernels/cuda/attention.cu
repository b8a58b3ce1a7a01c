// Warps hold K, V and sums in registers. Products run transposed, S' = K·Q' and O' = V'·P', so that up to eight query
// heads fill the narrow side of the tensor core's tile, and every global load is 16 bytes of a row.
#include <cmath>

#include "kernels/cuda/attention.h"
#include "kernels/cuda/device_math.h"
#include "kernels/cuda/split_merge.h"

namespace outrider {
namespace {

constexpr int kDim = kAttentionHeadDim, kPage = kAttentionPageTokens, kWarps = kSplitWarps, kTile = 16;

__device__ Word transposed(Word word) {  // of an 8 × 8 tile of bf16 spread over the warp
  Word out;
  asm volatile("movmatrix.sync.aligned.m8n8.trans.b16 %0, %1;" : "=r"(out) : "r"(word));
  return out;
}

__device__ float most_of_rows(float value) {  // over the eight lanes with the same lane % 4
  for (int step = 4; step < 32; step *= 2) value = fmaxf(value, __shfl_xor_sync(~0u, value, step));
  return value;
}
__device__ float sum_of_rows(float value) {
  for (int step = 4; step < 32; step *= 2) value += __shfl_xor_sync(~0u, value, step);
  return value;
}

// What a warp keeps of 8 · kHalves query heads. Lane l owns columns (heads) 2(l%4), 2(l%4)+1 of every half, and of the
// output channels 64h + 8(l/4) + 2j + {0, 1}, h < 2, j < 4.
template <int kHalves>
struct Sums {
  float out[kHalves][8][4];  // [half][4h + j][channel bit · 2 + column]
  float most[kHalves][2], total[kHalves][2];
};

// 16 rows of K or V of a page.
struct KeyTile {
  uint4 rows[2][4];  // token l/4 + 8i, channels 32c + 8(l%4)
};
struct ValueTile {
  uint4 rows[2][4];  // channels 64h + 8(l/4), tokens 2(l%4) + {0, 1, 8, 9}
};

__device__ void load(KeyTile& tile, const __nv_bfloat16* keys, int lane) {
  for (int i = 0; i < 2; ++i) {
    for (int c = 0; c < 4; ++c) tile.rows[i][c] = load16(keys + (lane / 4 + 8 * i) * kDim + 32 * c + 8 * (lane % 4));
  }
}
__device__ void load(ValueTile& tile, const __nv_bfloat16* values, int lane) {
  for (int h = 0; h < 2; ++h) {
    for (int t = 0; t < 4; ++t) {
      const int token = 2 * (lane % 4) + t % 2 + 8 * (t / 2);
      tile.rows[h][t] = load16(values + token * kDim + 64 * h + 8 * (lane / 4));
    }
  }
}

// Nothing is known of the rows behind the last token: 0 · NaN would spoil the sums.
__device__ void clear_behind(ValueTile& tile, int valid, int lane) {
  for (int t = 0; t < 4; ++t) {
    if (2 * (lane % 4) + t % 2 + 8 * (t / 2) < valid) continue;
    for (int h = 0; h < 2; ++h) tile.rows[h][t] = make_uint4(0, 0, 0, 0);
  }
}

// Scores of 16 tokens: s[0], s[1] of token l/4 and the lane's two heads, s[2], s[3] of token l/4 + 8.
__device__ void score(const KeyTile& keys, const uint4 (&query)[4], float (&s)[4]) {
  s[0] = s[1] = s[2] = s[3] = 0.0f;
#pragma unroll
  for (int c = 0; c < 4; ++c) {
#pragma unroll
    for (int k = 0; k < 4; k += 2) {
      multiply(s, word(keys.rows[0][c], k), word(keys.rows[1][c], k), word(keys.rows[0][c], k + 1),
               word(keys.rows[1][c], k + 1), word(query[c], k), word(query[c], k + 1));
    }
  }
}

template <int kHalves>
__device__ void weigh(float (&s)[4], int half, float scale, int valid, int lane, Sums<kHalves>& sums) {
  const bool first = lane / 4 < valid, second = lane / 4 + 8 < valid;
#pragma unroll
  for (int column = 0; column < 2; ++column) {
    const float low = first ? s[column] * scale : -INFINITY, high = second ? s[2 + column] * scale : -INFINITY;
    const float most = fmaxf(sums.most[half][column], most_of_rows(fmaxf(low, high)));
    const float shrink = exp2f(sums.most[half][column] - most);
    s[column] = exp2f(low - most);
    s[2 + column] = exp2f(high - most);
    sums.total[half][column] = sums.total[half][column] * shrink + s[column] + s[2 + column];
    sums.most[half][column] = most;
#pragma unroll
    for (int j = 0; j < 8; ++j) {
      sums.out[half][j][column] *= shrink;
      sums.out[half][j][2 + column] *= shrink;
    }
  }
}

template <int kHalves>
__device__ void accumulate(const ValueTile& values, const float (&s)[4], int half, Sums<kHalves>& sums) {
  const Word first = transposed(packed(s[0], s[1])), second = transposed(packed(s[2], s[3]));
#pragma unroll
  for (int h = 0; h < 2; ++h) {
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      const Word a = word(values.rows[h][0], j), b = word(values.rows[h][1], j);
      const Word c = word(values.rows[h][2], j), d = word(values.rows[h][3], j);
      multiply(sums.out[half][4 * h + j], __byte_perm(a, b, 0x5410), __byte_perm(a, b, 0x7632),
               __byte_perm(c, d, 0x5410), __byte_perm(c, d, 0x7632), first, second);
    }
  }
}

struct Range {
  int begin, end;  // tiles of the sequence
};

template <int kHalves>
__device__ void attend_range(const DecodeAttention& problem, int sequence, int head, Range range, int warp, int lane,
                             Sums<kHalves>& sums) {
  uint4 query[kHalves][4];
#pragma unroll
  for (int half = 0; half < kHalves; ++half) {
    const int row = min(8 * half + lane / 4, problem.group - 1);
    const __nv_bfloat16* q =
        problem.queries +
        ((static_cast<std::int64_t>(sequence) * problem.kv_heads + head) * problem.group + row) * kDim;
    for (int c = 0; c < 4; ++c) query[half][c] = load16(q + 32 * c + 8 * (lane % 4));
  }
  const int tokens = problem.tokens[sequence];
  const std::int32_t* pages = problem.pages + sequence * problem.sequence_stride + head * problem.head_stride;
  constexpr int kTilesPerPage = kPage / kTile;
  const auto page_of = [&](int tile) { return tile < range.end ? __ldg(pages + tile / kTilesPerPage) : 0; };
  const auto keys_in = [&](std::int64_t page, int tile) {
    return problem.cache + (page * problem.kv_heads + head) * (2 * kPage * kDim) +
           tile % kTilesPerPage * (kTile * kDim);
  };
  const float scale = problem.scale * 1.44269504f;  // exponentials are of base 2
  int tile = range.begin + warp;
  if (tile >= range.end) return;
  KeyTile keys;
  ValueTile values;
  const __nv_bfloat16* at = keys_in(page_of(tile), tile);
  std::int32_t next_page = page_of(tile + kWarps);  // looked up a round early, for the address must not be waited for
  load(keys, at, lane);
  load(values, at + kPage * kDim, lane);
  for (; tile < range.end; tile += kWarps) {
    const int next = tile + kWarps;
    at = keys_in(next_page, next);
    next_page = page_of(next + kWarps);
    float s[kHalves][4];
#pragma unroll
    for (int half = 0; half < kHalves; ++half) score(keys, query[half], s[half]);
    if (next < range.end) load(keys, at, lane);
    const int valid = tokens - tile * kTile;
    if (valid < kTile) clear_behind(values, valid, lane);
#pragma unroll
    for (int half = 0; half < kHalves; ++half) {
      weigh(s[half], half, scale, valid, lane, sums);
      accumulate(values, s[half], half, sums);
    }
    if (next < range.end) load(values, at + kPage * kDim, lane);
  }
}

template <int kHalves>
__device__ void publish(const Sums<kHalves>& sums, int warp, int lane, WarpSums<kDim, 8 * kHalves>& shared) {
#pragma unroll
  for (int half = 0; half < kHalves; ++half) {
#pragma unroll
    for (int column = 0; column < 2; ++column) {
      const int row = 8 * half + 2 * (lane % 4) + column;
      const float total = sum_of_rows(sums.total[half][column]);
      if (lane < 4) {
        shared.most[warp][row] = sums.most[half][column];
        shared.total[warp][row] = total;
      }
#pragma unroll
      for (int j = 0; j < 8; ++j) {
        const int channel = 64 * (j / 4) + 8 * (lane / 4) + 2 * (j % 4);
        shared.out[warp][row][channel] = sums.out[half][j][column];
        shared.out[warp][row][channel + 1] = sums.out[half][j][2 + column];
      }
    }
  }
}

// A CTA takes a split of one sequence and KV head; the last of its splits to arrive merges them.
template <int kHalves>
__global__ void __launch_bounds__(32 * kWarps, kHalves == 1 ? 3 : 2)
    decode_attention(DecodeAttention problem, int splits, int tiles_per_split) {
  extern __shared__ char memory[];
  auto& shared = *reinterpret_cast<WarpSums<kDim, 8 * kHalves>*>(memory);
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, split = blockIdx.x;
  const std::int64_t pair = blockIdx.y;
  const int sequence = static_cast<int>(pair / problem.kv_heads), head = static_cast<int>(pair % problem.kv_heads);
  const int tiles = (problem.tokens[sequence] + kTile - 1) / kTile;
  const Range range{min(split * tiles_per_split, tiles), min((split + 1) * tiles_per_split, tiles)};
  Sums<kHalves> sums;
#pragma unroll
  for (int half = 0; half < kHalves; ++half) {
    sums.most[half][0] = sums.most[half][1] = -1e30f;
    sums.total[half][0] = sums.total[half][1] = 0.0f;
    for (int j = 0; j < 8; ++j) {
      for (int i = 0; i < 4; ++i) sums.out[half][j][i] = 0.0f;
    }
  }
  attend_range(problem, sequence, head, range, warp, lane, sums);
  publish(sums, warp, lane, shared);
  const std::int64_t pairs = static_cast<std::int64_t>(problem.sequences) * problem.kv_heads;
  merge({problem.output, problem.lse, problem.workspace, pairs, problem.group}, pair, split, splits, shared);
}

// 2.4 times as long for a round in a crowd; merging takes 0.7 and 0.09 for each split. (Measured on an H200.)
constexpr SplitCosts kCosts{2.4, 0.7, 0.09};

template <int kHalves>
cudaError_t launch(const DecodeAttention& problem, cudaStream_t stream) {
  const auto kernel = &decode_attention<kHalves>;
  constexpr std::size_t kShared = sizeof(WarpSums<kDim, 8 * kHalves>);
  const int pairs = problem.sequences * problem.kv_heads, tiles = (problem.most_tokens + kTile - 1) / kTile;
  SplitPlan plan;
  if (const cudaError_t e = plan_splits(reinterpret_cast<const void*>(kernel), kShared, pairs, tiles, kCosts, plan);
      e != cudaSuccess)
    return e;
  kernel<<<dim3(plan.splits, pairs), 32 * kWarps, kShared, stream>>>(problem, plan.splits, plan.tiles_per_split);
  return cudaGetLastError();
}

}  // namespace

std::size_t attention_workspace(std::int32_t sequences, std::int32_t kv_heads, std::int32_t group) {
  return split_workspace(static_cast<std::int64_t>(sequences) * kv_heads, group, kDim);
}

cudaError_t launch_decode_attention(const DecodeAttention& attention, cudaStream_t stream) {
  if (attention.group < 1 || attention.group > kAttentionMostGroup || attention.sequences < 1 ||
      attention.kv_heads < 1 || attention.most_tokens < 1)
    return cudaErrorInvalidValue;
  return attention.group <= 8 ? launch<1>(attention, stream) : launch<2>(attention, stream);
}

}  // namespace outrider
