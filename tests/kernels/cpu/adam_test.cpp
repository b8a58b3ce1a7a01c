// Adam of every path against double arithmetic, and all paths against each other bit by bit: tails, alignments, steps.
#include "kernels/cpu/adam.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "kernels/cpu/thread_pool.h"
#include "sim/base/random.h"

namespace outrider {
namespace {

constexpr Bf16 kPoison{0x7fc1};  // a NaN

Bf16 element_of(double value, Bf16) { return to_bf16(static_cast<float>(value)); }
float element_of(double value, float) { return static_cast<float>(value); }

// Arrays `offset` elements off their alignment, and a NaN on either side of them.
template <class Gradient>
struct Problem {
  Problem(std::int64_t count, std::size_t offset, std::uint64_t seed) : random(seed), first_at(offset + 1) {
    const auto size = static_cast<std::size_t>(count) + first_at + 1;
    for (std::vector<float>* each : {&weights, &first, &second})
      each->assign(size, std::numeric_limits<float>::quiet_NaN());
    gradients.assign(size, element_of(std::nan(""), Gradient{}));
    copy.assign(size, kPoison);
    for (std::size_t i = first_at; i + 1 < size; ++i) {
      weights[i] = static_cast<float>(0.02 * random.normal());
      first[i] = static_cast<float>(1e-3 * random.normal());
      second[i] = static_cast<float>(1e-6 * random.exponential(1.0));
      gradients[i] = element_of(1e-3 * random.normal(), Gradient{});
    }
    part.weights = weights.data() + first_at;
    part.first = first.data() + first_at;
    part.second = second.data() + first_at;
    part.gradients = gradients.data() + first_at;
    part.copy = copy.data() + first_at;
    part.count = count;
    part.step = 3;
    part.decay = 0.1f;
    part.gradient_scale = 0.5f;
  }
  RandomStream random;
  std::size_t first_at;
  std::vector<float> weights, first, second;
  std::vector<Gradient> gradients;
  std::vector<Bf16> copy;
  AdamPart<Gradient> part;
};

template <class Gradient>
void expect_close(const Problem<Gradient>& before, const Problem<Gradient>& after, const std::string& what) {
  const AdamPart<Gradient>& part = after.part;
  const double beta1 = static_cast<double>(part.beta1), beta2 = static_cast<double>(part.beta2);
  const double rate = static_cast<double>(part.rate), step = static_cast<double>(part.step);
  for (std::size_t i = after.first_at; i + 1 < after.weights.size(); ++i) {
    const double w = static_cast<double>(before.weights[i]), old_m = static_cast<double>(before.first[i]);
    const double g = static_cast<double>(to_float(before.gradients[i])) * static_cast<double>(part.gradient_scale);
    const double m = beta1 * old_m + (1 - beta1) * g;
    const double v = beta2 * static_cast<double>(before.second[i]) + (1 - beta2) * g * g;
    const double root = std::sqrt(v / (1 - std::pow(beta2, step))) + static_cast<double>(part.epsilon);
    const double pull = rate / (1 - std::pow(beta1, step)) / root, shrink = rate * static_cast<double>(part.decay) * w;
    const double m_size = beta1 * std::abs(old_m) + (1 - beta1) * std::abs(g);
    const double w_size = pull * m_size + std::abs(shrink);
    ASSERT_NEAR(static_cast<double>(after.first[i]), m, 1e-6 * m_size) << what << ", " << i;
    ASSERT_NEAR(static_cast<double>(after.second[i]), v, 1e-6 * v) << what << ", " << i;
    ASSERT_NEAR(static_cast<double>(after.weights[i]), w - pull * m - shrink, 1e-5 * w_size + 1.5e-7 * std::abs(w))
        << what << ", " << i;
    ASSERT_EQ(after.copy[i].bits, to_bf16(after.weights[i]).bits) << what << ", " << i;
  }
}

// Neighbours of the arrays are still NaN; nothing has been written there.
template <class Gradient>
void expect_untouched_around(const Problem<Gradient>& after, const std::string& what) {
  for (const std::size_t i : {after.first_at - 1, after.weights.size() - 1}) {
    EXPECT_TRUE(std::isnan(after.weights[i]) && std::isnan(after.first[i]) && std::isnan(after.second[i])) << what;
    EXPECT_EQ(after.copy[i].bits, kPoison.bits) << what;
  }
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](float x, float y) {
    return std::bit_cast<std::uint32_t>(x) == std::bit_cast<std::uint32_t>(y);
  });
}

template <class Gradient>
void expect_same(const Problem<Gradient>& a, const Problem<Gradient>& b, const std::string& what) {
  EXPECT_TRUE(same_bits(a.weights, b.weights) && same_bits(a.first, b.first) && same_bits(a.second, b.second)) << what;
  EXPECT_TRUE(std::equal(a.copy.begin(), a.copy.end(), b.copy.begin(), [](Bf16 x, Bf16 y) { return x.bits == y.bits; }))
      << what;
}

