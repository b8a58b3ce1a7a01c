// Decode attention of every path against double arithmetic on the same inputs: tails, widths, groups, block orders.
#include "kernels/cpu/attention.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "sim/base/random.h"

namespace outrider {
namespace {

constexpr float kPoison = 1e30f;

Bf16 element_of(float value, Bf16) { return to_bf16(value); }
float element_of(float value, float) { return value; }

// A cache with more blocks than are attended, in shuffled order, and outputs that nobody wrote.
template <class Element>
struct Problem {
  Problem(std::int64_t head_dim, std::int64_t group, std::int64_t tokens, std::int64_t block_tokens, std::uint64_t seed)
      : random(seed) {
    const std::int64_t needed = (tokens + block_tokens - 1) / block_tokens, blocks_in_all = needed + 3;
    part.kv.stride = 2 * block_tokens * head_dim + 64;
    part.kv.block_tokens = block_tokens;
    part.kv.head_dim = head_dim;
    cache.resize(static_cast<std::size_t>(blocks_in_all * part.kv.stride));
    for (Element& each : cache) each = element_of(static_cast<float>(random.normal()), Element{});
    blocks.resize(static_cast<std::size_t>(blocks_in_all));
    std::iota(blocks.begin(), blocks.end(), 0);
    for (std::size_t i = blocks.size(); i > 1; --i) std::swap(blocks[i - 1], blocks[random.below(i)]);
    blocks.resize(static_cast<std::size_t>(needed));
    for (std::int64_t i = 0; i < group * head_dim; ++i) queries.push_back(static_cast<float>(random.normal()));
    output.assign(static_cast<std::size_t>(group * head_dim), kPoison);
    lse.assign(static_cast<std::size_t>(group), kPoison);
    part.kv.data = cache.data();
    part.blocks = blocks;
    part.tokens = tokens;
    part.group = group;
    part.queries = queries.data();
    part.scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(head_dim)));
    part.output = output.data();
    part.lse = lse.data();
  }
  RandomStream random;
  std::vector<Element> cache;
  std::vector<std::int32_t> blocks;
  std::vector<float> queries, output, lse;
  AttentionPart<Element> part;
};

struct Exact {
  std::vector<double> output, lse;
};

template <class Element>
const Element* key_of(const AttentionPart<Element>& part, std::int64_t token) {
  const auto block = static_cast<std::size_t>(token / part.kv.block_tokens);
  return part.kv.data + part.blocks[block] * part.kv.stride + token % part.kv.block_tokens * part.kv.head_dim;
}

template <class Element>
double score_of(const AttentionPart<Element>& part, std::int64_t head, std::int64_t token) {
  const Element* key = key_of(part, token);
  double score = 0.0;
  for (std::int64_t i = 0; i < part.kv.head_dim; ++i)
    score += static_cast<double>(part.queries[head * part.kv.head_dim + i]) * static_cast<double>(to_float(key[i]));
  return score * static_cast<double>(part.scale);
}

template <class Element>
Exact exact(const AttentionPart<Element>& part) {
  Exact result;
  for (std::int64_t head = 0; head < part.group; ++head) {
    double most = score_of(part, head, 0), total = 0.0;
    for (std::int64_t token = 1; token < part.tokens; ++token) most = std::max(most, score_of(part, head, token));
    std::vector<double> sums(static_cast<std::size_t>(part.kv.head_dim), 0.0);
    for (std::int64_t token = 0; token < part.tokens; ++token) {
      const Element* value = key_of(part, token) + part.kv.block_tokens * part.kv.head_dim;
      const double weight = std::exp(score_of(part, head, token) - most);
      total += weight;
      for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += weight * static_cast<double>(to_float(value[i]));
    }
    for (const double sum : sums) result.output.push_back(sum / total);
    result.lse.push_back(most + std::log(total));
  }
  return result;
}

double relative_error(const std::vector<float>& found, const std::vector<double>& expected) {
  double error = 0.0, size = 0.0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    error += (static_cast<double>(found[i]) - expected[i]) * (static_cast<double>(found[i]) - expected[i]);
    size += expected[i] * expected[i];
  }
  return std::sqrt(error / size);
}

template <class Element>
void expect_close(CpuPath path, Problem<Element>& problem, double bound, const std::string& what) {
  attend(path, problem.part);
  const Exact expected = exact(problem.part);
  EXPECT_LT(relative_error(problem.output, expected.output), bound) << to_string(path) << " " << what;
  for (std::size_t i = 0; i < expected.lse.size(); ++i)
    EXPECT_NEAR(static_cast<double>(problem.lse[i]), expected.lse[i], bound) << to_string(path) << " " << what;
}

class CpuAttention : public testing::TestWithParam<CpuPath> {
 protected:
  void SetUp() override {
    if (!can_run(GetParam())) GTEST_SKIP() << "this processor has no " << to_string(GetParam());
  }
  double bf16_bound() const { return GetParam() >= CpuPath::avx512_bf16 ? 1e-2 : 1e-5; }
};

