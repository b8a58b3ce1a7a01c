// Systems that differ in what they score, by which query, and what they keep beside it. Each chooses for the KV head,
// and attends what it chose with the step's own query.
#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <numeric>

#include "fidelity/selector.h"
#include "fidelity/systems.h"

namespace outrider {
namespace {

using Made = std::unique_ptr<Approximation>;
using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Selector selector_of(const ApproximationInput& input, std::unique_ptr<Index> index, TokenList kept) {
  return Selector(input.head, std::move(index), std::move(kept), input.path);
}

Made sparse(const ApproximationInput& input, SparseAttention::Parts parts) {
  return std::make_unique<SparseAttention>(input, std::move(parts));
}

TokenList kept_of(const ApproximationInput& input) {
  return ends_of(input.head, input.params.integer("sink_tokens"), input.params.integer("recent_tokens"));
}

std::vector<ParamSpec> with_ends(std::int64_t sinks, std::int64_t recent, const char* certainty,
                                 std::vector<ParamSpec> params) {
  params.push_back(count_param("sink_tokens", sinks, "first tokens that are always attended", certainty));
  params.push_back(count_param("recent_tokens", recent, "last tokens that are always attended", certainty));
  return params;
}

Made make_blocks(const ApproximationInput& input) {
  auto index = digest_index(input.head, input.params.integer("block_tokens"), input.path);
  return sparse(input, {.selector = selector_of(input, std::move(index), {})});
}

ParamSpec block_param(std::int64_t tokens, const char* certainty) {
  return count_param("block_tokens", tokens, "tokens of a block", certainty);
}

double mean_cosine(const Head& head, const float* a, const float* b) {
  double sum = 0.0;
  for (std::int64_t h = 0; h < head.group; ++h) {
    double product = 0.0, first = 0.0, second = 0.0;
    for (std::int64_t c = h * head.head_dim; c < (h + 1) * head.head_dim; ++c) {
      product += static_cast<double>(a[c]) * static_cast<double>(b[c]);
      first += static_cast<double>(a[c]) * static_cast<double>(a[c]);
      second += static_cast<double>(b[c]) * static_cast<double>(b[c]);
    }
    sum += product / std::sqrt(first * second);
  }
  return sum / static_cast<double>(head.group);
}

// Chunks whose keys are least like their mean, by the least cosine of one of them.
TokenList outliers(const Head& head, std::int64_t chunk, std::int64_t count) {
  const std::vector<float> keys = floats_of(head.keys);
  std::vector<std::pair<double, std::int32_t>> by_cosine;
  for (std::int64_t first = 0; first + chunk <= head.tokens; first += chunk) {
    const Eigen::Map<const Matrix> rows(keys.data() + first * head.head_dim, chunk, head.head_dim);
    const Eigen::VectorXf mean = rows.colwise().mean();
    const Eigen::VectorXf cosines = (rows * mean).array() / (rows.rowwise().norm().array() * mean.norm());
    by_cosine.emplace_back(static_cast<double>(cosines.minCoeff()), static_cast<std::int32_t>(first));
  }
  std::sort(by_cosine.begin(), by_cosine.end());
  TokenList tokens;
  for (std::size_t i = 0; i < std::min(by_cosine.size(), static_cast<std::size_t>(count)); ++i) {
    for (std::int32_t t = 0; t < static_cast<std::int32_t>(chunk); ++t) tokens.push_back(by_cosine[i].second + t);
  }
  std::sort(tokens.begin(), tokens.end());
  return tokens;
}

// The head's KV with keys as the rank of their factors leaves them: before RoPE, the projection on the directions of
// most energy. Those in `whole` are kept as they are.
std::vector<Bf16> low_rank_kv(const Head& head, std::int64_t rank, const TokenList& whole) {
  const Eigen::Map<const Matrix> keys(head.unrotated.data(), head.tokens, head.head_dim);
  const Eigen::MatrixXd energy = (keys.transpose() * keys).cast<double>();
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(energy);  // ascending
  const Matrix directions = solver.eigenvectors().rightCols(rank).cast<float>();
  Matrix rebuilt = (keys * directions) * directions.transpose();
  std::vector<Bf16> kv = head.kv;
  for (std::int64_t i = 0; i < head.tokens; ++i) {
    if (std::binary_search(whole.begin(), whole.end(), static_cast<std::int32_t>(i))) continue;
    rotate(rebuilt.row(i).data(), head.head_dim, head.rope_base, static_cast<double>(i));
    for (std::int64_t c = 0; c < head.head_dim; ++c)
      kv[static_cast<std::size_t>(2 * i * head.head_dim + c)] = to_bf16(rebuilt(i, c));
  }
  return kv;
}

Made make_shadowkv(const ApproximationInput& input) {
  const Params& params = input.params;
  const std::int64_t chunk = params.integer("block_tokens");
  const std::int64_t rank = std::min(params.integer("key_rank"), input.head.head_dim);
  const TokenList kept = united(outliers(input.head, chunk, params.integer("outlier_blocks")), kept_of(input));
  const double width = static_cast<double>(input.head.head_dim);
  const double factor_row = static_cast<double>(rank) * kElementBytes;
  const double whole_keys = static_cast<double>(kept.size()) * (width * kElementBytes - factor_row);
  return sparse(input, {.selector = selector_of(input, mean_index(input.head, chunk), kept),
                        .choosing_query = {},
                        .kv = low_rank_kv(input.head, rank, kept),
                        .bytes_per_token = width * kElementBytes + factor_row,
                        .bytes_beside_tokens = width * factor_row + whole_keys});
}

Made make_freekv(const ApproximationInput& input) {
  const Head& head = input.head;
  const double threshold = input.params.number("corrected_below");
  const auto choosing = [&head, threshold](std::size_t step) {
    const float* const now = head.query(step);
    const float* const before = head.query(step == 0 ? 0 : step - 1);
    const float* const taken = mean_cosine(head, now, before) < threshold ? now : before;
    return std::vector<float>(taken, taken + head.query_size());
  };
  auto index = digest_index(head, input.params.integer("block_tokens"), input.path);
  return sparse(input, {.selector = selector_of(input, std::move(index), {}), .choosing_query = choosing});
}

// Every token scored, by a query that is only like the step's own.
Made make_predicted_keys(const ApproximationInput& input) {
  const auto choosing = [head = &input.head, params = input.params, path = input.path,
                         stream = input.stream](std::size_t step) {
    return predicted_by_params({.head = *head, .params = params, .path = path, .stream = stream}, step);
  };
  return sparse(input, {.selector = selector_of(input, key_index(input.head), {}), .choosing_query = choosing});
}

// Half of the budget for recent tokens, half for those that the prefill's queries gave most; what is evicted never
// comes back, which leaves the sum of what is kept as it was.
class HeavyHitters : public Approximation {
 public:
  explicit HeavyHitters(const ApproximationInput& input)
      : input_(input.head), path_(input.path), history_(history_index(input.head, input.params.integer("queries"))) {
    scores_ = history_->scores(nullptr);
  }
  void start(std::int64_t budget_tokens) override {
    const TokenList recent = ends_of(input_, 0, budget_tokens / 2);
    std::vector<std::int32_t> order(scores_.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
      return scores_[static_cast<std::size_t>(a)] > scores_[static_cast<std::size_t>(b)];
    });
    tokens_ = recent;
    TokenList heavy;
    for (std::size_t i = 0; i < order.size(); ++i) {
      if (static_cast<std::int64_t>(heavy.size() + recent.size()) >= budget_tokens) break;
      if (!std::binary_search(recent.begin(), recent.end(), order[i])) heavy.push_back(order[i]);
    }
    std::sort(heavy.begin(), heavy.end());
    tokens_ = united(recent, heavy);
  }
  Attended attend(std::size_t step) override {
    return {.output = attend_tokens(input_, input_.kv, input_.query(step), tokens_, path_).output,
            .tokens = {tokens_},
            .bytes = {.index = 0.0, .kv = kv_bytes(input_, static_cast<double>(tokens_.size())), .state = 0.0}};
  }

