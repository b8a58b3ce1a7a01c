// MagicPIG: tokens that collide with the query in two hash tables at least are attended, each weighing as much more as
// it was less likely to collide.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "fidelity/selector.h"
#include "fidelity/systems.h"

namespace outrider {
namespace {

// A token collides in a table with p = (1 − θ/π)^K, θ the angle between query and key, keys taken from their mean; in
// two of L tables at least with u = 1 − (1 − p)^L − L · p · (1 − p)^(L − 1). Tables are drawn anew at each step: then
// tokens are hit independently, which is what the estimate assumes too.
class SampledAttention : public Approximation {
 public:
  explicit SampledAttention(const ApproximationInput& input)
      : head_(input.head),
        stream_(input.stream),
        bits_(static_cast<double>(input.params.integer("hash_bits"))),
        kept_(ends_of(input.head, input.params.integer("sink_tokens"), input.params.integer("recent_tokens"))),
        keys_(floats_of(input.head.keys)),
        values_(floats_of(input.head.values)) {
    const auto width = static_cast<std::size_t>(head_.head_dim);
    std::vector<double> mean(width);
    for (std::size_t i = 0; i < keys_.size(); ++i)
      mean[i % width] += static_cast<double>(keys_[i]) / static_cast<double>(head_.tokens);
    for (std::size_t i = 0; i < keys_.size(); i += width) {
      double square = 0.0;
      for (std::size_t c = 0; c < width; ++c) square += std::pow(static_cast<double>(keys_[i + c]) - mean[c], 2.0);
      lengths_.push_back(std::sqrt(square));
    }
    mean_ = std::move(mean);
  }

  // The number of tables follows at the first step, so that its expected hits fill the budget.
  void start(std::int64_t budget_tokens) override {
    budget_ = budget_tokens;
    tables_ = 0.0;
  }

  Attended attend(std::size_t step) override {
    std::vector<std::vector<double>> logits, collisions;
    for (std::int64_t h = 0; h < head_.group; ++h) {
      logits.push_back(logits_of(head_.query(step) + h * head_.head_dim));
      collisions.push_back(collisions_of(head_.query(step) + h * head_.head_dim, logits.back()));
    }
    const bool all = budget_ >= head_.tokens;
    if (tables_ == 0.0 && !all) tables_ = fitting_tables(collisions);
    RandomStream draws = stream_.fork("step").fork(step);
    Attended result;
    TokenList any;
    for (std::size_t h = 0; h < logits.size(); ++h) {
      TokenList tokens;
      std::vector<double> chances;
      for (std::size_t i = 0; i < lengths_.size(); ++i) {
        const auto token = static_cast<std::int32_t>(i);
        const bool kept = all || std::binary_search(kept_.begin(), kept_.end(), token);
        const double chance = kept ? 1.0 : hit(collisions[h][i], tables_);
        if (draws.uniform() >= chance) continue;
        tokens.push_back(token);
        chances.push_back(chance);
      }
      add_weighted(logits[h], tokens, chances, result.output);
      any = united(any, tokens);
      result.tokens.push_back(std::move(tokens));
    }
    double candidates = 0.0;  // ids in the buckets that are looked up
    for (const auto& of_head : collisions) {
      for (const double p : of_head) candidates += tables_ * p;
    }
    result.bytes = {.index = 4.0 * candidates, .kv = kv_bytes(head_, static_cast<double>(any.size())), .state = 0.0};
    return result;
  }

 private:
  std::vector<double> logits_of(const float* query) const {
    const std::vector<float> products = scaled_products(head_, query, 1, keys_.data(), head_.tokens);
    return {products.begin(), products.end()};
  }

  std::vector<double> collisions_of(const float* query, const std::vector<double>& logits) const {
    double square = 0.0, of_mean = 0.0;
    for (std::size_t c = 0; c < mean_.size(); ++c) {
      square += static_cast<double>(query[c]) * static_cast<double>(query[c]);
      of_mean += static_cast<double>(query[c]) * mean_[c];
    }
    std::vector<double> result;
    for (std::size_t i = 0; i < logits.size(); ++i) {
      const double cosine = (logits[i] / head_.scale - of_mean) / (std::sqrt(square) * lengths_[i]);
      result.push_back(std::pow(1.0 - std::acos(std::clamp(cosine, -1.0, 1.0)) / std::numbers::pi, bits_));
    }
    return result;
  }

  static double hit(double p, double tables) {
    const double misses = std::pow(1.0 - p, tables - 1.0);
    return std::clamp(1.0 - misses * (1.0 - p) - tables * p * misses, 0.0, 1.0);
  }

  // Tables, no whole number, with which the tokens that any query head is expected to hit are the budget.
  double fitting_tables(const std::vector<std::vector<double>>& collisions) const {
    const auto expected = [&](double tables) {
      double sum = static_cast<double>(kept_.size());
      for (std::size_t i = 0; i < lengths_.size(); ++i) {
        double nobody = 1.0;
        for (const auto& of_head : collisions) nobody *= 1.0 - hit(of_head[i], tables);
        sum += 1.0 - nobody;
      }
      return sum;
    };
    double low = 2.0, high = 2.0;
    while (expected(high) < static_cast<double>(budget_) && high < 1e6) high *= 2.0;
    for (int i = 0; i < 20; ++i) {
      const double middle = 0.5 * (low + high);
      (expected(middle) < static_cast<double>(budget_) ? low : high) = middle;
    }
    return low;
  }

  void add_weighted(const std::vector<double>& logits, const TokenList& tokens, const std::vector<double>& chances,
                    std::vector<float>& output) const {
    const auto width = static_cast<std::size_t>(head_.head_dim);
    double most = -1e300, total = 0.0;
    for (std::size_t i = 0; i < tokens.size(); ++i)
      most = std::max(most, logits[static_cast<std::size_t>(tokens[i])] - std::log(chances[i]));
    std::vector<double> sum(width);
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      const auto token = static_cast<std::size_t>(tokens[i]);
      const double weight = std::exp(logits[token] - std::log(chances[i]) - most);
      total += weight;
      for (std::size_t c = 0; c < width; ++c) sum[c] += weight * static_cast<double>(values_[token * width + c]);
    }
    for (const double each : sum) output.push_back(static_cast<float>(each / total));
  }

  const Head& head_;
  RandomStream stream_;
  double bits_;
  TokenList kept_;
  std::vector<float> keys_, values_;
  std::vector<double> mean_, lengths_;  // of keys: their mean; each one's distance from it
  std::int64_t budget_ = 0;
  double tables_ = 0.0;
};

}  // namespace

ApproximationEntry magicpig_attention() {
  return {approximation_info("magicpig", "a sample of the tokens by hashing, weighed by its likelihood",
                             "MagicPIG, arXiv 2410.16179",
                             {count_param("hash_bits", 10, "of a table's hash, K", "P"),
                              count_param("sink_tokens", 4, "first tokens that are always attended", "P"),
                              count_param("recent_tokens", 64, "last tokens that are always attended", "P")}),
          true, [](const ApproximationInput& input) -> std::unique_ptr<Approximation> {
            return std::make_unique<SampledAttention>(input);
          }};
}

}  // namespace outrider
