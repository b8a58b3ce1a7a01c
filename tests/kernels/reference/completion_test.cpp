// Completion by features: with features that are exact, it is exact.
#include "kernels/reference/completion.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "sim/base/random.h"

namespace outrider {
namespace {

// Three tokens weigh 1, 2 and 5 for the query, by one feature; the last is retrieved, and so attended exactly.
TEST(Completion, ExactFeaturesGiveExactAttention) {
  const std::vector<float> features = {1.0f, 2.0f, 5.0f}, values = {8.0f, 4.0f, 1.6f};
  const FeatureSummary summary = summarise(features, values, 1, 1);
  const std::vector<double> query = {1.0};
  const std::vector<std::int32_t> retrieved = {2};
  const std::vector<float> output = complete({.summary = &summary,
                                              .query_features = query,
                                              .exact = &values[2],
                                              .lse = std::log(5.0),
                                              .key_features = features.data(),
                                              .values = values.data(),
                                              .retrieved = retrieved});
  EXPECT_NEAR(output[0], (1.0 * 8.0 + 2.0 * 4.0 + 5.0 * 1.6) / 8.0, 1e-6);
}

TEST(Completion, WithNothingLeftTheExactPartStands) {
  const std::vector<float> features = {5.0f}, values = {1.5f};
  const FeatureSummary summary = summarise(features, values, 1, 1);
  const std::vector<double> query = {1.0};
  const std::vector<std::int32_t> retrieved = {0};
  const std::vector<float> exact = {3.0f};
  EXPECT_EQ(complete({.summary = &summary,
                      .query_features = query,
                      .exact = exact.data(),
                      .lse = 700.0,
                      .key_features = features.data(),
                      .values = values.data(),
                      .retrieved = retrieved}),
            exact);
}

// E φ(q) · φ(k) = exp(scale · q · k), for small vectors within a tenth at 4096 features.
TEST(RandomFeatures, ApproximateTheExponential) {
  constexpr std::size_t kFeatures = 4096, kWidth = 8;
  RandomStream stream(5);
  std::vector<float> matrix(kFeatures * kWidth);
  for (float& each : matrix) each = static_cast<float>(stream.normal());
  const std::vector<float> pair = {0.5f, -0.2f, 0.1f, 0.3f, 0.0f, 0.4f, -0.1f, 0.2f,    // q
                                   0.4f, 0.1f,  0.2f, 0.3f, 0.1f, 0.5f, 0.3f,  -0.3f};  // k: q · k = 0.4
  const std::vector<float> features = random_features(matrix, 1.0, pair, kWidth);
  const double product =
      std::inner_product(features.begin(), features.begin() + kFeatures, features.begin() + kFeatures, 0.0);
  const double dot = std::inner_product(pair.begin(), pair.begin() + kWidth, pair.begin() + kWidth, 0.0);
  EXPECT_NEAR(product, std::exp(dot), 0.2) << "three deviations of 4096 features";
}

}  // namespace
}  // namespace outrider