TEST_P(CpuAttention, IsExactToItsBoundOnEveryTail) {
  for (std::int64_t tokens = 1; tokens <= 130; ++tokens) {
    Problem<Bf16> bf16(128, 4, tokens, 32, static_cast<std::uint64_t>(tokens));
    expect_close(GetParam(), bf16, bf16_bound(), "tokens " + std::to_string(tokens));
    Problem<float> fp32(128, 4, tokens, 32, static_cast<std::uint64_t>(tokens));
    expect_close(GetParam(), fp32, 1e-5, "fp32, tokens " + std::to_string(tokens));
  }
}

TEST_P(CpuAttention, TakesEveryGroupOfQueryHeads) {
  for (std::int64_t group = 1; group <= 17; ++group) {
    Problem<Bf16> problem(128, group, 200, 32, 100 + static_cast<std::uint64_t>(group));
    expect_close(GetParam(), problem, bf16_bound(), "group " + std::to_string(group));
  }
}

TEST_P(CpuAttention, TakesEveryHeadWidth) {
  for (const std::int64_t width : {1, 8, 40, 64, 80, 96, 128, 192, 256, 288, 512}) {
    Problem<Bf16> bf16(width, 5, 77, 32, 7);
    expect_close(GetParam(), bf16, bf16_bound(), "head_dim " + std::to_string(width));
    Problem<float> fp32(width, 5, 77, 32, 7);
    expect_close(GetParam(), fp32, 1e-5, "fp32, head_dim " + std::to_string(width));
  }
}

TEST_P(CpuAttention, TakesBlocksOfEverySize) {
  for (const std::int64_t block : {1, 5, 16, 31, 32, 33, 64, 100}) {
    Problem<Bf16> problem(128, 5, 150, block, 9);
    expect_close(GetParam(), problem, bf16_bound(), "block " + std::to_string(block));
  }
}

// Scores of some hundreds. The error of a bf16 query is magnified with the scale; nothing overflows.
TEST_P(CpuAttention, SurvivesScoresThatOverflowAnExponential) {
  Problem<float> fp32(128, 2, 64, 32, 3);
  fp32.part.scale = 10.0f;
  expect_close(GetParam(), fp32, 1e-3, "large scores");
  Problem<Bf16> bf16(128, 2, 64, 32, 3);
  bf16.part.scale = 10.0f;
  expect_close(GetParam(), bf16, GetParam() >= CpuPath::avx512_bf16 ? 0.5 : 1e-3, "large scores");
}

// Attending to two halves and merging equals attending to all.
TEST_P(CpuAttention, MergedHalvesEqualTheWhole) {
  Problem<float> whole(128, 5, 256, 32, 5);
  attend(GetParam(), whole.part);
  const std::vector<float> expected = whole.output, expected_lse = whole.lse;
  std::vector<float> outputs[2], lses[2];
  for (std::size_t half = 0; half < 2; ++half) {
    AttentionPart<float> part = whole.part;
    part.blocks = part.blocks.subspan(4 * half, 4);
    part.tokens = 128;
    outputs[half].assign(expected.size(), kPoison);
    lses[half].assign(expected_lse.size(), kPoison);
    part.output = outputs[half].data();
    part.lse = lses[half].data();
    attend(GetParam(), part);
  }
  const PartialOutput parts[] = {{outputs[0].data(), lses[0].data()}, {outputs[1].data(), lses[1].data()}};
  merge_partials(parts, 5, 128, whole.output.data(), whole.lse.data());
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(whole.output[i], expected[i], 1e-5f);
  for (std::size_t i = 0; i < expected_lse.size(); ++i) EXPECT_NEAR(whole.lse[i], expected_lse[i], 1e-5f);
}

std::string name_of(const testing::TestParamInfo<CpuPath>& path) { return to_string(path.param); }
INSTANTIATE_TEST_SUITE_P(Paths, CpuAttention,
                         testing::Values(CpuPath::scalar, CpuPath::avx2, CpuPath::avx512_bf16, CpuPath::amx_bf16),
                         name_of);

TEST(CpuAttentionDeathTest, TokensBeyondTheBlocksAreABug) {
  Problem<float> problem(64, 1, 32, 32, 1);
  problem.part.tokens = 33;
  EXPECT_DEATH(attend(CpuPath::scalar, problem.part), "33 tokens in 1 blocks");
}

TEST(Bf16, RoundsToNearestEven) {
  EXPECT_EQ(to_bf16(1.0f).bits, 0x3f80);
  EXPECT_EQ(to_bf16(1.00390625f).bits, 0x3f80);  // half-way between 1 and 1 + 2^-7: to even
  EXPECT_EQ(to_bf16(1.01171875f).bits, 0x3f82);  // half-way above an odd one
  EXPECT_TRUE(std::isnan(to_float(to_bf16(std::nanf("")))));
  EXPECT_EQ(to_float(to_bf16(-0.0f)), 0.0f);
}

}  // namespace
}  // namespace outrider
