// Known parameters come back from noisy times, with intervals that hold them.
#include "calibration/fit/fit.h"

#include <gtest/gtest.h>

#include <cmath>

#include "sim/base/random.h"
#include "sim/base/statistics.h"

namespace outrider {
namespace {

// A latency and a rate: t = a + x / b, x from 1 to 10⁶.
struct Line {
  std::vector<double> sizes;
  FitProblem problem;
};

Line line_of(double latency, double rate, double noise, double wild_share) {
  Line line;
  RandomStream random(3);
  for (int i = 0; i < 120; ++i) {
    line.sizes.push_back(std::pow(10.0, 6.0 * i / 119.0));
    double time = (latency + line.sizes.back() / rate) * std::exp(noise * random.normal());
    if (random.uniform() < wild_share) time *= 3.0;
    line.problem.measured.push_back(time);
  }
  line.problem.start = {1.0, 1.0};
  line.problem.predict = [sizes = line.sizes](std::span<const double> theta) {
    std::vector<double> times;
    for (const double size : sizes) times.push_back(theta[0] + size / theta[1]);
    return times;
  };
  return line;
}

double median_error(std::vector<double> errors) {
  for (double& error : errors) error = std::abs(error);
  return nearest_quantile(errors, 0.5);
}

TEST(Fit, ExactTimesGiveExactParameters) {
  const Fit found = fit(line_of(5.0, 40.0, 0.0, 0.0).problem, {.resamples = 5});
  EXPECT_NEAR(found.theta[0], 5.0, 1e-6);
  EXPECT_NEAR(found.theta[1], 40.0, 1e-5);
  EXPECT_LT(median_error(found.held_out_errors), 1e-6);
}

TEST(Fit, IntervalsHoldTheTruthAndShrinkWithTheNoise) {
  double before = 1e9;
  for (const double noise : {0.1, 0.02}) {
    const Fit found = fit(line_of(5.0, 40.0, noise, 0.0).problem, {});
    EXPECT_LT(found.low[0], 5.0) << noise;
    EXPECT_GT(found.high[0], 5.0) << noise;
    EXPECT_LT(found.low[1], 40.0) << noise;
    EXPECT_GT(found.high[1], 40.0) << noise;
    EXPECT_LT(found.high[0] - found.low[0], before);
    before = found.high[0] - found.low[0];
    EXPECT_NEAR(median_error(found.held_out_errors), 0.67 * noise, 0.3 * noise);
  }
}

// One sample in ten takes three times as long: least squares would be 12 % off and more.
TEST(Fit, WildSamplesDoNotPull) {
  const Fit found = fit(line_of(5.0, 40.0, 0.01, 0.1).problem, {.resamples = 20});
  EXPECT_NEAR(found.theta[0], 5.0, 0.05);
  EXPECT_NEAR(found.theta[1], 40.0, 0.4);
}

TEST(Fit, TheSameSeedGivesTheSameIntervals) {
  const FitProblem problem = line_of(5.0, 40.0, 0.05, 0.0).problem;
  const Fit one = fit(problem, {.resamples = 10, .seed = 4}), two = fit(problem, {.resamples = 10, .seed = 4});
  EXPECT_EQ(one.theta, two.theta);
  EXPECT_EQ(one.low, two.low);
  EXPECT_NE(one.low, fit(problem, {.resamples = 10, .seed = 5}).low);
}

}  // namespace
}  // namespace outrider
