// What counts as a trend of step times, on series written by hand.
#include "sim/trace/trend.h"

#include <gtest/gtest.h>

#include <initializer_list>

namespace outrider {
namespace {

StepTrend trend_of(std::initializer_list<std::int64_t> times) {
  std::vector<Duration> durations;
  for (const std::int64_t ps : times) durations.push_back(Duration::from_ps(ps));
  return step_trend(durations);
}

TEST(StepTrend, IsTheLastQuartersMedianOverTheFirsts) {
  // Quarters of two: (100 + 104) ÷ 2 = 102 and (150 + 156) ÷ 2 = 153.
  const StepTrend rising = trend_of({100, 104, 110, 120, 130, 140, 150, 156});
  EXPECT_DOUBLE_EQ(rising.ratio, 1.5);
  EXPECT_TRUE(rising.trends);
  const StepTrend falling = trend_of({156, 150, 140, 130, 120, 110, 104, 100});
  EXPECT_DOUBLE_EQ(falling.ratio, 102.0 / 153.0);
  EXPECT_TRUE(falling.trends);
}

TEST(StepTrend, StartsAboveFivePercent) {
  EXPECT_FALSE(trend_of({100, 100, 100, 100, 104, 104, 104, 104}).trends);
  EXPECT_TRUE(trend_of({100, 100, 100, 100, 106, 106, 106, 106}).trends);
  EXPECT_FALSE(trend_of({100, 100, 100, 100, 100, 100, 100, 100}).trends);
}

TEST(StepTrend, AFewLongStepsAreNone) {
  // Twelve steps, quarters of three. One of the last is five times as long: the medians stay 100.
  EXPECT_FALSE(trend_of({100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 500, 100}).trends);
  // Two of three: the medians are far apart, yet only 6 of 9 pairs say so.
  const StepTrend scattered = trend_of({100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 500, 500});
  EXPECT_DOUBLE_EQ(scattered.ratio, 5.0);
  EXPECT_FALSE(scattered.trends);
}

TEST(StepTrend, FewerThanFourStepsSayNothing) {
  EXPECT_FALSE(trend_of({}).trends);
  EXPECT_FALSE(trend_of({100, 200, 400}).trends);
  EXPECT_EQ(trend_of({100, 200, 400}).ratio, 1.0);
  // Four: two against two.
  EXPECT_TRUE(trend_of({100, 110, 200, 210}).trends);
}

TEST(StepTrend, StepsWithoutTimeHaveNoRatio) { EXPECT_EQ(trend_of({0, 0, 0, 5, 5, 5}).ratio, 1.0); }

}  // namespace
}  // namespace outrider
