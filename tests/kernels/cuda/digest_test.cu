// Digests and their scores against double arithmetic: tails of blocks and lists, head groupings, head dimensions.
#include <cmath>

#include "kernels/cuda/digest.h"
#include "tests/kernels/cuda/device.h"

namespace outrider {
namespace {

class CudaDigest : public CudaTest {};

struct BuildCase {
  int head_dim, kv_heads, block_tokens;
  std::vector<std::int32_t> tokens;  // of each block to digest
};

// Builds the digests of some blocks of a larger cache; behind a block's filled tokens all is infinite.
void expect_built(const BuildCase& c, unsigned seed) {
  RandomStream random(seed);
  const std::size_t count = c.tokens.size(), in_cache = count + 3, dim = c.head_dim;
  const std::size_t stride = 2 * c.block_tokens * dim + 8;
  const std::vector<std::int32_t> blocks = shuffled(count, in_cache, random);
  const std::vector<std::int32_t> targets = shuffled(count, count + 5, random);
  std::vector<__nv_bfloat16> keys = normals(in_cache * c.kv_heads * stride, random);
  const auto at = [&](std::size_t block, int head, int token) {
    return (static_cast<std::size_t>(block) * c.kv_heads + head) * stride + token * dim;
  };
  for (std::size_t i = 0; i < count; ++i) {
    for (int head = 0; head < c.kv_heads; ++head)
      std::fill(&keys[at(blocks[i], head, c.tokens[i])], &keys[at(blocks[i], head, 0)] + stride,
                __float2bfloat16(INFINITY));
  }
  const DeviceArray<__nv_bfloat16> on_device(keys);
  const DeviceArray<std::int32_t> from(blocks), to(targets), filled(c.tokens);
  const DeviceArray<__nv_bfloat16> digests((count + 5) * c.kv_heads * 2 * dim, __float2bfloat16(kPoison));
  check(launch_digest_build({.keys = on_device.data(),
                             .key_stride = static_cast<std::int64_t>(stride),
                             .blocks = from.data(),
                             .targets = to.data(),
                             .tokens = filled.data(),
                             .count = static_cast<std::int32_t>(count),
                             .block_tokens = c.block_tokens,
                             .kv_heads = c.kv_heads,
                             .head_dim = c.head_dim,
                             .digests = digests.data()},
                            nullptr));
  std::vector<double> expected((count + 5) * c.kv_heads * 2 * dim, real(__float2bfloat16(kPoison)));
  for (std::size_t i = 0; i < count; ++i) {
    for (int head = 0; head < c.kv_heads; ++head) {
      for (std::size_t channel = 0; channel < dim; ++channel) {
        double least = INFINITY, most = -INFINITY;
        for (int token = 0; token < c.tokens[i]; ++token) {
          least = std::min(least, real(keys[at(blocks[i], head, token) + channel]));
          most = std::max(most, real(keys[at(blocks[i], head, token) + channel]));
        }
        double* digest = &expected[(static_cast<std::size_t>(targets[i]) * c.kv_heads + head) * 2 * dim];
        digest[channel] = least;
        digest[dim + channel] = most;
      }
    }
  }
  const std::vector<__nv_bfloat16> built = digests.host();
  for (std::size_t i = 0; i < built.size(); ++i)
    ASSERT_EQ(real(built[i]), expected[i]) << "element " << i << " of blocks of " << c.block_tokens;
}

TEST_F(CudaDigest, IsTheMinimumAndMaximumOfTheFilledTokens) {
  expect_built({128, 3, 32, {1, 2, 7, 8, 9, 15, 16, 17, 31, 32}}, 1);
}
TEST_F(CudaDigest, TakesEveryHeadDimensionAndBlockLength) {
  unsigned seed = 10;
  for (const int dim : {64, 128, 256}) {
    for (const int length : {16, 33, 64, 128}) expect_built({dim, 2, length, {length, length - 1, 1}}, ++seed);
  }
}

struct ScoreCase {
  int head_dim, kv_heads, group;
  std::vector<std::int32_t> counts;  // blocks of each sequence
};

struct Bound {
  double score, size;
};

// Of one query group and a digest; size is the sum that the error is relative to.
Bound bound_of(const __nv_bfloat16* queries, const __nv_bfloat16* digest, const ScoreCase& c) {
  Bound bound{-INFINITY, 0.0};
  for (int row = 0; row < c.group; ++row) {
    double score = 0.0, size = 0.0;
    for (int i = 0; i < c.head_dim; ++i) {
      const double q = real(queries[row * c.head_dim + i]), low = real(digest[i]), high = real(digest[c.head_dim + i]);
      score += std::max(q * low, q * high);
      size += std::abs(q) * std::max(std::abs(low), std::abs(high));
    }
    bound = {std::max(bound.score, score), std::max(bound.size, size)};
  }
  return bound;
}

void expect_scored(const ScoreCase& c, unsigned seed) {
  RandomStream random(seed);
  const int most = *std::max_element(c.counts.begin(), c.counts.end()), sequences = static_cast<int>(c.counts.size());
  const std::size_t pool = most + 7, block_stride = most + 2, score_stride = most + 3, dim = c.head_dim;
  std::vector<__nv_bfloat16> digests = normals(pool * c.kv_heads * 2 * dim, random);
  for (std::size_t i = 0; i < digests.size(); ++i) {
    if (i / dim % 2 == 0 && real(digests[i]) > real(digests[i + dim])) std::swap(digests[i], digests[i + dim]);
  }
  const std::vector<__nv_bfloat16> queries = normals(sequences * c.kv_heads * c.group * dim, random);
  std::vector<std::int32_t> blocks(sequences * block_stride, kPoisonId);
  for (int s = 0; s < sequences; ++s) {
    const std::vector<std::int32_t> ids = shuffled(c.counts[s], pool, random);
    std::copy(ids.begin(), ids.end(), blocks.begin() + s * block_stride);
  }
  const DeviceArray<__nv_bfloat16> q(queries), d(digests);
  const DeviceArray<std::int32_t> b(blocks), n(c.counts);
  const DeviceArray<float> out(sequences * c.kv_heads * score_stride, kPoison);
  check(launch_digest_score({.queries = q.data(),
                             .digests = d.data(),
                             .blocks = b.data(),
                             .block_stride = static_cast<std::int64_t>(block_stride),
                             .counts = n.data(),
                             .most_blocks = most,
                             .sequences = sequences,
                             .kv_heads = c.kv_heads,
                             .group = c.group,
                             .head_dim = c.head_dim,
                             .scores = out.data(),
                             .score_stride = static_cast<std::int64_t>(score_stride)},
                            nullptr));
  const std::vector<float> scores = out.host();
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const std::size_t pair = i / score_stride, block = i % score_stride, sequence = pair / c.kv_heads;
    if (static_cast<std::int32_t>(block) >= c.counts[sequence]) {
      ASSERT_EQ(scores[i], kPoison);
      continue;
    }
    const std::size_t id = blocks[sequence * block_stride + block];
    const Bound bound =
        bound_of(&queries[pair * c.group * dim], &digests[(id * c.kv_heads + pair % c.kv_heads) * 2 * dim], c);
    ASSERT_NEAR(scores[i], bound.score, 1e-5 * bound.size) << "group " << c.group << " block " << block;
  }
}

TEST_F(CudaDigest, ScoresAreExactToTheirBoundOnEveryTail) {
  for (int count = 1; count <= 70; ++count) expect_scored({128, 2, 4, {count, count / 3}}, 100 + count);
}
TEST_F(CudaDigest, ScoresTheLargestOfEveryGroup) {
  for (int group = 1; group <= kDigestMostGroup; ++group) expect_scored({128, 3, group, {37}}, 200 + group);
}
TEST_F(CudaDigest, ScoresEveryHeadDimension) {
  for (const int dim : {64, 128, 256}) expect_scored({dim, 2, 5, {300, 1, 0, 129}}, 300 + dim);
}
TEST_F(CudaDigest, RefusesWhatItCannotDo) {
  const DigestScore score{.most_blocks = 1, .sequences = 1, .kv_heads = 1, .group = 1, .score_stride = 1};
  for (const auto& [group, dim, stride] : {std::array{17, 128, 1}, std::array{1, 96, 1}, std::array{1, 128, 0}}) {
    DigestScore wrong = score;
    wrong.group = group, wrong.head_dim = dim, wrong.score_stride = stride;
    EXPECT_EQ(launch_digest_score(wrong, nullptr), cudaErrorInvalidValue);
  }
  EXPECT_EQ(launch_digest_build({.key_stride = 129 * 128, .count = 1, .block_tokens = 129, .kv_heads = 1}, nullptr),
            cudaErrorInvalidValue);
}

}  // namespace
}  // namespace outrider
