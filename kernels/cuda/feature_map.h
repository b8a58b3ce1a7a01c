// Retrieval completion: the tokens that are not attended exactly are summarised by positive random features, φ(q) ·
// φ(k) ≈ exp(scale · q · k), and complete numerator and denominator of the attention over those that are.
#pragma once

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <cstdint>

namespace outrider {

// φ(x)_j = exp(√scale · w_j · x − scale · |x|² ÷ 2) ÷ √features, the rows w_j of a fixed matrix drawn from the standard
// normal distribution (Performer's). Device memory, pointers 16-byte aligned; here and below head_dim is 64 or 128,
// features a multiple of 8 up to kMostFeatures.
struct FeatureMap {
  const __nv_bfloat16* matrix = nullptr;  // [features][head_dim]
  std::int32_t features = 128, head_dim = 128;
  float scale = 1.0f;  // of q · k, usually 1/√head_dim
};

inline constexpr std::int32_t kMostFeatures = 256;

// result [rows][features] of vectors [rows][head_dim], queries or keys alike. Relative error below 1e-5 · (1 + the
// largest of the absolute sums Σ √scale · |w_j| · |x| and scale · |x|² in the exponent).
cudaError_t launch_features(const FeatureMap& map, const __nv_bfloat16* vectors, std::int64_t rows, float* result,
                            cudaStream_t stream);

// Adds tokens to the summaries of pairs of a sequence and a KV head: S += Σ φ(k) vᵀ, u += Σ φ(k), in a fixed order.
struct FeatureSummary {
  const float* key_features = nullptr;    // [pairs][token_stride][features]
  const __nv_bfloat16* values = nullptr;  // [pairs][token_stride][head_dim]
  const std::int32_t* tokens = nullptr;   // [pairs]
  std::int64_t token_stride = 0;
  std::int32_t pairs = 0, features = 128, head_dim = 128;
  float* sums = nullptr;     // [pairs][features][head_dim], S
  float* weights = nullptr;  // [pairs][features], u
};

// Errors below 2⁻²⁴ · tokens of Σ φ(k) |v| and of Σ φ(k). cudaErrorInvalidValue for shapes other than those above.
cudaError_t launch_feature_summary(const FeatureSummary& summary, cudaStream_t stream);

// output = (exp(lse) · exact + φ(q)ᵀ S − Σ φ(q) · φ(k) v) ÷ (exp(lse) + φ(q) · u − Σ φ(q) · φ(k)), sums over the
// retrieved tokens: they are in S and u as well as in the exact part.
struct Completion {
  const float* query_features = nullptr;    // [pairs][group][features]
  const __nv_bfloat16* exact = nullptr;     // [pairs][group][head_dim], attention over sinks, tail and retrieved tokens
  const float* lse = nullptr;               // [pairs][group], its natural log-sum-exp
  const float* sums = nullptr;              // [pairs][features][head_dim], S
  const float* weights = nullptr;           // [pairs][features], u
  const float* key_features = nullptr;      // [pairs][retrieved_stride][features], of the retrieved tokens
  const __nv_bfloat16* values = nullptr;    // [pairs][retrieved_stride][head_dim]
  const std::int32_t* retrieved = nullptr;  // [pairs]
  std::int64_t retrieved_stride = 0;
  std::int32_t pairs = 0, group = 1, features = 128, head_dim = 128;
  __nv_bfloat16* output = nullptr;  // [pairs][group][head_dim]; may be `exact`
};

// Where rounding leaves nothing positive of the estimated weight, the output is the exact part. Error below 1e-2 of the
// output's norm (rounding to bf16) where the terms do not cancel. cudaErrorInvalidValue as above.
cudaError_t launch_completion(const Completion& completion, cudaStream_t stream);

}  // namespace outrider
