// ScoutAttention: the GPU attends resident blocks, the CPU the missing ones, a layer ahead; residency is recalled
// periodically and asynchronously. Its three ideas are switches.
#include "sim/methods/sparse_method.h"
#include "sim/methods/systems.h"

namespace outrider {
namespace {

class Scout final : public SparseMethod {
 public:
  explicit Scout(const MethodPoint& point)
      : SparseMethod(point),
        collaborative_(params().flag("collaborative_attention")),
        layer_ahead_(params().flag("layer_ahead")),
        recall_(params().flag("periodic_recall")),
        real_query_(params().text("cpu_query") == "real"),
        paced_(params().text("recall_copies") == "paced"),
        recalled_(static_cast<std::size_t>(layers()), -1),
        interval_(static_cast<std::size_t>(layers()), 0) {
    for (const int layer : emit_.offloaded_layers())
      interval_[static_cast<std::size_t>(layer)] = profiled_interval(layer);
  }

  SelectionNeed selection_need() const override {
    SelectionNeed need = SparseMethod::selection_need();
    need.profiling_steps = recall_ && params().integer("recall_interval") == 0 ? kProfilingSteps : 0;
    return need;
  }

  TaskGraph decode_step(std::int64_t step) override {
    emit_.begin(batch());
    OpId x = emit_.open_step();
    Missing ahead;  // the missing blocks of the layer at hand, where they were asked for a layer ahead
    for (int layer = 0; layer < layers(); ++layer) {
      const OpId input = emit_.normalise(layer, x);
      const Missing next =
          asks_ahead(layer + 1) ? ask(layer + 1, step, predict_query(layer + 1, 1.0, input)) : Missing{};
      const OpId q = emit_.project(layer, input);
      if (!emit_.offloads(layer)) {
        x = emit_.finish(layer, emit_.attend_resident(layer, point_.context + step, q));
      } else {
        const Missing missing = asks_ahead(layer) ? ahead : ask(layer, step, q);
        x = emit_.finish(layer, attend(layer, step, q, missing));
        write_back(layer, q);
      }
      ahead = next;
    }
    note_step();
    return emit_.close_step(x, batch());
  }

  MethodFacts facts() const override {
    MethodFacts facts = DecodeMethod::facts();
    double sum = 0.0;
    for (const int layer : emit_.offloaded_layers())
      sum += static_cast<double>(interval_[static_cast<std::size_t>(layer)]);
    if (recall_ && !emit_.offloaded_layers().empty())
      facts.recall_interval = sum / static_cast<double>(emit_.offloaded_layers().size());
    return facts;
  }

 private:
  static constexpr std::int64_t kProfilingSteps = 48;

  // The selected blocks of a layer that the GPU lacks, and the list of them on its way to the host.
  struct Missing {
    Misses blocks;
    OpId listed;
  };

  bool asks_ahead(int layer) const { return layer_ahead_ && layer > 0 && layer < layers() && emit_.offloads(layer); }

  // Selects the layer's blocks with a query and sends query and missing list to the host.
  Missing ask(int layer, std::int64_t step, OpId query) {
    note_turnover(misses(layer, step, step - 1));
    const Misses missing = misses(layer, step, recalled_[static_cast<std::size_t>(layer)]);
    const OpId picked = select_by_digest(layer, query);
    if (missing.total == 0) return {missing, OpId()};
    if (!collaborative_ && gpu_fetches()) return {missing, picked};
    const Bytes queries = emit_.activation_bytes(head_queries(layer));
    const Bytes list(4.0 * static_cast<double>(missing.total));
    const CopyShape request = one_copy(Direction::d2h, real_query_ ? list : queries + list);
    note_link(request);
    return {missing, emit_.copy(Family::copy_d2h, request, layer, {picked})};
  }

  // Attention of one layer: resident blocks here, missing ones on the CPU (or fetched, without collaboration).
  OpId attend(int layer, std::int64_t step, OpId q, const Missing& missing) {
    const double missing_tokens = tokens_of(missing.blocks.total);
    if (collaborative_) note_cpu_tokens(missing_tokens, batch() * budget_tokens());
    const OpId served = missing.blocks.total == 0 ? OpId()
                        : collaborative_          ? attend_on_cpu(layer, q, missing)
                                                  : fetch_blocks(layer, missing.blocks.total, missing.listed);
    const bool all_resident = collaborative_ && params().text("gpu_attends") == "resident";
    const bool part = collaborative_ && !all_resident;
    const double tokens = batch() * budget_tokens() - (part ? missing_tokens : 0.0);
    OpId attended = attend_tokens(layer, tokens, budget_tokens(), {q, collaborative_ ? OpId() : served});
    if (recall_) await_recall(layer, attended);
    if (recall_ &&
        (step - recalled_[static_cast<std::size_t>(layer)]) % interval_[static_cast<std::size_t>(layer)] == 0) {
      recall(layer, step, missing, attended);
    }
    return collaborative_ && served.valid() ? merge_partials(layer, attended, served) : attended;
  }

