// Quantiles at ranks and between them, by hand.
#include "sim/base/statistics.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "sim/base/ticks.h"

namespace outrider {
namespace {

// 1 to count, backwards.
std::vector<double> falling(int count) {
  std::vector<double> values(static_cast<std::size_t>(count));
  std::iota(values.rbegin(), values.rend(), 1.0);
  return values;
}

TEST(Quantile, OfOneValueIsThatValue) {
  for (const double share : {0.0, 0.3, 0.5, 1.0}) {
    EXPECT_EQ(nearest_quantile(falling(1), share), 1.0);
    EXPECT_EQ(interpolated_quantile(falling(1), share), 1.0);
  }
}

TEST(Quantile, ReachesFromTheSmallestToTheLargest) {
  for (const int count : {2, 3, 10}) {
    EXPECT_EQ(nearest_quantile(falling(count), 0.0), 1.0);
    EXPECT_EQ(nearest_quantile(falling(count), 1.0), count);
    EXPECT_EQ(interpolated_quantile(falling(count), 0.0), 1.0);
    EXPECT_EQ(interpolated_quantile(falling(count), 1.0), count);
  }
}

TEST(Quantile, MedianOfAnEvenNumberIsTheUpperOrTheMeanOfTheMiddleTwo) {
  EXPECT_EQ(nearest_quantile(falling(5), 0.5), 3.0);
  EXPECT_EQ(interpolated_quantile(falling(5), 0.5), 3.0);
  EXPECT_EQ(nearest_quantile(falling(4), 0.5), 3.0);
  EXPECT_EQ(interpolated_quantile(falling(4), 0.5), 2.5);
}

// 0.9 · (12 − 1) = 9.9: nine tenths of the way from the tenth value to the eleventh.
TEST(Quantile, NinetiethPercentileOfTwelveLiesBetweenTheTenthAndTheEleventh) {
  EXPECT_EQ(nearest_rank(12, 0.9), 10u);
  EXPECT_EQ(nearest_quantile(falling(12), 0.9), 11.0);
  EXPECT_DOUBLE_EQ(interpolated_quantile(falling(12), 0.9), 10.9);
  EXPECT_EQ(nearest_quantile(falling(12), 0.1), 2.0);
}

TEST(Quantile, AtARankIsOfWhateverCanBeOrdered) {
  const std::vector<Duration> times = {Duration::from_ps(30), Duration::from_ps(10), Duration::from_ps(20)};
  EXPECT_EQ(nearest_quantile(times, 0.5), Duration::from_ps(20));
}

TEST(QuantileDeathTest, NeedsAValueAndAShare) {
  EXPECT_DEATH(nearest_quantile(std::vector<double>{}, 0.5), "of 0 values");
  EXPECT_DEATH(interpolated_quantile({}, 0.5), "of 0 values");
  EXPECT_DEATH(nearest_quantile(falling(3), 1.5), "a quantile at 1.5");
}

}  // namespace
}  // namespace outrider
