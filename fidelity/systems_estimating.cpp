// Systems that attend some tokens exactly and stand in for the others: by features, by clusters, or by what a sample of
// them weighs.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "fidelity/clusters.h"
#include "fidelity/selector.h"
#include "fidelity/systems.h"
#include "kernels/cpu/attention.h"
#include "kernels/cpu/topk.h"
#include "kernels/reference/completion.h"

namespace outrider {
namespace {

using Made = std::unique_ptr<Approximation>;

// The prefill's queries, turned to where the decode steps' are: which of their tokens are near is then the same.
std::vector<float> queries_at_end(const Head& head) {
  std::vector<float> queries = head.prefill_queries;
  const auto width = static_cast<std::size_t>(head.head_dim);
  for (std::size_t q = 0; q < head.prefill_positions.size(); ++q)
    rotate(queries.data() + q * width, head.head_dim, head.rope_base,
           static_cast<double>(head.tokens - head.prefill_positions[q]));
  return queries;
}

// φ of keys, once, and of queries. Keys are taken from their mean, which changes no softmax.
class FeatureMaps {
 public:
  FeatureMaps(const ApproximationInput& input, std::int64_t features)
      : head_(input.head), features_(features), random_(input.params.text("features") == "random") {
    const auto width = static_cast<std::size_t>(head_.head_dim);
    std::vector<float> keys = floats_of(head_.keys);
    mean_.assign(width, 0.0);
    for (std::size_t i = 0; i < keys.size(); ++i)
      mean_[i % width] += static_cast<double>(keys[i]) / static_cast<double>(head_.tokens);
    for (std::size_t i = 0; i < keys.size(); ++i) keys[i] -= static_cast<float>(mean_[i % width]);
    random_ ? draw_matrix(input.stream) : find_centroids(input.stream);
    keys_ = random_ ? random_features(matrix_, head_.scale, keys, head_.head_dim) : features_of_centroids(keys);
  }

  const std::vector<float>& keys() const { return keys_; }  // [tokens][features]
  // Of one query head.
  std::vector<double> query(const float* query) const {
    if (random_) {
      const std::vector<float> exponents = logs_of_random(query);
      std::vector<double> result;
      for (const float each : exponents) result.push_back(std::exp(static_cast<double>(each)));
      return result;
    }
    std::vector<double> result(static_cast<std::size_t>(features_));
    const std::size_t nearest = nearest_centroid(query);
    result[nearest] = std::exp(most_[nearest]);
    return result;
  }
  // By which the logits of this query are higher than those of the centred keys.
  double shift(const float* query) const {
    double sum = 0.0;
    for (std::size_t c = 0; c < mean_.size(); ++c) sum += static_cast<double>(query[c]) * mean_[c];
    return head_.scale * sum;
  }

