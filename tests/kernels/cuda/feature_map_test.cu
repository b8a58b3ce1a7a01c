// Feature maps, summaries and completions against double arithmetic; and that completion nears full attention.
#include <cmath>

#include "kernels/cuda/feature_map.h"
#include "tests/kernels/cuda/device.h"

namespace outrider {
namespace {

class CudaFeatureMap : public CudaTest {};

void expect_features(int head_dim, int features, int rows, unsigned seed) {
  RandomStream random(seed);
  const std::vector<__nv_bfloat16> matrix = normals(features * head_dim, random), x = normals(rows * head_dim, random);
  const float scale = 1.0f / std::sqrt(static_cast<float>(head_dim));
  const DeviceArray<__nv_bfloat16> w(matrix), vectors(x);
  const DeviceArray<float> result(rows * features + 8, kPoison);
  check(launch_features({w.data(), features, head_dim, scale}, vectors.data(), rows, result.data(), nullptr));
  const std::vector<float> got = result.host();
  const double root = std::sqrt(static_cast<double>(scale));
  for (int i = 0; i < rows * features; ++i) {
    double dot = 0.0, size = 0.0, square = 0.0;
    for (int c = 0; c < head_dim; ++c) {
      const double value = real(x[i / features * head_dim + c]), weight = real(matrix[i % features * head_dim + c]);
      dot += value * weight, size += std::abs(value * weight), square += value * value;
    }
    const double expected = std::exp(root * dot - scale * square / 2.0) / std::sqrt(static_cast<double>(features));
    ASSERT_NEAR(got[i], expected, 1e-5 * (1.0 + std::max(root * size, scale * square)) * expected) << "feature " << i;
  }
  for (std::size_t i = rows * features; i < got.size(); ++i) ASSERT_EQ(got[i], kPoison);
}

TEST_F(CudaFeatureMap, IsExactToItsBoundOnEveryTail) {
  for (int rows = 1; rows <= 70; rows += 3) expect_features(128, 128, rows, rows);
}
TEST_F(CudaFeatureMap, TakesEveryShape) {
  for (const int dim : {64, 128}) {
    for (const int features : {8, 24, 64, kMostFeatures}) expect_features(dim, features, 33, 100 + features);
  }
}

std::vector<float> positives(std::size_t count, RandomStream& random) {
  std::vector<float> values(count);
  for (auto& each : values) each = static_cast<float>(std::exp(random.normal()));
  return values;
}

// Keys' features and values of pairs, with NaNs behind each pair's tokens.
struct Tokens {
  Tokens(const std::vector<std::int32_t>& token_counts, int feature_count, int dim, RandomStream& random)
      : counts(token_counts),
        features(feature_count),
        head_dim(dim),
        stride(*std::max_element(counts.begin(), counts.end()) + 2),
        keys(positives(counts.size() * stride * features, random)),
        values(normals(counts.size() * stride * head_dim, random)) {
    for (std::size_t pair = 0; pair < counts.size(); ++pair) {
      std::fill(&key(pair, counts[pair]), &key(pair, 0) + stride * features, kNotANumber);
      std::fill(&value(pair, counts[pair]), &value(pair, 0) + stride * head_dim, __float2bfloat16(kNotANumber));
    }
  }
  float& key(std::size_t pair, std::size_t token) { return keys[(pair * stride + token) * features]; }
  __nv_bfloat16& value(std::size_t pair, std::size_t token) { return values[(pair * stride + token) * head_dim]; }