  OpId attend_on_cpu(int layer, OpId q, const Missing& missing) {
    const AttentionShape shape =
        emit_.attention(layer, tokens_of(missing.blocks.total), tokens_of(missing.blocks.longest), block_tokens_);
    OpId query = missing.listed;
    if (real_query_) {
      const CopyShape real = one_copy(Direction::d2h, emit_.activation_bytes(head_queries(layer)));
      note_link(real);
      query = emit_.copy(Family::copy_d2h, real, layer, {q});
    }
    const OpId attended = emit_.cpu(Family::cpu_attend, shape, layer, {missing.listed, query});
    const CopyShape output = one_copy(Direction::h2d, emit_.activation_bytes(head_outputs(layer)));
    note_link(output);
    return emit_.copy(Family::copy_h2d, output, layer, {attended});
  }

  // Makes the selection of this step resident, in time for the same layer of the next step. A thread that has nothing
  // else to do issues the copies, at no more than the copy engine's own pace.
  void recall(int layer, std::int64_t step, const Missing& missing, OpId attended) {
    recalled_[static_cast<std::size_t>(layer)] = step;
    if (missing.blocks.total == 0) return;
    CopyShape blocks = block_copies(layer, missing.blocks.total);
    blocks.paced = paced_;
    note_link(blocks);
    emit_.fill(static_cast<CarrySlot>(layer), emit_.copy_on(Lane::recall, blocks, layer, {attended, missing.listed}));
  }

  void await_recall(int layer, OpId op) { emit_.await(op, static_cast<CarrySlot>(layer)); }

  // The most steps that keep the layer's CPU ratio below the threshold, as offline profiling finds.
  std::int64_t profiled_interval(int layer) const {
    const std::int64_t given = params().integer("recall_interval");
    if (given > 0 || point_.profiling == nullptr) return given > 0 ? given : 1;
    const std::int64_t ordinal = ordinal_of(layer);
    std::int64_t interval = 1;
    while (interval < kProfilingSteps &&
           point_.profiling->turnover(ordinal, interval + 1) < params().number("cpu_ratio_limit"))
      ++interval;
    return interval;
  }

  std::vector<MemoryUse> cache_memory() const override {
    using Tier = MemoryUse::Tier;
    return {{"KV cache", Tier::pinned, Bytes(0.0), kv_of_offloaded_layers()},
            {"block digests", Tier::hbm, Bytes(0.0), digests_of_sequence()},
            {"resident blocks", Tier::hbm, Bytes(0.0), kv_of_tokens(budget_tokens())}};
  }

  void index_prefilled(int layer, OpId after) override {
    if (!emit_.offloads(layer)) return;
    build_index(layer, digest_bytes(layer, static_cast<double>(blocks_)), after);
  }

  bool collaborative_, layer_ahead_, recall_, real_query_, paced_;
  std::vector<std::int64_t> recalled_;  // step whose selection is resident, per layer; −1: as after prefill
  std::vector<std::int64_t> interval_;
};

}  // namespace

MethodEntry scout() {
  return {
      {.name = "scout",
       .summary = "GPU-CPU collaborative block-sparse attention, layer-ahead, with periodic recall",
       .source = "ScoutAttention, arXiv 2603.27138",
       .params = sparse_params(
           {block_copies_param(),
            {"collaborative_attention",
             true,
             "the CPU attends missing blocks; otherwise they are fetched",
             "P",
             {},
             {},
             {}},
            {"layer_ahead",
             true,
             "select and spawn the CPU's part one layer ahead, from a predicted query",
             "P",
             {},
             {},
             {}},
            {"periodic_recall", true, "refresh the resident blocks periodically and asynchronously", "P", {}, {}, {}},
            {"cpu_ratio_limit", 0.12, "beta: a layer is recalled before its CPU ratio exceeds this", "P", 0.0, 1.0, {}},
            {"recall_interval",
             std::int64_t{0},
             "steps between recalls of every layer; 0: profiled per layer",
             "P",
             0.0,
             1e6,
             {}},
            {"cpu_query", std::string("predicted"), "query of the CPU's attention", "P", {}, {}, {"predicted", "real"}},
            {"recall_copies",
             std::string("paced"),
             "recalled blocks are issued a few at a time, or all at once, so that results of the CPU queue behind them",
             "I",
             {},
             {},
             {"paced", "queued"}},
            {"gpu_attends",
             std::string("selected"),
             "resident blocks the GPU attends: the selected ones or all",
             "I",
             {},
             {},
             {"selected", "resident"}}},
           "graph"),
       .presets = {{"paper", "as the paper describes it", {}},
                   {"sglang",
                    "as a later public implementation: real query on the CPU, recall every 8 steps",
                    {{"cpu_query", std::string("real")}, {"recall_interval", std::int64_t{8}}}}}},
      [](const MethodPoint& point) -> std::unique_ptr<Method> { return std::make_unique<Scout>(point); }};
}

}  // namespace outrider
