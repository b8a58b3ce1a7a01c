// Selection of the k largest scores against a sort: ties, tails, strides, infinities, scores of few values.
#include <cmath>

#include "kernels/cuda/topk.h"
#include "tests/kernels/cuda/device.h"

namespace outrider {
namespace {

class CudaTopK : public CudaTest {};

// By score, then by id; NaN behind all.
std::vector<std::int32_t> expected_of(const float* scores, int count, int k) {
  std::vector<std::int32_t> ids(count);
  std::iota(ids.begin(), ids.end(), 0);
  std::stable_sort(ids.begin(), ids.end(), [&](int a, int b) {
    if (std::isnan(scores[a]) || std::isnan(scores[b])) return !std::isnan(scores[a]) && std::isnan(scores[b]);
    return scores[a] > scores[b];
  });
  ids.resize(std::min(k, count));
  std::sort(ids.begin(), ids.end());
  return ids;
}

// Rows of `counts` scores, rows_per_count to a count. What lies behind a row's scores would be selected first.
void expect_selected(const std::vector<std::int32_t>& counts, int rows_per_count, int k,
                     const std::vector<float>& values, RandomStream& random) {
  const int most = *std::max_element(counts.begin(), counts.end()), rows = counts.size() * rows_per_count;
  const std::size_t stride = most + 3, selected_stride = k + 5;
  std::vector<float> scores(rows * stride, INFINITY);
  for (int row = 0; row < rows; ++row) {
    for (int i = 0; i < counts[row / rows_per_count]; ++i)
      scores[row * stride + i] =
          values.empty() ? static_cast<float>(random.normal()) : values[random.below(values.size())];
  }
  const DeviceArray<float> in(scores);
  const DeviceArray<std::int32_t> count(counts), selected(rows * selected_stride, kPoisonId), kept(rows, kPoisonId);
  check(launch_top_k({.scores = in.data(),
                      .score_stride = static_cast<std::int64_t>(stride),
                      .counts = count.data(),
                      .rows = rows,
                      .rows_per_count = rows_per_count,
                      .k = k,
                      .selected = selected.data(),
                      .selected_stride = static_cast<std::int64_t>(selected_stride),
                      .selected_counts = kept.data()},
                     nullptr));
  const std::vector<std::int32_t> ids = selected.host(), kept_counts = kept.host();
  for (int row = 0; row < rows; ++row) {
    std::vector<std::int32_t> expected = expected_of(&scores[row * stride], counts[row / rows_per_count], k);
    ASSERT_EQ(kept_counts[row], static_cast<int>(expected.size()));
    expected.resize(selected_stride, kPoisonId);
    const auto begin = ids.begin() + row * selected_stride;
    ASSERT_EQ(std::vector<std::int32_t>(begin, begin + selected_stride), expected)
        << "k " << k << " of " << counts[row / rows_per_count];
  }
}

TEST_F(CudaTopK, SelectsTheLargestOnEveryTail) {
  RandomStream random(1);
  for (const int count : {1, 2, 31, 32, 33, 1023, 1024, 1025, 2047, 2049, 5000}) {
    for (const int k : {0, 1, 2, 31, 32, 33, 64, 1000, 2048}) expect_selected({count}, 1, k, {}, random);
  }
}
TEST_F(CudaTopK, SelectsFromLongRows) {
  RandomStream random(2);
  for (const int k : {1, 64, 2048}) expect_selected({65536}, 2, k, {}, random);
}
TEST_F(CudaTopK, TakesTheLowestIdsOfEqualScores) {
  RandomStream random(3);
  for (const int k : {1, 7, 100, 900, 1999}) {
    expect_selected({2000}, 1, k, {1.0f}, random);
    expect_selected({2000}, 1, k, {0.0f, -0.0f}, random);
    expect_selected({2000}, 1, k, {1.0f, -1.0f, 2.0f, 1.0000001f}, random);
  }
}
TEST_F(CudaTopK, OrdersInfinitiesDenormalsAndNaN) {
  RandomStream random(4);
  const std::vector<float> values = {INFINITY, -INFINITY, kNotANumber, -kNotANumber, 1e-45f, -1e-45f, 0.0f, 3e38f};
  for (const int k : {1, 200, 400, 700, 1100, 1499}) expect_selected({1500}, 1, k, values, random);
}
TEST_F(CudaTopK, TakesRowsOfVeryDifferentLengths) {
  RandomStream random(5);
  expect_selected({4000, 0, 17, 64, 1}, 3, 64, {}, random);
}
TEST_F(CudaTopK, RefusesWhatItCannotDo) {
  EXPECT_EQ(launch_top_k({.rows = 1, .k = 2, .selected_stride = 1}, nullptr), cudaErrorInvalidValue);
  EXPECT_EQ(launch_top_k({.rows = 3, .rows_per_count = 2, .k = 1, .selected_stride = 1}, nullptr),
            cudaErrorInvalidValue);
}

}  // namespace
}  // namespace outrider
