// The judge against cases worked out by hand.
#include "fidelity/exact.h"

#include <gtest/gtest.h>

#include <cmath>

namespace outrider {
namespace {

// One query head of two channels and two tokens: logits 0 and 1, values (1, 0) and (0, 2).
Head two_tokens() {
  Head head;
  head.tokens = head.head_dim = 2;
  head.group = head.steps = 1;
  head.scale = 0.5;
  for (const float each : {0.0f, 4.0f, 1.0f, 3.0f}) head.keys.push_back(to_bf16(each));
  for (const float each : {1.0f, 0.0f, 0.0f, 2.0f}) head.values.push_back(to_bf16(each));
  head.queries = {2.0f, 0.0f};
  return head;
}

TEST(ExactAttention, IsTheSoftmaxsMeanOfTheValues) {
  const ExactStep step = exact_attention(two_tokens()).front();
  const double second = std::exp(1.0) / (1.0 + std::exp(1.0));
  EXPECT_NEAR(step.probabilities[1], second, 1e-7);
  EXPECT_NEAR(step.output[0], 1.0 - second, 1e-15);
  EXPECT_NEAR(step.output[1], 2.0 * second, 1e-15);
}

// Of an output (3, 4) in place of (0, 0)… the error is relative: ‖(1, 0)‖ ÷ ‖(3, 4)‖ = 0.2.
TEST(RelativeError, IsTheNormOfTheDifferenceOverTheExactNorm) {
  const ExactStep exact{.output = {3.0, 4.0}, .probabilities = {}};
  const std::vector<float> off = {4.0f, 4.0f}, same = {3.0f, 4.0f};
  EXPECT_DOUBLE_EQ(relative_error(two_tokens(), exact, off), 0.2);
  EXPECT_DOUBLE_EQ(relative_error(two_tokens(), exact, same), 0.0);
}

TEST(CoveredMass, IsTheProbabilityOfTheTokens) {
  const Head head = two_tokens();
  const ExactStep step = exact_attention(head).front();
  EXPECT_NEAR(covered_mass(head, step, {{1}}), std::exp(1.0) / (1.0 + std::exp(1.0)), 1e-7);
  EXPECT_NEAR(covered_mass(head, step, {{0, 1}}), 1.0, 1e-7);
  EXPECT_EQ(covered_mass(head, step, {{}}), 0.0);
}

}  // namespace
}  // namespace outrider
