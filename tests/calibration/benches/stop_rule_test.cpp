// The stop rule on synthetic noise: it stops early on quiet machines, late on noisy ones, and leaves out what was
// disturbed.
#include "calibration/benches/stop_rule.h"

#include <gtest/gtest.h>

#include <cmath>

#include "sim/base/random.h"

namespace outrider {
namespace {

// Trials of 1 ms with log-normal noise, of which some are disturbed and take ten times as long.
std::function<Trial()> noisy(double noise, double disturbed_share) {
  return [noise, disturbed_share, random = RandomStream(5)]() mutable {
    const bool disturbed = random.uniform() < disturbed_share;
    return Trial{1e-3 * std::exp(noise * random.normal()) * (disturbed ? 10.0 : 1.0), disturbed};
  };
}

constexpr StopRule kRule{.precision = 0.01, .least = 9, .most = 2000, .budget = 1e9};

TEST(StopRule, AQuietMachineNeedsTheLeastTrials) {
  const Measurement measured = measure(noisy(0.001, 0.0), kRule);
  EXPECT_TRUE(measured.settled);
  EXPECT_EQ(measured.trials, 9);
  EXPECT_NEAR(measured.median, 1e-3, 2e-6);
}

TEST(StopRule, MoreNoiseTakesMoreTrialsToTheSamePrecision) {
  int before = 0;
  for (const double noise : {0.01, 0.03, 0.1}) {
    const Measurement measured = measure(noisy(noise, 0.0), kRule);
    EXPECT_TRUE(measured.settled) << noise;
    EXPECT_GT(measured.trials, before) << noise;
    EXPECT_LE(measured.precision(), 0.01);
    EXPECT_NEAR(measured.median, 1e-3, 3e-5) << noise;
    EXPECT_NEAR(measured.spread, 2.56 * noise, 1.2 * noise) << "P90 − P10 of a normal is 2.56 σ";
    before = measured.trials;
  }
}

TEST(StopRule, DisturbedTrialsAreCountedAndLeftOut) {
  const Measurement measured = measure(noisy(0.01, 0.4), kRule);
  EXPECT_TRUE(measured.settled);
  EXPECT_GT(measured.discarded, 3);
  EXPECT_NEAR(measured.median, 1e-3, 2e-5);
}

TEST(StopRule, WhereAllIsDisturbedNothingIsSettled) {
  StopRule rule = kRule;
  rule.most = 50;
  const Measurement measured = measure(noisy(0.01, 1.0), rule);
  EXPECT_FALSE(measured.settled);
  EXPECT_EQ(measured.discarded, 50);
  EXPECT_NEAR(measured.median, 1e-2, 1e-3) << "what was seen, and marked";
}

TEST(StopRule, BudgetAndMostTrialsEndIt) {
  StopRule rule = kRule;
  rule.budget = 0.02;  // 20 trials of a millisecond
  rule.precision = 1e-9;
  const Measurement measured = measure(noisy(0.01, 0.0), rule);
  EXPECT_FALSE(measured.settled);
  EXPECT_NEAR(measured.trials, 20, 1);
  rule.budget = 1e9;
  rule.most = 33;
  EXPECT_EQ(measure(noisy(0.01, 0.0), rule).trials, 33);
}

// The interval holds the true median about as often as it says.
TEST(StopRule, TheIntervalOfTheMedianHoldsItNineteenTimesInTwenty) {
  RandomStream random(9);
  int held = 0;
  constexpr int kRounds = 2000;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<double> times(31);
    for (double& time : times) time = std::exp(0.2 * random.normal());
    const Measurement measured = summary_of(times);
    held += measured.low <= 1.0 && 1.0 <= measured.high ? 1 : 0;
  }
  EXPECT_GT(held, kRounds * 94 / 100);
  EXPECT_LT(held, kRounds * 99 / 100);
}

}  // namespace
}  // namespace outrider