  std::vector<std::int32_t> counts;
  int features, head_dim;
  std::size_t stride;
  std::vector<float> keys;
  std::vector<__nv_bfloat16> values;
};

// Of feature `feature` and channel `channel` of a pair; with no channel, of u.
struct Sum {
  double sum = 0.0, size = 0.0;
};
Sum summary_of(Tokens& tokens, std::size_t pair, int feature, int channel) {
  Sum sum;
  for (int t = 0; t < tokens.counts[pair]; ++t) {
    const double key = (&tokens.key(pair, t))[feature];
    const double term = channel < 0 ? key : key * real((&tokens.value(pair, t))[channel]);
    sum.sum += term;
    sum.size += std::abs(term);
  }
  return sum;
}

// Adds the tokens twice to sums that begin at one.
void expect_summary(const std::vector<std::int32_t>& counts, int features, int head_dim, unsigned seed) {
  RandomStream random(seed);
  Tokens tokens(counts, features, head_dim, random);
  const auto pairs = static_cast<std::int32_t>(counts.size());
  const DeviceArray<float> keys(tokens.keys), sums(pairs * features * head_dim, 1.0f), weights(pairs * features, 1.0f);
  const DeviceArray<__nv_bfloat16> values(tokens.values);
  const DeviceArray<std::int32_t> count(counts);
  for (int i = 0; i < 2; ++i) {
    check(launch_feature_summary({keys.data(), values.data(), count.data(), static_cast<std::int64_t>(tokens.stride),
                                  pairs, features, head_dim, sums.data(), weights.data()},
                                 nullptr));
  }
  const std::vector<float> s = sums.host(), u = weights.host();
  for (std::size_t i = 0; i < u.size(); ++i) {
    const std::size_t pair = i / features;
    const int feature = static_cast<int>(i % features);
    const double slack = 0x1p-24 * (counts[pair] + 2);
    const Sum weight = summary_of(tokens, pair, feature, -1);
    ASSERT_NEAR(u[i], 1.0 + 2.0 * weight.sum, slack * (1.0 + 2.0 * weight.size));
    for (int channel = 0; channel < head_dim; ++channel) {
      const Sum sum = summary_of(tokens, pair, feature, channel);
      ASSERT_NEAR(s[i * head_dim + channel], 1.0 + 2.0 * sum.sum, slack * (1.0 + 2.0 * sum.size)) << feature;
    }
  }
}

TEST_F(CudaFeatureMap, SummariesAddTheirTokens) { expect_summary({100, 0, 1, 37}, 64, 128, 1); }
TEST_F(CudaFeatureMap, SummariesTakeEveryShape) {
  for (const int dim : {64, 128}) {
    for (const int features : {8, 24, 128}) expect_summary({50, 7}, features, dim, 200 + features);
  }
}

struct CompletionCase {
  int group, features, head_dim;
  std::vector<std::int32_t> middle, retrieved;  // tokens of each pair; those retrieved are the first
  float lse;
};

// S and u hold all tokens of the middle, so that completing is attending those that are not retrieved.
class CompletionProblem {
 public:
  CompletionProblem(const CompletionCase& c, unsigned seed)
      : c_(c), random_(seed), tokens_(c.middle, c.features, c.head_dim, random_) {
    const std::size_t pairs = c.middle.size(), rows = pairs * c.group;
    queries_ = positives(rows * c.features, random_);
    exact_ = normals(rows * c.head_dim, random_);
    for (std::size_t row = 0; row < rows; ++row) lse_.push_back(c.lse + static_cast<float>(random_.normal()));
    for (std::size_t i = 0; i < pairs * c.features; ++i) {
      const int feature = static_cast<int>(i % c.features);
      weights_.push_back(static_cast<float>(summary_of(tokens_, i / c.features, feature, -1).sum));
      for (int channel = 0; channel < c.head_dim; ++channel)
        sums_.push_back(static_cast<float>(summary_of(tokens_, i / c.features, feature, channel).sum));
    }
  }

  void expect_completed() {
    const DeviceArray<float> queries(queries_), lse(lse_), sums(sums_), weights(weights_), keys(tokens_.keys);
    const DeviceArray<__nv_bfloat16> exact(exact_), values(tokens_.values),
        output(exact_.size(), __float2bfloat16(kPoison));
    const DeviceArray<std::int32_t> retrieved(c_.retrieved);
    check(launch_completion(
        {queries.data(), exact.data(), lse.data(), sums.data(), weights.data(), keys.data(), values.data(),
         retrieved.data(), static_cast<std::int64_t>(tokens_.stride), static_cast<std::int32_t>(c_.middle.size()),
         c_.group, c_.features, c_.head_dim, output.data()},
        nullptr));
    const std::vector<__nv_bfloat16> got = output.host();
    double difference = 0.0, size = 0.0;
    for (std::size_t row = 0; row < lse_.size(); ++row) {
      const std::vector<double> expected = expected_row(row);
      for (int i = 0; i < c_.head_dim; ++i) {
        const double delta = real(got[row * c_.head_dim + i]) - expected[i];
        difference += delta * delta;
        size += expected[i] * expected[i];
      }
    }
    ASSERT_LT(std::sqrt(difference / size), 1e-2) << "lse " << c_.lse;
  }

 private:
  std::vector<double> expected_row(std::size_t row) {
    const std::size_t pair = row / c_.group;
    const double exact_weight = std::exp(static_cast<double>(lse_[row]));
    double total = exact_weight;
    std::vector<double> output(c_.head_dim);
    for (int i = 0; i < c_.head_dim; ++i) output[i] = exact_weight * real(exact_[row * c_.head_dim + i]);
    for (int t = c_.retrieved[pair]; t < c_.middle[pair]; ++t) {
      double weight = 0.0;
      for (int i = 0; i < c_.features; ++i)
        weight += static_cast<double>(queries_[row * c_.features + i]) * (&tokens_.key(pair, t))[i];
      total += weight;
      for (int i = 0; i < c_.head_dim; ++i) output[i] += weight * real((&tokens_.value(pair, t))[i]);
    }
    for (double& each : output) each /= total;
    return output;
  }

