// Digests of every path against double arithmetic: tails, widths, groups, NaNs, slices, misaligned caches.
#include "kernels/cpu/digest.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "kernels/cpu/thread_pool.h"
#include "sim/base/random.h"

namespace outrider {
namespace {

constexpr std::int64_t kBlocks = 11;
constexpr Bf16 kPoison{0x7fc1};  // a NaN
constexpr float kPoisonScore = std::numeric_limits<float>::quiet_NaN();

std::vector<std::int32_t> shuffled(std::int64_t count, RandomStream& random) {
  std::vector<std::int32_t> ids(static_cast<std::size_t>(count));
  std::iota(ids.begin(), ids.end(), 0);
  for (std::size_t i = ids.size(); i > 1; --i) std::swap(ids[i - 1], ids[random.below(i)]);
  return ids;
}

Bf16 normal(RandomStream& random) { return to_bf16(static_cast<float>(random.normal())); }

double widened(Bf16 value) { return static_cast<double>(to_float(value)); }

// A cache one element off its alignment; what lies behind the filled tokens of a block is NaN.
struct BuildProblem {
  BuildProblem(std::int64_t head_dim, std::int64_t block_tokens, std::int64_t kv_heads, std::uint64_t seed)
      : random(seed), blocks(shuffled(kBlocks, random)), targets(shuffled(kBlocks, random)) {
    part.key_stride = block_tokens * head_dim + 3;
    part.block_tokens = block_tokens;
    part.kv_heads = kv_heads;
    part.head_dim = head_dim;
    keys.assign(static_cast<std::size_t>(kBlocks * kv_heads * part.key_stride + 1), kPoison);
    digests.assign(static_cast<std::size_t>(kBlocks * kv_heads * 2 * head_dim + 1), kPoison);
    for (std::int64_t i = 0; i < kBlocks; ++i)
      tokens.push_back(static_cast<std::int32_t>(1 + random.below(static_cast<std::uint64_t>(block_tokens))));
    part.keys = keys.data() + 1;
    part.blocks = blocks;
    part.targets = targets;
    part.tokens = tokens;
    part.digests = digests.data() + 1;
    fill();
  }

  Bf16* keys_of(std::size_t item, std::int64_t head) {
    return keys.data() + 1 + (blocks[item] * part.kv_heads + head) * part.key_stride;
  }

  void fill() {
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      for (std::int64_t head = 0; head < part.kv_heads; ++head)
        std::generate_n(keys_of(i, head), tokens[i] * part.head_dim, [&] { return normal(random); });
    }
  }

