// A channel's bound max(q · minimum, q · maximum) is q⁻ · minimum + q⁺ · maximum, q⁻ = min(q, 0) and q⁺ = max(q, 0), so
// that scoring is a product of digests and queries for the tensor core, and the digests' bytes bound its time.
#include <cmath>

#include "kernels/cuda/device_math.h"
#include "kernels/cuda/digest.h"

namespace outrider {
namespace {

constexpr int kWarps = 4, kRows = 16;  // blocks of a tile

__device__ __nv_bfloat162 pair_of(Word word) { return *reinterpret_cast<const __nv_bfloat162*>(&word); }
__device__ Word word_of(__nv_bfloat162 pair) { return *reinterpret_cast<const Word*>(&pair); }

__device__ uint4 smaller(const uint4& a, const uint4& b) {
  return make_uint4(word_of(__hmin2(pair_of(a.x), pair_of(b.x))), word_of(__hmin2(pair_of(a.y), pair_of(b.y))),
                    word_of(__hmin2(pair_of(a.z), pair_of(b.z))), word_of(__hmin2(pair_of(a.w), pair_of(b.w))));
}
__device__ uint4 larger(const uint4& a, const uint4& b) {
  return make_uint4(word_of(__hmax2(pair_of(a.x), pair_of(b.x))), word_of(__hmax2(pair_of(a.y), pair_of(b.y))),
                    word_of(__hmax2(pair_of(a.z), pair_of(b.z))), word_of(__hmax2(pair_of(a.w), pair_of(b.w))));
}

// A CTA digests one block of one head: kDim/8 threads side by side read a token, the rows of threads share the tokens.
template <int kDim>
__global__ void __launch_bounds__(32 * kWarps) build_digests(DigestBuild build) {
  constexpr int kAcross = kDim / 8, kDown = 32 * kWarps / kAcross;
  __shared__ uint4 least[kDown][kAcross], most[kDown][kAcross];
  const int item = blockIdx.x, head = blockIdx.y, across = threadIdx.x % kAcross, down = threadIdx.x / kAcross;
  const int tokens = build.tokens == nullptr ? build.block_tokens : build.tokens[item];
  const std::int64_t from = static_cast<std::int64_t>(build.blocks[item]) * build.kv_heads + head;
  const __nv_bfloat16* keys = build.keys + from * build.key_stride + 8 * across;
  uint4 low = load16(keys + min(down, tokens - 1) * kDim), high = low;  // threads without a token repeat the last
#pragma unroll 4
  for (int token = down + kDown; token < tokens; token += kDown) {
    const uint4 key = load16(keys + token * kDim);
    low = smaller(low, key);
    high = larger(high, key);
  }
  least[down][across] = low;
  most[down][across] = high;
  __syncthreads();
  if (down > 0) return;
  for (int i = 1; i < kDown; ++i) {
    low = smaller(low, least[i][across]);
    high = larger(high, most[i][across]);
  }
  const std::int32_t target = build.targets == nullptr ? build.blocks[item] : build.targets[item];
  const std::int64_t to = static_cast<std::int64_t>(target) * build.kv_heads + head;
  uint4* digest = reinterpret_cast<uint4*>(build.digests + to * 2 * kDim);
  digest[across] = low;
  digest[kAcross + across] = high;
}

// Of eight query heads: lane l holds channels 32c + 8(l%4) + {0 … 7} of head l/4. Heads beyond the group repeat its
// last, which leaves the maximum over the group as it is.
template <int kDim>
struct SplitQuery {
  uint4 negative[kDim / 32], positive[kDim / 32];
};

template <int kDim>
__device__ void load(SplitQuery<kDim>& query, const __nv_bfloat16* queries, int heads, int lane) {
  const __nv_bfloat16* row = queries + min(lane / 4, heads - 1) * kDim + 8 * (lane % 4);
  const uint4 zero = make_uint4(0, 0, 0, 0);
#pragma unroll
  for (int c = 0; c < kDim / 32; ++c) {
    const uint4 q = load16(row + 32 * c);
    query.negative[c] = smaller(q, zero);
    query.positive[c] = larger(q, zero);
  }
}

// 16 blocks' minima or maxima: lane l holds channels 32c + 8(l%4) + {0 … 7} of blocks l/4 and l/4 + 8.
template <int kDim>
struct BoundTile {
  uint4 rows[2][kDim / 32];
};

template <int kDim>
__device__ void load(BoundTile<kDim>& tile, const __nv_bfloat16* (&digests)[2], int first_channel) {
#pragma unroll
  for (int c = 0; c < kDim / 32; ++c) {
    tile.rows[0][c] = load16(digests[0] + first_channel + 32 * c);
    tile.rows[1][c] = load16(digests[1] + first_channel + 32 * c);
  }
}

template <int kDim>
__device__ void accumulate(const BoundTile<kDim>& tile, const uint4 (&query)[kDim / 32], float (&sums)[4]) {
#pragma unroll
  for (int c = 0; c < kDim / 32; ++c) {
#pragma unroll
    for (int k = 0; k < 4; k += 2) {
      multiply(sums, word(tile.rows[0][c], k), word(tile.rows[1][c], k), word(tile.rows[0][c], k + 1),
               word(tile.rows[1][c], k + 1), word(query[c], k), word(query[c], k + 1));
    }
  }
}

// A warp scores 16 blocks of one sequence and KV head at a time.
template <int kDim, int kHalves>
__global__ void __launch_bounds__(32 * kWarps) score_digests(DigestScore problem) {
  const int head = blockIdx.y, sequence = blockIdx.z, lane = threadIdx.x % 32;
  const int count = problem.counts[sequence], tile_step = gridDim.x * kWarps;
  int tile = blockIdx.x * kWarps + threadIdx.x / 32;
  if (tile * kRows >= count) return;
  const std::int64_t pair = static_cast<std::int64_t>(sequence) * problem.kv_heads + head;
  SplitQuery<kDim> query[kHalves];
#pragma unroll
  for (int half = 0; half < kHalves; ++half)
    load(query[half], problem.queries + (pair * problem.group + 8 * half) * kDim, problem.group - 8 * half, lane);
  const std::int32_t* blocks = problem.blocks + sequence * problem.block_stride;
  for (; tile * kRows < count; tile += tile_step) {
    const __nv_bfloat16* digests[2];
    for (int i = 0; i < 2; ++i) {
      const std::int64_t block = __ldg(blocks + min(tile * kRows + lane / 4 + 8 * i, count - 1));
      digests[i] = problem.digests + (block * problem.kv_heads + head) * 2 * kDim + 8 * (lane % 4);
    }
    BoundTile<kDim> least, most;
    load(least, digests, 0);
    load(most, digests, kDim);
    float best[2] = {-INFINITY, -INFINITY};  // of blocks l/4 and l/4 + 8
#pragma unroll
    for (int half = 0; half < kHalves; ++half) {
      float sums[4] = {};
      accumulate(least, query[half].negative, sums);
      accumulate(most, query[half].positive, sums);
      best[0] = fmaxf(best[0], fmaxf(sums[0], sums[1]));
      best[1] = fmaxf(best[1], fmaxf(sums[2], sums[3]));
    }
    best[0] = most_over(best[0], 4);
    best[1] = most_over(best[1], 4);
    const int row = tile * kRows + lane / 4 + 8 * (lane % 4);
    if (lane % 4 < 2 && row < count)
      problem.scores[pair * problem.score_stride + row] = lane % 4 == 0 ? best[0] : best[1];
  }
}

template <int kDim>
cudaError_t launch(const DigestScore& score, cudaStream_t stream) {
  constexpr int kTilesPerWarp = 2;  // few enough to fill the GPU, enough to pay for the queries
  const int blocks_per_cta = kRows * kWarps * kTilesPerWarp;
  const dim3 grid((score.most_blocks + blocks_per_cta - 1) / blocks_per_cta, score.kv_heads, score.sequences);
  if (score.group <= 8) {
    score_digests<kDim, 1><<<grid, 32 * kWarps, 0, stream>>>(score);
  } else {
    score_digests<kDim, 2><<<grid, 32 * kWarps, 0, stream>>>(score);
  }
  return cudaGetLastError();
}

}  // namespace

cudaError_t launch_digest_build(const DigestBuild& build, cudaStream_t stream) {
  if (build.count < 0 || build.block_tokens < 1 || build.block_tokens > kDigestMostTokens || build.kv_heads < 1 ||
      build.key_stride < static_cast<std::int64_t>(build.block_tokens) * build.head_dim || build.key_stride % 8 != 0)
    return cudaErrorInvalidValue;
  if (build.count == 0) return cudaSuccess;
  const dim3 grid(build.count, build.kv_heads);
  switch (build.head_dim) {
    case 64:
      build_digests<64><<<grid, 32 * kWarps, 0, stream>>>(build);
      break;
    case 128:
      build_digests<128><<<grid, 32 * kWarps, 0, stream>>>(build);
      break;
    case 256:
      build_digests<256><<<grid, 32 * kWarps, 0, stream>>>(build);
      break;
    default:
      return cudaErrorInvalidValue;
  }
  return cudaGetLastError();
}

cudaError_t launch_digest_score(const DigestScore& score, cudaStream_t stream) {
  if (score.group < 1 || score.group > kDigestMostGroup || score.sequences < 1 || score.kv_heads < 1 ||
      score.most_blocks < 0 || score.score_stride < score.most_blocks)
    return cudaErrorInvalidValue;
  if (score.most_blocks == 0) return cudaSuccess;
  switch (score.head_dim) {
    case 64:
      return launch<64>(score, stream);
    case 128:
      return launch<128>(score, stream);
    case 256:
      return launch<256>(score, stream);
    default:
      return cudaErrorInvalidValue;
  }
}

}  // namespace outrider