  CompletionCase c_;
  RandomStream random_;
  Tokens tokens_;
  std::vector<float> queries_, lse_, sums_, weights_;
  std::vector<__nv_bfloat16> exact_;
};

TEST_F(CudaFeatureMap, CompletionAttendsWhatWasNotRetrieved) {
  for (const float lse : {-200.0f, -5.0f, 0.0f, 8.0f, 200.0f})
    CompletionProblem({4, 64, 128, {200, 90, 1}, {10, 70, 0}, lse}, 300).expect_completed();
}
TEST_F(CudaFeatureMap, CompletionWithNothingLeftIsTheExactPart) {
  CompletionProblem({2, 32, 128, {0, 40, 129}, {0, 40, 129}, 12.0f}, 301).expect_completed();
  CompletionProblem({2, 32, 128, {0}, {0}, -200.0f}, 302).expect_completed();
}
TEST_F(CudaFeatureMap, CompletionTakesEveryShape) {
  for (const int dim : {64, 128}) {
    for (const int group : {1, 5, 16}) CompletionProblem({group, 24, dim, {100}, {33}, 7.0f}, 302).expect_completed();
  }
}

// One pair: attention over all tokens, and over the first of them alone.
struct Attention {
  std::vector<double> output;
  double lse = 0.0;
};
Attention attention_over(const std::vector<__nv_bfloat16>& q, const std::vector<__nv_bfloat16>& keys,
                         const std::vector<__nv_bfloat16>& values, int tokens) {
  const std::size_t dim = q.size();
  Attention attention{std::vector<double>(dim, 0.0)};
  double total = 0.0;
  for (int t = 0; t < tokens; ++t) {
    double dot = 0.0;
    for (std::size_t i = 0; i < dim; ++i) dot += real(q[i]) * real(keys[t * dim + i]);
    const double weight = std::exp(dot / std::sqrt(static_cast<double>(dim)));
    total += weight;
    for (std::size_t i = 0; i < dim; ++i) attention.output[i] += weight * real(values[t * dim + i]);
  }
  for (double& each : attention.output) each /= total;
  attention.lse = std::log(total);
  return attention;
}

double distance(const std::vector<double>& a, const std::vector<double>& b) {
  double square = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) square += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(square);
}

TEST_F(CudaFeatureMap, CompletionNearsFullAttentionOfAHighEntropyHead) {
  constexpr int kDim = 128, kFeatures = 256, kTokens = 600, kRetrieved = 20;
  RandomStream random(400);
  std::vector<__nv_bfloat16> q = normals(kDim, random), k = normals(kTokens * kDim, random);
  const std::vector<__nv_bfloat16> v = normals(kTokens * kDim, random), w = normals(kFeatures * kDim, random);
  for (auto* each : {&q, &k}) {
    for (auto& x : *each) x = __float2bfloat16(0.5f * __bfloat162float(x));
  }
  const Attention full = attention_over(q, k, v, kTokens), part = attention_over(q, k, v, kRetrieved);
  std::vector<__nv_bfloat16> exact_part;
  for (const double each : part.output) exact_part.push_back(__float2bfloat16(static_cast<float>(each)));
  const DeviceArray<__nv_bfloat16> queries(q), keys(k), values(v), matrix(w), exact(exact_part);
  const DeviceArray<float> q_features(kFeatures, kPoison), k_features(kTokens * kFeatures, kPoison);
  const DeviceArray<float> sums(kFeatures * kDim, 0.0f), weights(kFeatures, 0.0f), lse(1, static_cast<float>(part.lse));
  const DeviceArray<std::int32_t> tokens(1, kTokens), retrieved(1, kRetrieved);
  const FeatureMap map{matrix.data(), kFeatures, kDim, 0.088388348f};
  check(launch_features(map, queries.data(), 1, q_features.data(), nullptr));
  check(launch_features(map, keys.data(), kTokens, k_features.data(), nullptr));
  check(launch_feature_summary(
      {k_features.data(), values.data(), tokens.data(), kTokens, 1, kFeatures, kDim, sums.data(), weights.data()},
      nullptr));
  check(launch_completion({q_features.data(), exact.data(), lse.data(), sums.data(), weights.data(), k_features.data(),
                           values.data(), retrieved.data(), kTokens, 1, 1, kFeatures, kDim, exact.data()},
                          nullptr));
  std::vector<double> completed;
  for (const __nv_bfloat16 each : exact.host()) completed.push_back(real(each));
  EXPECT_LT(distance(completed, full.output), 0.5 * distance(part.output, full.output));
}

TEST_F(CudaFeatureMap, RefusesWhatItCannotDo) {
  EXPECT_EQ(launch_features({nullptr, 12, 128, 1.0f}, nullptr, 1, nullptr, nullptr), cudaErrorInvalidValue);
  EXPECT_EQ(launch_features({nullptr, 128, 96, 1.0f}, nullptr, 1, nullptr, nullptr), cudaErrorInvalidValue);
  EXPECT_EQ(launch_feature_summary({.pairs = 1, .features = kMostFeatures + 8}, nullptr), cudaErrorInvalidValue);
  EXPECT_EQ(launch_completion({.pairs = 1, .group = 0}, nullptr), cudaErrorInvalidValue);
}

}  // namespace
}  // namespace outrider
