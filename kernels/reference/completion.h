// Retrieval completion: tokens that are not attended exactly are summarised by positive features, φ(q) · φ(k) ≈
// exp(scale · q · k), and complete numerator and denominator of the attention over those that are.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace outrider {

// φ(x)_j = exp(√scale · w_j · x − scale · |x|² ÷ 2) ÷ √features of each row of vectors [rows][head_dim]; columns w_j of
// `matrix` [head_dim][features] drawn from the standard normal distribution (Performer's positive features, as in
// kernels/cuda/feature_map.h). In float, for what is not far from 1.
std::vector<float> random_features(std::span<const float> matrix, double scale, std::span<const float> vectors,
                                   std::int64_t head_dim);

// S = Σ φ(k) vᵀ and u = Σ φ(k), of rows of features and as many of values [rows][head_dim].
struct FeatureSummary {
  std::int64_t features = 0, head_dim = 0;
  std::vector<double> sums, weights;  // [features][head_dim], [features]
};
FeatureSummary summarise(std::span<const float> key_features, std::span<const float> values, std::int64_t features,
                         std::int64_t head_dim);

// output = (e^lse · exact + φ(q)ᵀ S − Σ φ(q) · φ(k) v) ÷ (e^lse + φ(q) · u − Σ φ(q) · φ(k)), sums over the retrieved
// tokens, which are in the summary and in the exact part. The exact part where what is left weighs nothing or less.
struct Completion {
  const FeatureSummary* summary = nullptr;
  std::span<const double> query_features;
  const float* exact = nullptr;  // [head_dim]
  double lse = 0.0;
  const float* key_features = nullptr;  // [all tokens][features]
  const float* values = nullptr;        // [all tokens][head_dim]
  std::span<const std::int32_t> retrieved;
};
std::vector<float> complete(const Completion& completion);

}  // namespace outrider
