// Merging of partial attention outputs against double arithmetic: both kinds of parts, empty parts, merging in place.
#include <cmath>

#include "kernels/cuda/merge.h"
#include "tests/kernels/cuda/device.h"

namespace outrider {
namespace {

class CudaMerge : public CudaTest {};

double real(float value) { return value; }

template <class Second>
std::vector<Second> partial(std::size_t count, RandomStream& random);
template <>
std::vector<__nv_bfloat16> partial(std::size_t count, RandomStream& random) {
  return normals(count, random);
}
template <>
std::vector<float> partial(std::size_t count, RandomStream& random) {
  return normal_floats(count, random);
}

// Random parts; every seventh row of the first and every fifth of the second has no tokens, and NaNs for output.
template <class Second>
struct Problem {
  Problem(int row_count, int dim, unsigned seed) : rows(row_count), head_dim(dim) {
    RandomStream random(seed);
    const std::size_t count = static_cast<std::size_t>(rows) * head_dim;
    first = normals(count, random);
    second = partial<Second>(count, random);
    for (int row = 0; row < rows; ++row) {
      first_lse.push_back(static_cast<float>(20.0 * random.normal()));
      second_lse.push_back(first_lse.back() + static_cast<float>(3.0 * random.normal()));
      if (row % 7 == 3) clear(first, first_lse, row);
      if (row % 5 == 2) clear(second, second_lse, row);
    }
  }

  template <class Element>
  void clear(std::vector<Element>& part, std::vector<float>& lse, int row) {
    lse[row] = -INFINITY;
    std::fill_n(part.begin() + row * head_dim, head_dim, Element(kNotANumber));
  }

  void expect_merged(const std::vector<__nv_bfloat16>& output, const std::vector<float>& lse) const {
    for (int row = 0; row < rows; ++row) {
      const double a = std::exp(static_cast<double>(first_lse[row]) - 50.0);
      const double b = std::exp(static_cast<double>(second_lse[row]) - 50.0);
      if (a + b == 0.0) {
        ASSERT_EQ(lse[row], -INFINITY);
      } else {
        ASSERT_NEAR(lse[row], std::log(a + b) + 50.0, 1e-5 * (1.0 + std::abs(lse[row]))) << "row " << row;
      }
      for (int i = row * head_dim; i < (row + 1) * head_dim; ++i) {
        const double x = a > 0.0 ? real(first[i]) : 0.0, y = b > 0.0 ? real(second[i]) : 0.0;
        const double expected = a + b == 0.0 ? 0.0 : (a * x + b * y) / (a + b);
        ASSERT_NEAR(real(output[i]), expected, std::max(std::abs(x), std::abs(y)) / 256.0) << "row " << row;
      }
    }
  }

  int rows, head_dim;
  std::vector<__nv_bfloat16> first;
  std::vector<Second> second;
  std::vector<float> first_lse, second_lse;
};

template <class Second>
void expect_exact(int rows, int head_dim, bool in_place, unsigned seed) {
  const Problem<Second> problem(rows, head_dim, seed);
  const DeviceArray<__nv_bfloat16> first(problem.first), other(problem.first.size(), __float2bfloat16(kPoison));
  const DeviceArray<Second> second(problem.second);
  const DeviceArray<float> first_lse(problem.first_lse), second_lse(problem.second_lse), lse(rows, kPoison);
  const auto& output = in_place ? first : other;
  check(launch_merge(MergePartials<Second>{.first = first.data(),
                                           .first_lse = first_lse.data(),
                                           .second = second.data(),
                                           .second_lse = second_lse.data(),
                                           .rows = rows,
                                           .head_dim = head_dim,
                                           .output = output.data(),
                                           .lse = lse.data()},
                     nullptr));
  problem.expect_merged(output.host(), lse.host());
}

TEST_F(CudaMerge, IsExactToItsBoundOnEveryTail) {
  for (int rows = 1; rows <= 70; ++rows) {
    expect_exact<__nv_bfloat16>(rows, 128, false, rows);
    expect_exact<float>(rows, 128, false, 100 + rows);
  }
}
TEST_F(CudaMerge, TakesEveryHeadDimension) {
  for (const int dim : {8, 24, 64, 256, 576}) {
    expect_exact<__nv_bfloat16>(41, dim, false, 200 + dim);
    expect_exact<float>(41, dim, false, 300 + dim);
  }
}
TEST_F(CudaMerge, WorksInPlace) {
  expect_exact<__nv_bfloat16>(50, 128, true, 400);
  expect_exact<float>(50, 128, true, 401);
}
TEST_F(CudaMerge, RefusesWhatItCannotDo) {
  EXPECT_EQ(launch_merge(MergePartials<float>{.rows = 1, .head_dim = 12}, nullptr), cudaErrorInvalidValue);
  EXPECT_EQ(launch_merge(MergePartials<__nv_bfloat16>{.rows = -1}, nullptr), cudaErrorInvalidValue);
}

}  // namespace
}  // namespace outrider