 private:
  const Head& input_;
  CpuPath path_;
  std::unique_ptr<Index> history_;
  std::vector<float> scores_;
  TokenList tokens_;
};

class Window : public Approximation {
 public:
  explicit Window(const ApproximationInput& input)
      : head_(input.head), path_(input.path), sinks_(input.params.integer("sink_tokens")) {}
  void start(std::int64_t budget_tokens) override {
    tokens_ = ends_of(head_, std::min(sinks_, budget_tokens), std::max<std::int64_t>(0, budget_tokens - sinks_));
  }
  Attended attend(std::size_t step) override {
    return {.output = attend_tokens(head_, head_.kv, head_.query(step), tokens_, path_).output,
            .tokens = {tokens_},
            .bytes = {.index = 0.0, .kv = kv_bytes(head_, static_cast<double>(tokens_.size())), .state = 0.0}};
  }

 private:
  const Head& head_;
  CpuPath path_;
  std::int64_t sinks_;
  TokenList tokens_;
};

}  // namespace

ApproximationEntry top_k_attention() {
  return {approximation_info("top_k", "the tokens with most mass, found by scoring every key: an oracle", "ours", {}),
          true, [](const ApproximationInput& input) -> Made {
            return sparse(input, {.selector = selector_of(input, key_index(input.head), {})});
          }};
}

