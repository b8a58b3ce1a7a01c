// Plain loops over rows; inner loops run over independent sums.
#include "kernels/reference/completion.h"

#include <algorithm>
#include <cmath>

namespace outrider {

std::vector<float> random_features(std::span<const float> matrix, double scale, std::span<const float> vectors,
                                   std::int64_t head_dim) {
  const std::size_t width = static_cast<std::size_t>(head_dim), count = matrix.size() / width;
  const auto root = static_cast<float>(std::sqrt(scale));
  const double share = std::sqrt(static_cast<double>(count));
  std::vector<float> result(vectors.size() / width * count);
  for (std::size_t row = 0; row < vectors.size() / width; ++row) {
    float* const features = result.data() + row * count;
    float square = 0.0f;
    for (std::size_t c = 0; c < width; ++c) {
      const float x = vectors[row * width + c];
      square += x * x;
      for (std::size_t j = 0; j < count; ++j) features[j] += root * x * matrix[c * count + j];
    }
    for (std::size_t j = 0; j < count; ++j)
      features[j] = static_cast<float>(
          std::exp(static_cast<double>(features[j]) - 0.5 * scale * static_cast<double>(square)) / share);
  }
  return result;
}

FeatureSummary summarise(std::span<const float> key_features, std::span<const float> values, std::int64_t features,
                         std::int64_t head_dim) {
  const std::size_t count = static_cast<std::size_t>(features), width = static_cast<std::size_t>(head_dim);
  FeatureSummary summary{.features = features,
                         .head_dim = head_dim,
                         .sums = std::vector<double>(count * width),
                         .weights = std::vector<double>(count)};
  for (std::size_t row = 0; row < key_features.size() / count; ++row) {
    for (std::size_t j = 0; j < count; ++j) {
      const double weight = static_cast<double>(key_features[row * count + j]);
      summary.weights[j] += weight;
      for (std::size_t c = 0; c < width; ++c)
        summary.sums[j * width + c] += weight * static_cast<double>(values[row * width + c]);
    }
  }
  return summary;
}

std::vector<float> complete(const Completion& completion) {
  const FeatureSummary& summary = *completion.summary;
  const std::size_t count = static_cast<std::size_t>(summary.features);
  const std::size_t width = static_cast<std::size_t>(summary.head_dim);
  std::vector<double> numerator(width);
  double rest = 0.0;
  for (std::size_t j = 0; j < count; ++j) {
    rest += completion.query_features[j] * summary.weights[j];
    for (std::size_t c = 0; c < width; ++c) numerator[c] += completion.query_features[j] * summary.sums[j * width + c];
  }
  for (const std::int32_t token : completion.retrieved) {
    const float* const features = completion.key_features + static_cast<std::size_t>(token) * count;
    double weight = 0.0;
    for (std::size_t j = 0; j < count; ++j) weight += completion.query_features[j] * static_cast<double>(features[j]);
    rest -= weight;
    for (std::size_t c = 0; c < width; ++c)
      numerator[c] -= weight * static_cast<double>(completion.values[static_cast<std::size_t>(token) * width + c]);
  }
  std::vector<float> output(completion.exact, completion.exact + width);
  if (!(rest > 0.0) || !std::isfinite(rest)) return output;
  const double shift = std::max(completion.lse, std::log(rest));  // so that neither part overflows
  const double exact_weight = std::exp(completion.lse - shift), unit = std::exp(-shift);
  for (std::size_t c = 0; c < width; ++c)
    output[c] = static_cast<float>((exact_weight * static_cast<double>(completion.exact[c]) + numerator[c] * unit) /
                                   (exact_weight + rest * unit));
  return output;
}

}  // namespace outrider
