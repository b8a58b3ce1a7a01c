// Known answers, independence of forks and the distributions' properties.
#include "sim/base/random.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <vector>

namespace outrider {
namespace {

TEST(RandomStream, GivesThePublishedSequence) {
  // xoshiro256++ seeded with splitmix64 from 0 and 42, as in the authors' reference code.
  RandomStream zero(0);
  for (const std::uint64_t expected :
       {0x53175d61490b23dfull, 0x61da6f3dc380d507ull, 0x5c0fdf91ec9a7bfcull, 0x02eebf8c3bbe5e1aull}) {
    EXPECT_EQ(zero.next(), expected);
  }
  RandomStream answer(42);
  EXPECT_EQ(answer.next(), 0xd0764d4f4476689full);
  EXPECT_EQ(answer.next(), 0x519e4174576f3791ull);
}

TEST(RandomStream, ForkDependsOnSeedAndNameOnly) {
  RandomStream used(7);
  const RandomStream fresh(7);
  for (int i = 0; i < 100; ++i) used.next();
  EXPECT_EQ(used.fork("drift").next(), fresh.fork("drift").next());
  EXPECT_EQ(used.fork(3).next(), fresh.fork(3).next());
  EXPECT_NE(fresh.fork("drift").next(), fresh.fork("draft").next());
  EXPECT_NE(fresh.fork("drift").next(), RandomStream(8).fork("drift").next());
}

TEST(RandomStream, ForkingDoesNotShiftTheParent) {
  RandomStream forked(7), plain(7);
  forked.fork("a").next();
  forked.fork(1).next();
  EXPECT_EQ(forked.next(), plain.next());
}

TEST(RandomStream, NumberedForksAreDistinctFromEachOtherAndTheParent) {
  RandomStream parent(7);
  std::set<std::uint64_t> seen = {parent.next()};
  for (std::uint64_t i = 0; i < 1000; ++i) seen.insert(parent.fork(i).next());
  EXPECT_EQ(seen.size(), 1001u);
}

// Correlation of n pairs of independent uniforms has standard deviation 1/√n.
TEST(RandomStream, ForksAreUncorrelated) {
  const RandomStream parent(11);
  RandomStream a = parent.fork("a"), b = parent.fork("b");
  constexpr int kPairs = 100000;
  double product = 0.0;
  for (int i = 0; i < kPairs; ++i) product += (a.uniform() - 0.5) * (b.uniform() - 0.5);
  EXPECT_LT(std::abs(product * 12.0 / kPairs), 4.0 / std::sqrt(kPairs));
}

TEST(RandomStream, UniformStaysInItsHalfOpenRange) {
  RandomStream stream(1);
  double sum = 0.0;
  for (int i = 0; i < 100000; ++i) {
    const double u = stream.uniform();
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    sum += u;
  }
  EXPECT_NEAR(sum / 100000.0, 0.5, 4.0 / std::sqrt(12.0 * 100000.0));
}

TEST(RandomStream, BelowIsEvenOverItsValues) {
  // χ² with 9 degrees of freedom exceeds 27.9 once in a thousand.
  RandomStream stream(2);
  std::vector<double> count(10, 0.0);
  for (int i = 0; i < 100000; ++i) ++count[stream.below(10)];
  double chi2 = 0.0;
  for (const double n : count) chi2 += (n - 1e4) * (n - 1e4) / 1e4;
  EXPECT_LT(chi2, 27.9);
  EXPECT_EQ(stream.below(1), 0u);
}

TEST(RandomStreamDeathTest, BelowZeroHasNoValue) {
  RandomStream stream(2);
  EXPECT_DEATH(stream.below(0), "below");
}

TEST(RandomStream, NormalHasTheMomentsOfAStandardNormal) {
  // Standard deviations of the sample moments 1 to 4 of n normals: √(1/n), √(2/n), √(15/n), √(96/n).
  RandomStream stream(3);
  constexpr double kSamples = 200000.0;
  double moment[4] = {};
  for (int i = 0; i < static_cast<int>(kSamples); ++i) {
    const double x = stream.normal();
    moment[0] += x;
    moment[1] += x * x;
    moment[2] += x * x * x;
    moment[3] += x * x * x * x;
  }
  const double expected[4] = {0.0, 1.0, 0.0, 3.0};
  const double variance[4] = {1.0, 2.0, 15.0, 96.0};
  for (int k = 0; k < 4; ++k)
    EXPECT_NEAR(moment[k] / kSamples, expected[k], 4.0 * std::sqrt(variance[k] / kSamples)) << k;
}

TEST(RandomStream, ExponentialHasItsMeanAndIsMemoryless) {
  RandomStream stream(4);
  constexpr int kSamples = 200000;
  double sum = 0.0;
  int beyond_one = 0, beyond_two = 0;
  for (int i = 0; i < kSamples; ++i) {
    const double x = stream.exponential(5.0);
    ASSERT_GE(x, 0.0);
    sum += x;
    beyond_one += x > 5.0;
    beyond_two += x > 10.0;
  }
  EXPECT_NEAR(sum / kSamples, 5.0, 4.0 * 5.0 / std::sqrt(kSamples));
  EXPECT_NEAR(static_cast<double>(beyond_two) / beyond_one, std::exp(-1.0), 0.01);
}

TEST(NormalQuantile, MatchesTabulatedValues) {
  // Φ⁻¹ to ten digits; the approximation is good to a relative error of 1.2e-9.
  EXPECT_EQ(normal_quantile(0.5), 0.0);
  EXPECT_NEAR(normal_quantile(0.975), 1.959963984540054, 3e-9);
  EXPECT_NEAR(normal_quantile(0.01), -2.3263478740408408, 3e-9);
  EXPECT_NEAR(normal_quantile(1e-10), -6.361340902404056, 1e-8);
}

TEST(NormalQuantile, IsOddAroundOneHalf) {
  for (const double p : {0.001, 0.02, 0.0243, 0.1, 0.3})
    EXPECT_NEAR(normal_quantile(p), -normal_quantile(1.0 - p), 1e-8);
}

TEST(NormalQuantileDeathTest, IsUndefinedAtTheEnds) {
  EXPECT_DEATH(normal_quantile(0.0), "undefined");
  EXPECT_DEATH(normal_quantile(1.0), "undefined");
}

}  // namespace
}  // namespace outrider
