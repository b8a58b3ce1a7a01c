// Retrieval completion: tokens that are neither kept nor retrieved count by a summary of fixed size, made of the prompt
// by a map φ into r positive features: S = Σ φ(k) vᵀ and u = Σ φ(k), for each KV head. In every layer:
//   1. a selector finds the best K tokens of the middle    2. these come from DRAM, read by a kernel
//   3. exact attention over sinks, tail and retrieved tokens    4. φ of the queries and of the retrieved keys
//   5. the exact part, with φ(q)ᵀS and φ(q)·u added and the retrieved tokens' share of both taken off, divided once
// New tokens are in the tail, and not in the summary. Selectors: an oracle, which knows for nothing; a scan, which
// reads all keys of the middle over the link; an index, which scores channel-wise extremes of blocks of keys in HBM.
// Otherwise than there: all of the best tokens are read in each step, whatever the step before read.
#include <algorithm>

#include "sim/methods/sparse_method.h"
#include "sim/methods/systems.h"

namespace outrider {
namespace {

constexpr double kFeatureBytes = 4.0;  // features themselves are fp32

BlockPlan retrieved_plan(const MethodPoint& point) {
  const double retrieved = point.params->number("budget_share") * static_cast<double>(point.context);
  return {.block_tokens = point.params->text("selector") == "index" ? point.params->integer("block_tokens") : 1,
          .budget_tokens = static_cast<std::int64_t>(retrieved),
          .path = CopyPath::sm_zero_copy,
          .copies_per_block = 0};
}

class RetrievalCompletion final : public SparseMethod {
 public:
  explicit RetrievalCompletion(const MethodPoint& point)
      : SparseMethod(point, retrieved_plan(point)),
        selector_(params().text("selector")),
        features_(static_cast<double>(params().integer("features"))),
        kept_(static_cast<double>(params().integer("sink_tokens") + params().integer("tail_tokens"))) {}

  SelectionNeed selection_need() const override { return {}; }

  TaskGraph decode_step(std::int64_t step) override {
    emit_.begin(batch());
    OpId x = emit_.open_step();
    for (int layer = 0; layer < layers(); ++layer) {
      const OpId q = emit_.project(layer, emit_.normalise(layer, x));
      const bool sparse = emit_.offloads(layer);
      x = emit_.finish(layer, sparse ? attend(layer, step, q) : emit_.attend_resident(layer, point_.context + step, q));
      if (sparse) write_back(layer, q);
    }
    note_step();
    return emit_.close_step(x, batch());
  }

 private:
  const AttentionSpec& attention(int layer) const { return model().layers[static_cast<std::size_t>(layer)].attention; }
  double kv_heads(int layer) const { return static_cast<double>(attention(layer).kv_heads); }
  double middle_tokens() const { return std::max(0.0, context_at(0) - kept_); }

  OpId attend(int layer, std::int64_t step, OpId q) {
    const double retrieved = static_cast<double>(selected_);
    const OpId fetched = fetch_blocks(layer, batch() * retrieved, select(layer, q));
    const double tokens = std::min(context_at(step), budget_tokens() + kept_ + static_cast<double>(step));
    const OpId exact = attend_tokens(layer, batch() * tokens, tokens, {q, fetched});
    const double heads = batch() * static_cast<double>(attention(layer).q_heads);
    const OpId of_queries = map_features(layer, heads, q);
    const double keys = batch() * kv_heads(layer) * budget_tokens();
    return complete(layer, heads, keys, {exact, of_queries, map_features(layer, keys, fetched)});
  }

  // What comes out is on the GPU, where the kernel that fetches is.
  OpId select(int layer, OpId q) {
    if (selector_ == "oracle") return q;
    if (selector_ == "index") {
      const Scan blocks{.entries = static_cast<double>(blocks_),
                        .chosen = static_cast<double>(selected_),
                        .read = digest_bytes(layer, batch() * static_cast<double>(blocks_)),
                        .vectors = 2.0};
      return choose(layer, blocks, score(layer, blocks, {q}));
    }
    const double keys = batch() * middle_tokens();
    const Bytes head = static_cast<double>(attention(layer).head_dim) * bytes_of(model().kv_type);
    const CopyShape scanned{.direction = Direction::h2d,
                            .path = CopyPath::sm_zero_copy,
                            .fragments = batch() * kv_heads(layer),
                            .fragment = middle_tokens() * head};
    note_link(scanned);
    const Scan scan{.entries = middle_tokens(), .chosen = budget_tokens(), .read = keys * kv_heads(layer) * head};
    return choose(layer, scan, score(layer, scan, {emit_.gather_by_kernel(scanned, layer, {q})}));
  }