  RandomStream random;
  std::vector<std::int32_t> blocks, targets, tokens;
  std::vector<Bf16> keys, digests;
  DigestBuildPart part;
};

void expect_exact(BuildProblem& problem, const std::string& what) {
  const std::int64_t width = problem.part.head_dim;
  for (std::size_t i = 0; i < problem.blocks.size(); ++i) {
    for (std::int64_t head = 0; head < problem.part.kv_heads; ++head) {
      const Bf16* keys = problem.keys_of(i, head);
      const std::int64_t target = problem.part.targets.empty() ? problem.blocks[i] : problem.targets[i];
      const Bf16* digest = problem.part.digests + (target * problem.part.kv_heads + head) * 2 * width;
      for (std::int64_t c = 0; c < width; ++c) {
        double least = std::numeric_limits<double>::infinity(), most = -least;
        for (std::int64_t token = 0; token < problem.tokens[i]; ++token) {
          least = std::fmin(least, widened(keys[token * width + c]));
          most = std::fmax(most, widened(keys[token * width + c]));
        }
        ASSERT_EQ(widened(digest[c]), least) << what << ", channel " << c;
        ASSERT_EQ(widened(digest[width + c]), most) << what << ", channel " << c;
      }
    }
  }
}

// Queries and digests one element off their alignment. Digests that are not listed, and what lies behind the last, are
// NaN.
struct ScoreProblem {
  ScoreProblem(std::int64_t head_dim, std::int64_t group, std::int64_t count, std::uint64_t seed)
      : random(seed), blocks(shuffled(count + 2, random)) {
    constexpr std::int64_t kHeads = 3;
    blocks.resize(static_cast<std::size_t>(count));
    queries.assign(static_cast<std::size_t>(group * head_dim + 1), kPoison);
    std::generate(queries.begin() + 1, queries.end(), [&] { return normal(random); });
    digests.assign(static_cast<std::size_t>((count + 2) * kHeads * 2 * head_dim + 1), kPoison);
    scores.assign(static_cast<std::size_t>(count + 1), kPoisonScore);
    part = {queries.data() + 1, digests.data() + 1, blocks, kHeads, 1, group, head_dim, scores.data()};
    for (const std::int32_t block : blocks) {
      Bf16* digest = digests.data() + 1 + (block * kHeads + part.head) * 2 * head_dim;
      for (std::int64_t c = 0; c < head_dim; ++c) {
        const float one = static_cast<float>(random.normal()), two = static_cast<float>(random.normal());
        digest[c] = to_bf16(std::min(one, two));
        digest[head_dim + c] = to_bf16(std::max(one, two));
      }
    }
  }
  RandomStream random;
  std::vector<std::int32_t> blocks;
  std::vector<Bf16> queries, digests;
  std::vector<float> scores;
  DigestScorePart part;
};

void expect_close(const ScoreProblem& problem, const std::string& what) {
  const DigestScorePart& part = problem.part;
  for (std::size_t i = 0; i < problem.blocks.size(); ++i) {
    const Bf16* digest = part.digests + (problem.blocks[i] * part.kv_heads + part.head) * 2 * part.head_dim;
    double best = -std::numeric_limits<double>::infinity(), size = 0.0;
    for (std::int64_t g = 0; g < part.group; ++g) {
      double sum = 0.0, sizes = 0.0;
      for (std::int64_t c = 0; c < part.head_dim; ++c) {
        const double q = widened(part.queries[g * part.head_dim + c]);
        const double low = widened(digest[c]), high = widened(digest[part.head_dim + c]);
        sum += std::max(q * low, q * high);
        sizes += std::abs(q) * std::max(std::abs(low), std::abs(high));
      }
      best = std::max(best, sum);
      size = std::max(size, sizes);
    }
    ASSERT_NEAR(static_cast<double>(problem.scores[i]), best, 1e-5 * size) << what << ", block " << i;
  }
  EXPECT_TRUE(std::isnan(problem.scores.back())) << what;
}

class CpuDigest : public testing::TestWithParam<CpuPath> {
 protected:
  void SetUp() override {
    if (!can_run(GetParam())) GTEST_SKIP() << "this processor has no " << to_string(GetParam());
  }
};

TEST_P(CpuDigest, BuildsExactlyAtEveryWidth) {
  for (const std::int64_t width : {1, 8, 15, 16, 31, 32, 33, 64, 80, 96, 127, 128, 160, 192, 256, 288}) {
    BuildProblem problem(width, 16, 2, static_cast<std::uint64_t>(width));
    build_digests(GetParam(), problem.part);
    expect_exact(problem, "head_dim " + std::to_string(width));
  }
}

TEST_P(CpuDigest, BuildsExactlyFromBlocksOfEverySize) {
  for (const std::int64_t tokens : {1, 2, 3, 5, 16, 31, 32, 64, 100}) {
    BuildProblem problem(128, tokens, 1, static_cast<std::uint64_t>(tokens));
    build_digests(GetParam(), problem.part);
    expect_exact(problem, "blocks of " + std::to_string(tokens));
  }
}

TEST_P(CpuDigest, WithoutListsAllBlocksAreFullAndStayWhereTheyAre) {
  BuildProblem problem(64, 8, 3, 5);
  std::fill(problem.tokens.begin(), problem.tokens.end(), 8);
  problem.fill();
  problem.part.targets = problem.part.tokens = {};
  build_digests(GetParam(), problem.part);
  expect_exact(problem, "full blocks");
}

TEST_P(CpuDigest, PassesOverNaNsAndOrdersZeros) {
  constexpr std::uint16_t kNan = 0x7fc0, kMinusNan = 0xff81, kInfinity = 0x7f80, kMinusInfinity = 0xff80;
  constexpr std::uint16_t kZero = 0, kMinusZero = 0x8000, kOne = 0x3f80, kTiny = 0x0001, kMinusTiny = 0x8001;
  struct Case {
    std::uint16_t keys[3], least, most;
  };
  const std::vector<Case> cases = {{{kNan, kOne, kMinusNan}, kOne, kOne},
                                   {{kInfinity, kMinusNan, kMinusInfinity}, kMinusInfinity, kInfinity},
                                   {{kZero, kMinusZero, kZero}, kMinusZero, kZero},
                                   {{kMinusZero, kNan, kTiny}, kMinusZero, kTiny},
                                   {{kMinusTiny, kZero, kNan}, kMinusTiny, kZero}};
  const std::int64_t width = 75;  // a vector of every kind, and a tail
  std::vector<Bf16> keys(static_cast<std::size_t>(3 * width)), digest(static_cast<std::size_t>(2 * width), kPoison);
  const auto case_of = [&](std::size_t channel) { return cases[channel % cases.size()]; };
  for (std::size_t i = 0; i < keys.size(); ++i) keys[i].bits = case_of(i % 75).keys[i / 75];
  for (const std::size_t channel : {7u, 70u}) keys[channel] = keys[75 + channel] = keys[150 + channel] = {kMinusNan};
  const std::int32_t block = 0;
  DigestBuildPart part;
  part.keys = keys.data();
  part.key_stride = 3 * width;
  part.blocks = {&block, 1};
  part.block_tokens = 3;
  part.head_dim = width;
  part.digests = digest.data();
  build_digests(GetParam(), part);
  for (std::size_t c = 0; c < 75; ++c) {
    if (c == 7 || c == 70) {
      EXPECT_TRUE(std::isnan(to_float(digest[c])) && std::isnan(to_float(digest[75 + c]))) << c;
    } else {
      EXPECT_EQ(digest[c].bits, case_of(c).least) << c;
      EXPECT_EQ(digest[75 + c].bits, case_of(c).most) << c;
    }
  }
}

TEST_P(CpuDigest, ScoresToItsBoundAtEveryWidth) {
  for (const std::int64_t width : {1, 7, 8, 31, 32, 33, 64, 80, 96, 128, 192, 256, 500, 512, 513, 576}) {
    ScoreProblem problem(width, 5, 37, static_cast<std::uint64_t>(width));
    score_digests(GetParam(), problem.part);
    expect_close(problem, "head_dim " + std::to_string(width));
  }
}

TEST_P(CpuDigest, ScoresEveryTailOfBlocks) {
  for (std::int64_t count = 0; count <= 50; ++count) {
    ScoreProblem problem(64, 2, count, 100 + static_cast<std::uint64_t>(count));
    score_digests(GetParam(), problem.part);
    expect_close(problem, std::to_string(count) + " blocks");
  }
}

TEST_P(CpuDigest, ScoresEveryGroupOfQueryHeads) {
  for (std::int64_t group = 1; group <= 17; ++group) {
    ScoreProblem problem(128, group, 20, 200 + static_cast<std::uint64_t>(group));
    score_digests(GetParam(), problem.part);
    expect_close(problem, "group " + std::to_string(group));
  }
}

TEST_P(CpuDigest, SlicesOnAPoolEqualTheWhole) {
  BuildProblem build(96, 8, 2, 3);
  ScoreProblem score(96, 4, 100, 4);
  ThreadPool pool({.threads = 2, .pinned = false});
  pool.parallel_for(4, [&](std::size_t i, int) {
    build_digests(GetParam(), slice(build.part, 3 * i, std::min<std::size_t>(3, kBlocks - 3 * i)));
    score_digests(GetParam(), slice(score.part, 25 * i, 25));
  });
  expect_exact(build, "slices");
  expect_close(score, "slices");
}

std::string name_of(const testing::TestParamInfo<CpuPath>& path) { return to_string(path.param); }
INSTANTIATE_TEST_SUITE_P(Paths, CpuDigest,
                         testing::Values(CpuPath::scalar, CpuPath::avx2, CpuPath::avx512_bf16, CpuPath::amx_bf16),
                         name_of);

// The bound that makes digests useful: no key of a block scores above its digest.
TEST(Digest, BoundsEveryKeyOfItsBlock) {
  BuildProblem build(128, 32, 1, 17);
  build.part.targets = {};
  build_digests(best_path(), build.part);
  std::vector<Bf16> queries(4 * 128);
  for (Bf16& each : queries) each = normal(build.random);
  std::vector<float> scores(kBlocks, kPoisonScore);
  score_digests(best_path(), {queries.data(), build.part.digests, build.blocks, 1, 0, 4, 128, scores.data()});
  for (std::size_t i = 0; i < build.blocks.size(); ++i) {
    for (std::int64_t token = 0; token < build.tokens[i]; ++token) {
      for (std::size_t g = 0; g < 4; ++g) {
        double sum = 0.0;
        for (std::size_t c = 0; c < 128; ++c)
          sum +=
              widened(queries[128 * g + c]) * widened(build.keys_of(i, 0)[static_cast<std::size_t>(token) * 128 + c]);
        ASSERT_LE(sum, static_cast<double>(scores[i]) + 1e-3);
      }
    }
  }
}

TEST(DigestDeathTest, MoreTokensThanABlockHoldsAreABug) {
  BuildProblem problem(64, 8, 1, 1);
  problem.tokens[2] = 9;
  EXPECT_DEATH(build_digests(CpuPath::scalar, problem.part), "9 tokens in a block of 8");
}

}  // namespace
}  // namespace outrider
