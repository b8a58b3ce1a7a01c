// HGCA: the GPU attends a recent window densely while the CPU attends sparse older KV of the same layer; LSE merge.
// Which older tokens the CPU attends is decided off the step's path, and not charged.
#include <algorithm>

#include "sim/methods/sparse_method.h"
#include "sim/methods/systems.h"

namespace outrider {
namespace {

class Hgca final : public SparseMethod {
 public:
  explicit Hgca(const MethodPoint& point) : SparseMethod(point) {}

  SelectionNeed selection_need() const override { return {}; }

  TaskGraph decode_step(std::int64_t step) override {
    emit_.begin(batch());
    OpId x = emit_.open_step();
    for (int layer = 0; layer < layers(); ++layer) {
      const OpId q = emit_.project(layer, emit_.normalise(layer, x));
      if (!emit_.offloads(layer)) {
        x = emit_.finish(layer, emit_.attend_resident(layer, point_.context + step, q));
        continue;
      }
      const OpId from_cpu = attend_on_cpu(layer, q);
      const OpId on_gpu =
          emit_.kernel(Family::attend_dense, emit_.attention(layer, batch() * window(), window(), 0), layer, {q});
      write_back(layer, q);
      x = emit_.finish(layer, merge_partials(layer, on_gpu, from_cpu));
    }
    note_step();
    return emit_.close_step(x, batch());
  }

 private:
  // Tokens of a sequence that the GPU keeps and attends.
  double window() const {
    const double context = static_cast<double>(point_.context);
    const std::string& mode = params().text("window_of");
    if (mode == "tokens") return std::min(context, params().number("window_tokens"));
    return params().number("window_share") * (mode == "budget" ? budget_tokens() : context);
  }

  // Older tokens of a sequence that the CPU attends.
  double cpu_tokens() const {
    const double older = static_cast<double>(point_.context) - window();
    const double given = params().number("cpu_tokens");
    return std::min(older, given > 0.0 ? given : (1.0 - params().number("window_share")) * budget_tokens());
  }

  OpId attend_on_cpu(int layer, OpId q) {
    const CopyShape query = one_copy(Direction::d2h, emit_.activation_bytes(head_queries(layer)));
    const CopyShape output = one_copy(Direction::h2d, emit_.activation_bytes(head_outputs(layer)));
    note_link(query);
    note_link(output);
    note_cpu_tokens(batch() * cpu_tokens(), batch() * budget_tokens());
    const OpId sent = emit_.copy(Family::copy_d2h, query, layer, {q});
    const AttentionShape shape = emit_.attention(layer, batch() * cpu_tokens(), cpu_tokens(), block_tokens_);
    return emit_.copy(Family::copy_h2d, output, layer, {emit_.cpu(Family::cpu_attend, shape, layer, {sent})});
  }

  std::vector<MemoryUse> cache_memory() const override {
    using Tier = MemoryUse::Tier;
    return {{"KV cache", Tier::dram, Bytes(0.0), kv_of_offloaded_layers()},
            {"window", Tier::hbm, Bytes(0.0), kv_of_tokens(window())}};
  }
};

}  // namespace

MethodEntry hgca() {
  return {{.name = "hgca",
           .summary = "dense window on the GPU beside sparse attention over older KV on the CPU, in the same layer",
           .source = "HGCA, 2025; as a baseline in arXiv 2603.27138",
           .params = sparse_params(
               {{"window_of",
                 std::string("budget"),
                 "what the GPU's window is a share of, or a number of tokens",
                 "I",
                 {},
                 {},
                 {"budget", "context", "tokens"}},
                {"window_share", 0.25, "the GPU's share", "P", 0.0, 1.0, {}},
                {"window_tokens", 1064.0, "sinks and recent window, where window_of is tokens", "I", 0.0, 1e6, {}},
                {"cpu_tokens",
                 0.0,
                 "older tokens the CPU attends per sequence; 0: the rest of the budget",
                 "I",
                 0.0,
                 1e7,
                 {}}},
               "graph"),
           .presets = {{"scout_paper", "as run in the ScoutAttention paper: a quarter of the tokens on the GPU", {}},
                       {"paper",
                        "sinks 40 and window 1024 on the GPU; the CPU attends 100 blocks of older tokens",
                        {{"window_of", std::string("tokens")}, {"cpu_tokens", 3200.0}}}}},
          [](const MethodPoint& point) -> std::unique_ptr<Method> { return std::make_unique<Hgca>(point); }};
}

}  // namespace outrider