ApproximationEntry quest_attention() {
  return {approximation_info("quest", "pages by minimum and maximum of their keys", "Quest, arXiv 2406.10774",
                             {block_param(16, "P")}),
          true, make_blocks};
}

ApproximationEntry arkvale_attention() {
  return {approximation_info("arkvale", "pages by the cuboid around their keys; what is not cached is recalled",
                             "ArkVale, NeurIPS 2024", {block_param(32, "P")}),
          true, make_blocks};
}

ApproximationEntry shadowkv_attention() {
  return {approximation_info(
              "shadowkv", "chunks by their mean key; keys of low rank", "ShadowKV, arXiv 2410.21465",
              with_ends(0, 32, "R",
                        {block_param(8, "P"), count_param("outlier_blocks", 48, "chunks always attended", "P"),
                         count_param("key_rank", 20, "rank of a head's keys: 160 of eight heads together", "I")})),
          true, make_shadowkv};
}

ApproximationEntry pqcache_attention() {
  MethodInfo info = approximation_info("pqcache", "tokens by product-quantised keys", "PQCache, arXiv 2407.12820",
                                       with_ends(32, 64, "R",
                                                 {count_param("parts", 2, "sub-vectors of a key", "P"),
                                                  count_param("bits", 6, "of a sub-vector's code", "P")}));
  info.params[1].max = 12.0;
  info.conflicts = [](const Params& params, const std::set<std::string>&) { return part_conflicts(params, "parts"); };
  return {std::move(info), true, [](const ApproximationInput& input) -> Made {
            const PqShape shape{.parts = input.params.integer("parts"),
                                .bits = static_cast<int>(input.params.integer("bits"))};
            return sparse(input,
                          {.selector = selector_of(input, pq_index(input.head, shape, input.stream), kept_of(input))});
          }};
}

ApproximationEntry csattention_attention() {
  MethodInfo info = approximation_info(
      "csattention", "tokens by look-up in lists for centroids of the prefill's queries",
      "CSAttention, arXiv 2604.08584",
      with_ends(4, 64, "I",
                {count_param("subspaces", 8, "of a query", "R"), count_param("clusters", 64, "of each", "R"),
                 share_param("list_share", 0.05, "of the tokens in a list", "R")}));
  info.conflicts = [](const Params& params, const std::set<std::string>&) {
    return part_conflicts(params, "subspaces");
  };
  return {std::move(info), true, [](const ApproximationInput& input) -> Made {
            const ListShape shape{.subspaces = input.params.integer("subspaces"),
                                  .clusters = input.params.integer("clusters"),
                                  .share = input.params.number("list_share")};
            return sparse(
                input, {.selector = selector_of(input, list_index(input.head, shape, input.stream), kept_of(input))});
          }};
}

ApproximationEntry freekv_attention() {
  return {
      approximation_info("freekv", "pages by the query of the step before, or by the own where it has turned",
                         "FreeKV, arXiv 2505.13109",
                         {block_param(32, "R"), share_param("corrected_below", 0.9, "cosine to the step before", "P")}),
      true, make_freekv};
}

ApproximationEntry omnikv_attention() {
  return {approximation_info("omnikv", "tokens that an earlier layer's attention found", "OmniKV, ICLR 2025",
                             {share_param("cosine", 0.8, "of the earlier layer's query to the own", "ours"),
                              prediction_error_param(), lasting_error_param()}),
          true, make_predicted_keys};
}

ApproximationEntry infinigen_attention() {
  return {approximation_info("infinigen", "tokens by the query predicted one layer ahead", "InfiniGen, OSDI 2024",
                             {share_param("cosine", 0.93, "of the predicted query to the own", "I"),
                              prediction_error_param(), lasting_error_param()}),
          true, make_predicted_keys};
}

ApproximationEntry h2o_attention() {
  return {approximation_info("h2o", "recent tokens, and those with most attention so far; the others are evicted",
                             "H2O, arXiv 2306.14048",
                             {count_param("queries", 128, "of the prefill whose attention counts", "ours")}),
          true, [](const ApproximationInput& input) -> Made { return std::make_unique<HeavyHitters>(input); }};
}

ApproximationEntry window_attention() {
  return {approximation_info("window", "sinks and the most recent tokens", "StreamingLLM, arXiv 2309.17453",
                             {count_param("sink_tokens", 4, "first tokens that are always attended", "P")}),
          true, [](const ApproximationInput& input) -> Made { return std::make_unique<Window>(input); }};
}

}  // namespace outrider
