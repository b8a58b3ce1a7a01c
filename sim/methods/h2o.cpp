// H2O: of the tokens, the heavy hitters (most attended so far, by accumulated scores) and a recent window are kept, the
// others' KV is dropped for good. In a layer:
//   1. attention over the kept tokens   2. each query head's scores of them add to its sums
//   3. the least of these outside of the window goes, and the new token takes its place
// The kept KV is in HBM, or, as InfiniGen's paper runs it, in DRAM, and streams to the GPU layer by layer.
// Otherwise than there: attention gives no scores away, so that 2 multiplies with K once more.
#include <algorithm>
#include <cmath>

#include "sim/methods/decode_method.h"
#include "sim/methods/systems.h"

namespace outrider {
namespace {

class H2o final : public DecodeMethod {
 public:
  explicit H2o(const MethodPoint& point)
      : DecodeMethod(point),
        in_dram_(params().flag("kv_in_dram")),
        kept_(tokens_of(params().number("budget_share"))),
        window_(tokens_of(params().number("budget_share") * params().number("recent_share"))) {}

  TaskGraph decode_step(std::int64_t step) override {
    emit_.begin(batch());
    OpId x = emit_.open_step();
    OpId buffer_free[2];  // the scores that last read each buffer
    std::size_t turn = 0;
    for (int layer = 0; layer < layers(); ++layer) {
      const bool sparse = emit_.offloads(layer);
      const OpId loaded = sparse && in_dram_ ? load(layer, buffer_free[turn % 2]) : OpId();
      const OpId q = emit_.project(layer, emit_.normalise(layer, x));
      OpId attended;
      if (sparse) {
        const AttentionShape shape = emit_.attention(layer, batch() * kept_, kept_, 0);
        attended = emit_.kernel(Family::attend_dense, shape, layer, {q, loaded});
        buffer_free[turn++ % 2] = drop_least(layer, attended);
        if (in_dram_) write_back(layer, q);
      } else {
        attended = emit_.attend_resident(layer, point_.context + step, q);
      }
      x = emit_.finish(layer, attended);
    }
    note_step();
    return emit_.close_step(x, batch());
  }

 private:
  double tokens_of(double share) const {
    return std::max(1.0, std::round(share * static_cast<double>(point_.context)));
  }

  OpId load(int layer, OpId buffer_free) {
    const CopyShape copy = one_copy(Direction::h2d, emit_.kv_bytes(layer, batch() * kept_));
    note_link(copy);
    return emit_.copy(Family::copy_h2d, copy, layer, {buffer_free});
  }

  // Ends with the scores, behind which nobody reads K.
  OpId drop_least(int layer, OpId attended) {
    const AttentionSpec& spec = model().layers[static_cast<std::size_t>(layer)].attention;
    const double rows = batch() * static_cast<double>(spec.q_heads);
    const double keys = batch() * kept_ * static_cast<double>(spec.kv_heads * spec.head_dim);
    const Bytes all = sums(layer, batch() * kept_), outside = sums(layer, batch() * std::max(1.0, kept_ - window_));
    const StreamShape scores{.read = keys * bytes_of(model().kv_type) + all,
                             .write = all,
                             .flops = Flops(2.0 * batch() * kept_ * head_queries(layer)),
                             .items = batch() * kept_};
    const StreamShape least{
        .read = outside, .write = sums(layer, batch()), .flops = Flops(0.0), .items = rows, .recent = true};
    const OpId scored = emit_.kernel(Family::score_blocks, scores, layer, {attended});
    emit_.kernel(Family::select_top_k, least, layer, {scored});
    return scored;
  }

  // Accumulated scores, or token numbers, of so many tokens for every query head.
  Bytes sums(int layer, double tokens) const {
    constexpr double kWord = 4.0;
    const auto heads = model().layers[static_cast<std::size_t>(layer)].attention.q_heads;
    return Bytes(kWord * tokens * static_cast<double>(heads));
  }

  Bytes prompt_kv(int layer) const override { return in_dram_ ? emit_.kv_bytes(layer, kept_) : Bytes(0.0); }

  std::vector<MemoryUse> cache_memory() const override {
    using Tier = MemoryUse::Tier;
    if (emit_.offloaded_layers().empty()) return {};
    Bytes scores;
    for (const int layer : emit_.offloaded_layers()) scores += sums(layer, kept_);
    std::vector<MemoryUse> uses = {{"kept KV", in_dram_ ? Tier::pinned : Tier::hbm, Bytes(0.0), kv_of_tokens(kept_)},
                                   {"accumulated scores", Tier::hbm, Bytes(0.0), scores}};
    const Bytes layer = emit_.kv_bytes(emit_.offloaded_layers().front(), kept_);
    if (in_dram_) uses.push_back({"KV double buffer", Tier::hbm, Bytes(0.0), 2.0 * layer});
    return uses;
  }

  bool in_dram_;
  double kept_, window_;  // tokens of a sequence
};

}  // namespace

MethodEntry h2o() {
  return {
      {.name = "h2o",
       .summary = "heavy hitters by accumulated scores and a recent window are kept, the rest is dropped",
       .source = "H2O, NeurIPS 2023, arXiv 2306.14048",
       .params = with_common({{"budget_share", 0.2, "tokens kept, as a share of the context", "P", 0.001, 1.0, {}},
                              {"recent_share", 0.5, "of the kept, the most recent ones", "P", 0.0, 1.0, {}},
                              {"kv_in_dram", false, "the kept KV streams from DRAM, a layer ahead", "P", {}, {}, {}}},
                             "graph"),
       .presets = {{"paper", "a fifth of the tokens, half of them recent, in HBM", {}},
                   {"infinigen_paper", "as run in InfiniGen's paper: the fifth is in DRAM", {{"kv_in_dram", true}}}}},
      [](const MethodPoint& point) -> std::unique_ptr<Method> { return std::make_unique<H2o>(point); }};
}

}  // namespace outrider