class CpuAdam : public testing::TestWithParam<CpuPath> {
 protected:
  void SetUp() override {
    if (!can_run(GetParam())) GTEST_SKIP() << "this processor has no " << to_string(GetParam());
  }
  template <class Gradient>
  void expect_right(std::int64_t count, std::size_t offset) const {
    const std::string what = std::to_string(count) + " weights at " + std::to_string(offset);
    const auto seed = static_cast<std::uint64_t>(count);
    Problem<Gradient> before(count, offset, seed), after(count, offset, seed), scalar(count, offset, seed);
    adam_step(GetParam(), after.part);
    adam_step(CpuPath::scalar, scalar.part);
    expect_close(before, after, what);
    expect_untouched_around(after, what);
    expect_same(after, scalar, what);
  }
};

TEST_P(CpuAdam, IsExactToItsBoundOnEveryTail) {
  for (std::int64_t count = 0; count <= 140; ++count) {
    expect_right<Bf16>(count, 0);
    expect_right<float>(count, 0);
  }
  expect_right<Bf16>(5000, 0);
  expect_right<float>(5000, 0);
}

TEST_P(CpuAdam, TakesEveryAlignment) {
  for (std::size_t offset = 0; offset < 33; ++offset) {
    expect_right<Bf16>(200, offset);
    expect_right<float>(200, offset);
  }
}

// A constant gradient moves the weight by the rate in every step, whatever the gradient's size.
TEST_P(CpuAdam, MovesByTheRateUnderAConstantGradient) {
  constexpr std::size_t kCount = 100;
  std::vector<float> weights(kCount, 1.0f), first(kCount), second(kCount), gradients(kCount);
  std::vector<Bf16> copy(kCount, kPoison);
  for (std::size_t i = 0; i < kCount; ++i) gradients[i] = (i % 2 == 0 ? 1.0f : -1.0f) * static_cast<float>(i + 1);
  AdamPart<float> part{weights.data(), first.data(), second.data(), gradients.data(), copy.data(), kCount};
  for (part.step = 1; part.step <= 20; ++part.step) adam_step(GetParam(), part);
  for (std::size_t i = 0; i < kCount; ++i) EXPECT_NEAR(weights[i], i % 2 == 0 ? 0.98f : 1.02f, 1e-5f) << i;
}

TEST_P(CpuAdam, KeepsSubnormalsInfinitiesAndNaNs) {
  constexpr float kLeast = std::numeric_limits<float>::denorm_min(), kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kMost = std::numeric_limits<float>::max(), kNan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> values = {kLeast, 1e-39f, 0.0f, -0.0f, kInfinity, -kInfinity, kMost, kNan};
  Problem<float> after(256, 0, 1), scalar(256, 0, 1);
  for (Problem<float>* each : {&after, &scalar}) {
    each->part.decay = 0.0f;
    for (std::size_t i = 0; i < 256; ++i) {
      each->part.weights[i] = values[i % 8];
      each->part.first[i] = i % 3 == 0 ? 0.0f : values[i / 8 % 7];
      each->part.second[i] = std::abs(values[i / 64]);
      each->gradients[each->first_at + i] = 0.0f;
    }
  }
  adam_step(GetParam(), after.part);
  adam_step(CpuPath::scalar, scalar.part);
  for (std::size_t i = 0; i < 256; ++i) {
    const float found = after.part.weights[i], expected = scalar.part.weights[i];
    EXPECT_TRUE(std::isnan(expected) ? std::isnan(found) && std::isnan(to_float(after.part.copy[i]))
                                     : found == expected && after.part.copy[i].bits == scalar.part.copy[i].bits)
        << i << ": " << found << ", not " << expected;
  }
}

TEST_P(CpuAdam, SlicesOnAPoolEqualTheWhole) {
  Problem<Bf16> parts(1000, 5, 2), whole(1000, 5, 2);
  ThreadPool pool({.threads = 2, .pinned = false});
  pool.parallel_for(10, [&](std::size_t i, int) {
    adam_step(GetParam(), slice(parts.part, static_cast<std::int64_t>(100 * i), 100));
  });
  adam_step(GetParam(), whole.part);
  expect_same(parts, whole, "slices");
}

std::string name_of(const testing::TestParamInfo<CpuPath>& path) { return to_string(path.param); }
INSTANTIATE_TEST_SUITE_P(Paths, CpuAdam,
                         testing::Values(CpuPath::scalar, CpuPath::avx2, CpuPath::avx512_bf16, CpuPath::amx_bf16),
                         name_of);

TEST(AdamDeathTest, StepsCountFromOne) {
  Problem<float> problem(4, 0, 1);
  problem.part.step = 0;
  EXPECT_DEATH(adam_step(CpuPath::scalar, problem.part), "step 0 of 4 weights");
}

}  // namespace
}  // namespace outrider