  OpId map_features(int layer, double rows, OpId after) {
    const double channels = static_cast<double>(attention(layer).head_dim);
    const StreamShape shape{.read = rows * channels * bytes_of(DataType::bf16),
                            .write = Bytes(rows * features_ * kFeatureBytes),
                            .flops = Flops(2.0 * rows * channels * features_),
                            .items = rows};
    return emit_.kernel(Family::map_features, shape, layer, {after});
  }

  // Of every query head, over its KV head's state and the `keys` retrieved keys' features and values.
  OpId complete(int layer, double heads, double keys, LayerEmitter::Deps after) {
    const double values = static_cast<double>(attention(layer).v_head_dim);
    const Bytes retrieved = keys * (Bytes(features_ * kFeatureBytes) + values * bytes_of(model().kv_type));
    const StreamShape shape{.read = batch() * state_bytes(layer) + retrieved,
                            .write = heads * values * bytes_of(DataType::bf16),
                            .flops = Flops(0.0),
                            .items = heads};
    return emit_.kernel(Family::complete, shape, layer, after);
  }

  // Features of all keys of the prompt, then the sums of these.
  void index_prefilled(int layer, OpId after) override {
    if (!emit_.offloads(layer)) return;
    const double keys = middle_tokens() * kv_heads(layer), values = static_cast<double>(attention(layer).v_head_dim);
    const OpId mapped = map_features(layer, keys, after);
    const StreamShape sums{.read = keys * (Bytes(features_ * kFeatureBytes) + values * bytes_of(model().kv_type)),
                           .write = state_bytes(layer),
                           .flops = Flops(2.0 * keys * features_ * (values + 1.0)),
                           .items = kv_heads(layer) * features_};
    emit_.kernel(Family::summarise, sums, layer, {mapped});
    if (selector_ == "index") build_index(layer, digest_bytes(layer, static_cast<double>(blocks_)), after);
  }

  // S and u of a sequence: (r·dv + r) numbers for each KV head.
  Bytes state_bytes(int layer) const {
    const double numbers = features_ * static_cast<double>(attention(layer).v_head_dim) + features_;
    return kv_heads(layer) * numbers * (params().text("state") == "fp32" ? Bytes(4.0) : bytes_of(model().kv_type));
  }

  std::vector<MemoryUse> cache_memory() const override {
    using Tier = MemoryUse::Tier;
    Bytes states;
    for (const int layer : emit_.offloaded_layers()) states += state_bytes(layer);
    const Bytes kept = kv_of_tokens(std::min(context_at(0), kept_) + static_cast<double>(point_.steps));
    std::vector<MemoryUse> uses = {{"KV cache", Tier::pinned, Bytes(0.0), kv_of_offloaded_layers()},
                                   {"summaries", Tier::hbm, Bytes(0.0), states},
                                   {"kept tokens", Tier::hbm, Bytes(0.0), kept},
                                   {"fetched tokens", Tier::hbm, Bytes(0.0), kv_of_fetches()}};
    if (selector_ == "index") uses.push_back({"block digests", Tier::hbm, Bytes(0.0), digests_of_sequence()});
    return uses;
  }

  std::string selector_;
  double features_, kept_;
};

}  // namespace

MethodEntry retrieval_completion() {
  const auto tokens = [](const char* name, std::int64_t fallback, const char* meaning) {
    return ParamSpec{name, fallback, meaning, "R", 0.0, 1048576.0, {}};
  };
  return {
      {.name = "retrieval_completion",
       .summary = "exact attention over the best tokens, all others by a summary of features of fixed size",
       .source = "Top-K retrieval with linear-attention completion, arXiv 2604.05438",
       .params = with_common(
           {{"selector", std::string("oracle"), "what finds the best tokens", "P", {}, {}, {"oracle", "scan", "index"}},
            {"budget_share", 0.01, "tokens retrieved, as a share of the prompt's", "P", 0.0, 1.0, {}},
            tokens("sink_tokens", 4, "first tokens, always attended"),
            tokens("tail_tokens", 64, "last tokens of the prompt, always attended, as new ones are"),
            {"features", std::int64_t{128}, "r, of the map; a head's channels by default", "R", 8.0, 4096.0, {}},
            {"state", std::string("kv"), "numbers of the summary: as of the KV, or fp32", "I", {}, {}, {"kv", "fp32"}},
            {"block_tokens", std::int64_t{16}, "tokens of a block, where an index selects", "I", 1.0, 4096.0, {}}},
           "graph"),
       .presets = {{"oracle", "the best 1 % of the tokens, known for nothing", {}},
                   {"scan", "found by reading all keys", {{"selector", std::string("scan")}}},
                   {"index", "found by extremes of blocks", {{"selector", std::string("index")}}}}},
      [](const MethodPoint& point) -> std::unique_ptr<Method> { return std::make_unique<RetrievalCompletion>(point); }};
}

}  // namespace outrider