 private:
  void draw_matrix(RandomStream stream) {
    RandomStream draws = stream.fork("features");
    matrix_.resize(static_cast<std::size_t>(features_ * head_.head_dim));
    for (float& each : matrix_) each = static_cast<float>(draws.normal());
  }
  void find_centroids(const RandomStream& stream) {
    const std::vector<float> queries = queries_at_end(head_);
    const auto rows = static_cast<std::int64_t>(queries.size()) / head_.head_dim;
    features_ = std::min(features_, rows);
    matrix_ = find_clusters({.vectors = queries.data(),
                             .rows = rows,
                             .stride = head_.head_dim,
                             .width = head_.head_dim,
                             .clusters = features_},
                            stream.fork("centroids"))
                  .centroids;
  }
  // φ_j(k) = exp(scale · c_j · k − most_j), and of a query exp(most_j) for the nearest centroid, 0 for others.
  std::vector<float> features_of_centroids(const std::vector<float>& keys) {
    const std::vector<float> logits = scaled_products(head_, keys.data(), head_.tokens, matrix_.data(), features_);
    const auto count = static_cast<std::size_t>(features_);
    most_.assign(count, -std::numeric_limits<double>::infinity());
    for (std::size_t i = 0; i < logits.size(); ++i)
      most_[i % count] = std::max(most_[i % count], static_cast<double>(logits[i]));
    std::vector<float> features(logits.size());
    for (std::size_t i = 0; i < logits.size(); ++i)
      features[i] = static_cast<float>(std::exp(static_cast<double>(logits[i]) - most_[i % count]));
    return features;
  }
  std::size_t nearest_centroid(const float* query) const {
    std::size_t nearest = 0;
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t j = 0; j < static_cast<std::size_t>(features_); ++j) {
      double square = 0.0;
      for (std::size_t c = 0; c < mean_.size(); ++c) {
        const double delta = static_cast<double>(query[c]) - static_cast<double>(matrix_[j * mean_.size() + c]);
        square += delta * delta;
      }
      if (square < least) nearest = j;
      least = std::min(least, square);
    }
    return nearest;
  }
  // Of queries in logarithms: theirs may be smaller than a float.
  std::vector<float> logs_of_random(const float* query) const {
    const auto count = static_cast<std::size_t>(features_);
    std::vector<float> result(count, -0.5f * std::log(static_cast<float>(features_)));
    const auto root = static_cast<float>(std::sqrt(head_.scale));
    for (std::size_t c = 0; c < mean_.size(); ++c) {
      for (std::size_t j = 0; j < count; ++j)
        result[j] +=
            root * query[c] * matrix_[c * count + j] - 0.5f * static_cast<float>(head_.scale) * query[c] * query[c];
    }
    return result;
  }

  const Head& head_;
  std::int64_t features_;
  bool random_;
  std::vector<double> mean_, most_;
  std::vector<float> matrix_;  // random: [head_dim][features]; centroids: [features][head_dim]
  std::vector<float> keys_;
};

// Exact over sinks, tail and top-k; the middle's other tokens by their features. The state counts against the budget.
class CompletedAttention : public Approximation {
 public:
  explicit CompletedAttention(const ApproximationInput& input)
      : head_(input.head),
        path_(input.path),
        features_(input.params.integer("rank")),
        maps_(input, features_),
        selector_(input.head, key_index(input.head),
                  ends_of(input.head, input.params.integer("sink_tokens"), input.params.integer("recent_tokens")),
                  input.path),
        values_(floats_of(input.head.values)) {
    features_ = static_cast<std::int64_t>(maps_.keys().size()) / head_.tokens;
    std::vector<float> middle = maps_.keys();
    for (const std::int32_t token : selector_.kept()) std::fill_n(middle.begin() + token * features_, features_, 0.0f);
    summary_ = summarise(middle, values_, features_, head_.head_dim);
    state_bytes_ = kElementBytes * static_cast<double>(features_ * (head_.head_dim + 1));
  }

  void start(std::int64_t budget_tokens) override {
    const auto state = static_cast<std::int64_t>(std::ceil(state_bytes_ / kv_bytes(head_, 1.0)));
    budget_ = budget_tokens >= head_.tokens ? head_.tokens : std::max<std::int64_t>(1, budget_tokens - state);
  }

  Attended attend(std::size_t step) override {
    const float* const queries = head_.query(step);
    TokenList tokens = selector_.select(queries, budget_);
    TokenList retrieved;
    std::set_difference(tokens.begin(), tokens.end(), selector_.kept().begin(), selector_.kept().end(),
                        std::back_inserter(retrieved));
    const PartialAttention exact = attend_tokens(head_, head_.kv, queries, tokens, path_);
    Attended result;
    const bool all = static_cast<std::int64_t>(tokens.size()) == head_.tokens;  // nothing is left to complete
    for (std::int64_t h = 0; h < head_.group; ++h) {
      const float* const query = queries + h * head_.head_dim;
      const std::vector<double> features = maps_.query(query);
      const std::vector<float> whole =
          complete({.summary = &summary_,
                    .query_features = features,
                    .exact = exact.output.data() + h * head_.head_dim,
                    .lse = static_cast<double>(exact.lse[static_cast<std::size_t>(h)]) - maps_.shift(query),
                    .key_features = maps_.keys().data(),
                    .values = values_.data(),
                    .retrieved = retrieved});
      result.output.insert(result.output.end(), whole.begin(), whole.end());
    }
    if (all) result.output = exact.output;
    result.bytes = {.index = selector_.index_bytes(),
                    .kv = kv_bytes(head_, static_cast<double>(tokens.size())),
                    .state = state_bytes_};
    result.tokens = {std::move(tokens)};
    return result;
  }

