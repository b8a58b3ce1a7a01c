// Quantised KV: bounds of each stage, and integer attention against exact attention on the same values.
#include "kernels/reference/kv_quant.h"

#include <gtest/gtest.h>

#include <cmath>

#include "sim/base/random.h"

namespace outrider {
namespace {

std::vector<Bf16> random_rows(std::int64_t tokens, std::int64_t width) {
  RandomStream stream(3);
  std::vector<Bf16> rows;
  for (std::int64_t i = 0; i < tokens * width; ++i) rows.push_back(to_bf16(static_cast<float>(stream.normal())));
  return rows;
}

double error_of(int bits) {
  const std::vector<Bf16> rows = random_rows(100, 64);
  const std::vector<float> values = progressive_values({.bits = bits, .head_dim = 64}, rows.data(), 100);
  double sum = 0.0;
  for (std::size_t i = 0; i < rows.size(); ++i) sum += std::pow(values[i] - to_float(rows[i]), 2.0);
  return std::sqrt(sum / static_cast<double>(rows.size()));
}

// The largest of the tile's values is ± 127 steps: no value is further than half a step off.
TEST(ProgressiveValues, EightBitsAreWithinHalfAStep) {
  const std::vector<Bf16> rows = random_rows(64, 64);
  float largest = 0.0f;
  for (const Bf16 each : rows) largest = std::max(largest, std::abs(to_float(each)));
  const std::vector<float> values = progressive_values({.bits = 8, .head_dim = 64}, rows.data(), 64);
  for (std::size_t i = 0; i < rows.size(); ++i) EXPECT_LE(std::abs(values[i] - to_float(rows[i])), largest / 253.9f);
}

// A uniform quantiser's error halves with each bit; a channel of 64 normal values spans 4.7 deviations in the mean.
TEST(ProgressiveValues, ErrorsGrowAsBitsGoDown) {
  EXPECT_NEAR(error_of(4), 4.7 / 15.0 / std::sqrt(12.0), 0.02);
  EXPECT_NEAR(error_of(3) / error_of(4), 15.0 / 7.0, 0.3);
  EXPECT_NEAR(error_of(2) / error_of(3), 7.0 / 3.0, 0.3);
}

TEST(ProgressiveValues, AConstantChannelIsAsExactAsInt8) {
  const std::vector<Bf16> rows(64 * 64, to_bf16(1.0f));
  for (const float value : progressive_values({.bits = 2, .head_dim = 64}, rows.data(), 64)) EXPECT_EQ(value, 1.0f);
}

// 128 tokens of 64 channels at 4 bits: 4096 bytes of codes; two tiles with 4 bytes and 2 · 64.
TEST(ProgressiveBytes, CountCodesAndScales) {
  EXPECT_EQ(progressive_bytes({.bits = 4, .head_dim = 64}, 128), 4096.0 + 2.0 * (4.0 + 128.0));
  EXPECT_EQ(progressive_bytes({.bits = 8, .head_dim = 64}, 128), 8192.0 + 2.0 * 4.0);
}

TEST(SasExp, IsNearTheExponentialAboveItsThreshold) {
  for (double x = -6.0; x <= 0.0; x += 0.01) EXPECT_NEAR(sas_exp(x, -6.0), std::exp(x), 5e-4);
  EXPECT_EQ(sas_exp(-6.01, -6.0), 0.0);
}

// Two keys with equal scores: the mean of their values, but for INT8 weights.
TEST(AttendInIntegers, EqualScoresGiveTheMean) {
  const std::vector<float> keys = {1.0f, 0.0f, 1.0f, 0.0f}, values = {2.0f, 0.0f, 4.0f, 8.0f}, query = {1.0f, 0.5f};
  const std::vector<float> output = attend_in_integers(
      {.keys = keys.data(), .values = values.data(), .queries = query.data(), .tokens = 2, .head_dim = 2});
  EXPECT_NEAR(output[0], 3.0f, 2e-3);
  EXPECT_NEAR(output[1], 4.0f, 2e-3);
}

// The second tile's key scores 2 higher: weights 1 and e^2 whatever the tiles.
TEST(AttendInIntegers, TilesShareOneSoftmax) {
  const std::vector<float> keys = {0.0f, 2.0f}, values = {1.0f, 0.0f}, query = {1.0f};
  const std::vector<float> output = attend_in_integers({.keys = keys.data(),
                                                        .values = values.data(),
                                                        .queries = query.data(),
                                                        .tokens = 2,
                                                        .tile_tokens = 1,
                                                        .head_dim = 1});
  EXPECT_NEAR(output[0], 1.0 / (1.0 + std::exp(2.0)), 1e-3);
}

}  // namespace
}  // namespace outrider
