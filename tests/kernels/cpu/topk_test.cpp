// Top-k of every path against a stable sort: tails, ties, NaNs, infinities, rows that mislead the sample.
#include "kernels/cpu/topk.h"

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

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr std::int32_t kPoison = -77;
constexpr std::size_t kOffset = 1;  // of scores, in elements: off the alignment of vectors

std::vector<std::int32_t> expected_of(const std::vector<float>& scores, std::int64_t k) {
  std::vector<std::int32_t> ids(scores.size());
  std::iota(ids.begin(), ids.end(), 0);
  std::stable_sort(ids.begin(), ids.end(), [&](std::int32_t a, std::int32_t b) {
    const float one = scores[static_cast<std::size_t>(a)], two = scores[static_cast<std::size_t>(b)];
    return std::isnan(two) ? !std::isnan(one) : one > two;
  });
  ids.resize(std::min(ids.size(), static_cast<std::size_t>(k)));
  std::sort(ids.begin(), ids.end());
  return ids;
}

void expect_selects(CpuPath path, const std::vector<float>& scores, std::int64_t k, const std::string& what) {
  std::vector<float> moved(scores.size() + kOffset, kInfinity);
  std::copy(scores.begin(), scores.end(), moved.begin() + kOffset);
  std::vector<std::int32_t> selected(scores.size() + 32, kPoison), scratch(top_k_scratch(scores.size()), kPoison);
  const std::vector<std::int32_t> expected = expected_of(scores, k);
  const std::int64_t found = select_top_k(path, {{moved.data() + kOffset, scores.size()}, k, selected.data(), scratch});
  ASSERT_EQ(found, static_cast<std::int64_t>(expected.size())) << what;
  const auto end = selected.begin() + found;
  ASSERT_TRUE(std::equal(expected.begin(), expected.end(), selected.begin())) << what << ", k " << k;
  ASSERT_TRUE(std::all_of(end, selected.end(), [](std::int32_t id) { return id == kPoison; })) << what << ", k " << k;
}

std::vector<float> normals(std::size_t count, std::uint64_t seed) {
  RandomStream random(seed);
  std::vector<float> scores(count);
  for (float& each : scores) each = static_cast<float>(random.normal());
  return scores;
}

class CpuTopK : public testing::TestWithParam<CpuPath> {
 protected:
  void SetUp() override {
    if (!can_run(GetParam())) GTEST_SKIP() << "this processor has no " << to_string(GetParam());
  }
  void expect_for_many_k(const std::vector<float>& scores, const std::string& what) const {
    const auto count = static_cast<std::int64_t>(scores.size());
    for (const std::int64_t k : {std::int64_t{0}, std::int64_t{1}, count / 100, count / 16, count / 3, count / 2,
                                 count * 9 / 10, count - 1, count, count + 5})
      expect_selects(GetParam(), scores, std::max<std::int64_t>(k, 0), what);
  }
};

TEST_P(CpuTopK, SelectsOnEveryTail) {
  for (std::size_t count = 0; count <= 70; ++count) {
    for (std::size_t k = 0; k <= count + 1; k += 1 + count / 9)
      expect_selects(GetParam(), normals(count, count), static_cast<std::int64_t>(k), std::to_string(count));
  }
  for (std::size_t count = 120; count <= 150; ++count)
    expect_for_many_k(normals(count, count), std::to_string(count) + " scores");
}

TEST_P(CpuTopK, SelectsFromLongRows) {
  for (const std::size_t count : {1000u, 2048u, 4099u, 30011u})
    expect_for_many_k(normals(count, count), std::to_string(count) + " scores");
}

TEST_P(CpuTopK, TakesTheLowestIdsOfEqualScores) {
  RandomStream random(4);
  for (const std::uint64_t values : {1u, 2u, 3u, 10u, 100u}) {
    for (const std::size_t count : {50u, 1000u, 5000u}) {
      std::vector<float> scores(count);
      for (float& each : scores) each = static_cast<float>(random.below(values)) - 2.0f;
      expect_for_many_k(scores, std::to_string(values) + " values");
    }
  }
}