 private:
  const Head& head_;
  CpuPath path_;
  std::int64_t features_;
  FeatureMaps maps_;
  Selector selector_;
  std::vector<float> values_;
  FeatureSummary summary_;
  double state_bytes_ = 0.0;
  std::int64_t budget_ = 0;
};

// Clusters of keys: the best are attended, the next best estimated as one key and the mean of their values each.
class ClusteredAttention : public Approximation {
 public:
  explicit ClusteredAttention(const ApproximationInput& input)
      : head_(input.head),
        path_(input.path),
        kept_(ends_of(input.head, input.params.integer("sink_tokens"), input.params.integer("recent_tokens"))),
        estimate_share_(input.params.number("estimate_share")) {
    const std::int64_t segment = input.params.integer("segment_tokens");
    const std::vector<float> keys = floats_of(head_.keys);
    for (std::int64_t first = 0; first < head_.tokens; first += segment) {
      const std::int64_t rows = std::min(segment, head_.tokens - first);
      const Clusters found =
          find_clusters({.vectors = keys.data() + first * head_.head_dim,
                         .rows = rows,
                         .stride = head_.head_dim,
                         .width = head_.head_dim,
                         .clusters = std::max<std::int64_t>(1, rows / input.params.integer("index_tokens")),
                         .iterations = 3},
                        input.stream.fork(static_cast<std::uint64_t>(first)));
      add_segment(found, first);
    }
  }

  void start(std::int64_t budget_tokens) override { budget_ = budget_tokens; }

  Attended attend(std::size_t step) override {
    const float* const queries = head_.query(step);
    const auto clusters = static_cast<std::int64_t>(members_.size());
    const std::vector<float> logits = scaled_products(head_, queries, head_.group, centroids_.data(), clusters);
    const Chosen chosen = choose(summed_softmax(logits, head_.group));
    const PartialAttention exact = attend_tokens(head_, head_.kv, queries, chosen.tokens, path_);
    Attended result;
    for (std::int64_t h = 0; h < head_.group; ++h) add_estimates(h, logits, chosen, exact, result.output);
    const double vectors = static_cast<double>(head_.head_dim) * kElementBytes;
    result.bytes = {.index = static_cast<double>(clusters) * vectors,
                    .kv = kv_bytes(head_, static_cast<double>(chosen.tokens.size())),
                    .state = kv_bytes(head_, static_cast<double>(chosen.estimated.size()))};
    result.tokens = {chosen.tokens};
    return result;
  }

 private:
  struct Chosen {
    TokenList tokens;
    std::vector<std::size_t> estimated;
  };

  void add_segment(const Clusters& found, std::int64_t first) {
    const auto width = static_cast<std::size_t>(head_.head_dim);
    const std::size_t before = members_.size();
    centroids_.insert(centroids_.end(), found.centroids.begin(), found.centroids.end());
    members_.resize(before + static_cast<std::size_t>(found.count));
    sums_.resize(members_.size() * width);
    for (std::size_t i = 0; i < found.nearest.size(); ++i) {
      const std::size_t cluster = before + static_cast<std::size_t>(found.nearest[i]);
      const auto token = static_cast<std::int32_t>(first + static_cast<std::int64_t>(i));
      if (std::binary_search(kept_.begin(), kept_.end(), token)) continue;  // they are no cluster's
      members_[cluster].push_back(token);
      for (std::size_t c = 0; c < width; ++c)
        sums_[cluster * width + c] +=
            static_cast<double>(to_float(head_.values[static_cast<std::size_t>(token) * width + c]));
    }
  }