TEST_P(CpuTopK, RanksNaNBelowEverythingAndZerosEqual) {
  RandomStream random(5);
  constexpr float kLeast = std::numeric_limits<float>::denorm_min(), kMost = std::numeric_limits<float>::max();
  const std::vector<float> values = {kNan, -kNan, kInfinity, -kInfinity, 0.0f, -0.0f, kLeast, -kLeast, kMost, -kMost};
  for (const std::size_t count : {40u, 1000u, 3000u}) {
    std::vector<float> scores(count);
    for (float& each : scores) each = values[random.below(values.size())];
    expect_for_many_k(scores, "special values");
    std::fill(scores.begin(), scores.end(), kNan);
    expect_for_many_k(scores, "NaNs only");
  }
}

// The sampled places hold nothing like the rest of the row.
TEST_P(CpuTopK, SurvivesRowsThatMisleadItsSample) {
  constexpr std::size_t kCount = 6400, kSamples = 32;
  for (const float lie : {-1e30f, 1e30f, 0.0f}) {
    std::vector<float> scores = normals(kCount, 6);
    for (std::size_t i = 0; i < kSamples; ++i) scores[(2 * i + 1) * kCount / (2 * kSamples)] = lie;
    expect_for_many_k(scores, "lies");
  }
  // What is left out lies right beside the bounds of the sample's range.
  for (const float beside : {std::nextafter(1.0f, 0.0f), std::nextafter(1.0f, 2.0f)}) {
    std::vector<float> scores(kCount, beside);
    for (std::size_t i = 0; i < kSamples; ++i) scores[(2 * i + 1) * kCount / (2 * kSamples)] = 1.0f;
    expect_for_many_k(scores, "neighbours");
  }
  std::vector<float> rising = normals(kCount, 7);
  std::sort(rising.begin(), rising.end());
  expect_for_many_k(rising, "rising");
  std::reverse(rising.begin(), rising.end());
  expect_for_many_k(rising, "falling");
  for (std::size_t i = 0; i < kCount; ++i) rising[i] = std::ldexp(1.0f, -static_cast<int>(i % 120));
  expect_for_many_k(rising, "powers");
}

TEST_P(CpuTopK, RowsOnAPoolAreIndependent) {
  constexpr std::size_t kRows = 12, kCount = 777;
  constexpr std::int64_t kKept = 100;
  ThreadPool pool({.threads = 2, .pinned = false});
  std::vector<std::vector<std::int32_t>> scratch(3, std::vector<std::int32_t>(top_k_scratch(kCount)));
  std::vector<std::int32_t> selected(kRows * kKept, kPoison);
  pool.parallel_for(kRows, [&](std::size_t row, int thread) {
    const std::vector<float> scores = normals(kCount, row);
    select_top_k(GetParam(), {scores, kKept, selected.data() + row * kKept, scratch[static_cast<std::size_t>(thread)]});
  });
  for (std::size_t row = 0; row < kRows; ++row) {
    const std::vector<std::int32_t> expected = expected_of(normals(kCount, row), kKept);
    EXPECT_TRUE(std::equal(expected.begin(), expected.end(), selected.data() + row * kKept)) << row;
  }
}

std::string name_of(const testing::TestParamInfo<CpuPath>& path) { return to_string(path.param); }
INSTANTIATE_TEST_SUITE_P(Paths, CpuTopK,
                         testing::Values(CpuPath::scalar, CpuPath::avx2, CpuPath::avx512_bf16, CpuPath::amx_bf16),
                         name_of);

TEST(TopKDeathTest, TooLittleScratchIsABug) {
  const std::vector<float> scores(10, 1.0f);
  std::vector<std::int32_t> selected(5), scratch(51);
  EXPECT_DEATH(select_top_k(CpuPath::scalar, {scores, 5, selected.data(), scratch}), "scratch of 51 for 10 scores");
}

}  // namespace
}  // namespace outrider