  // Estimates take of the budget what they read, at most half of it; the best clusters take the rest.
  Chosen choose(const std::vector<float>& scores) const {
    std::vector<std::size_t> order(scores.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
    const auto kept = static_cast<std::int64_t>(kept_.size());
    const std::int64_t estimates =
        budget_ >= head_.tokens
            ? 0
            : std::min(static_cast<std::int64_t>(estimate_share_ * static_cast<double>(scores.size())),
                       std::max<std::int64_t>(0, budget_ - kept) / 2);
    Chosen chosen;
    std::int64_t left = budget_ >= head_.tokens ? head_.tokens : budget_ - kept - estimates;
    std::size_t next = 0;
    for (; next < order.size() && (next == 0 || static_cast<std::int64_t>(members_[order[next]].size()) <= left);
         ++next) {
      const TokenList& members = members_[order[next]];
      left -= static_cast<std::int64_t>(members.size());
      chosen.tokens.insert(chosen.tokens.end(), members.begin(), members.end());
    }
    std::sort(chosen.tokens.begin(), chosen.tokens.end());
    chosen.tokens = united(chosen.tokens, kept_);
    for (std::int64_t i = 0; i < estimates && next < order.size(); ++next) {
      if (members_[order[next]].empty()) continue;
      chosen.estimated.push_back(order[next]);
      ++i;
    }
    return chosen;
  }

  void add_estimates(std::int64_t head, const std::vector<float>& logits, const Chosen& chosen,
                     const PartialAttention& exact, std::vector<float>& output) const {
    const auto width = static_cast<std::size_t>(head_.head_dim);
    const float* const of_head = logits.data() + static_cast<std::size_t>(head) * members_.size();
    const double lse = static_cast<double>(exact.lse[static_cast<std::size_t>(head)]);
    double most = lse;
    for (const std::size_t cluster : chosen.estimated) most = std::max(most, static_cast<double>(of_head[cluster]));
    double total = std::exp(lse - most);
    std::vector<double> sum(width);
    for (std::size_t c = 0; c < width; ++c)
      sum[c] = total * static_cast<double>(exact.output[static_cast<std::size_t>(head) * width + c]);
    for (const std::size_t cluster : chosen.estimated) {
      const double weight = std::exp(static_cast<double>(of_head[cluster]) - most);
      total += weight * static_cast<double>(members_[cluster].size());
      for (std::size_t c = 0; c < width; ++c) sum[c] += weight * sums_[cluster * width + c];
    }
    for (const double each : sum) output.push_back(static_cast<float>(each / total));
  }

  const Head& head_;
  CpuPath path_;
  TokenList kept_;
  double estimate_share_;
  std::vector<float> centroids_;
  std::vector<TokenList> members_;
  std::vector<double> sums_;  // of values
  std::int64_t budget_ = 0;
};

ParamSpec end_param(const char* name, std::int64_t tokens, const char* certainty) {
  return count_param(name, tokens, "tokens at that end that are always attended", certainty);
}

}  // namespace

ApproximationEntry completion_attention() {
  return {
      approximation_info(
          "retrieval_completion", "the top-k tokens, completed by a summary of the others", "arXiv 2604.05438",
          {{"features",
            std::string("random"),
            "positive features of the summary: Performer's, or exp of k · c for centroids c of the prefill's queries",
            "ours",
            {},
            {},
            {"random", "centroids"}},
           count_param("rank", 128, "features", "R"),
           end_param("sink_tokens", 4, "R"),
           end_param("recent_tokens", 64, "R")}),
      true, [](const ApproximationInput& input) -> Made { return std::make_unique<CompletedAttention>(input); }};
}

ApproximationEntry retroinfer_attention() {
  return {approximation_info("retroinfer", "the best clusters of keys, the next best estimated",
                             "RetroInfer, arXiv 2505.02922",
                             {count_param("index_tokens", 16, "tokens of a cluster, in the mean", "R"),
                              count_param("segment_tokens", 2048, "clustered at a time (8192 there)", "ours"),
                              share_param("estimate_share", 0.232, "of the clusters, estimated", "P"),
                              end_param("sink_tokens", 4, "P"), end_param("recent_tokens", 64, "P")}),
          true, [](const ApproximationInput& input) -> Made { return std::make_unique<ClusteredAttention>(input); }};
}

}  // namespace outrider
