// InfiniGen: the KV lives in DRAM; each layer predicts what the next needs and prefetches it over the link.
#include <algorithm>

#include "sim/methods/sparse_method.h"
#include "sim/methods/systems.h"

namespace outrider {
namespace {

class InfiniGen final : public SparseMethod {
 public:
  explicit InfiniGen(const MethodPoint& point)
      : SparseMethod(point),
        by_tokens_(params().text("transfer") == "gather"),
        blocking_(params().flag("blocking")),
        digests_(params().text("index") == "digests"),
        partial_(digests_ ? 1.0 : params().number("partial_ratio")) {}

  TaskGraph decode_step(std::int64_t step) override {
    emit_.begin(batch());
    OpId x = emit_.open_step();
    OpId fetched;  // the KV of the layer at hand
    for (int layer = 0; layer < layers(); ++layer) {
      const OpId input = emit_.normalise(layer, x);
      const bool next = layer + 1 < layers() && emit_.offloads(layer + 1);
      const OpId listed = next ? predict(layer + 1, step, input) : OpId();
      const OpId q = emit_.project(layer, input);
      OpId attended;
      if (!emit_.offloads(layer)) {
        attended = emit_.attend_resident(layer, point_.context + step, q);
      } else {
        // The first layer has nobody before it to predict for it: its selection comes from its own query.
        if (layer == 0) fetched = fetch(layer, step, predict(layer, step, q));
        attended = attend_tokens(layer, batch() * attended_tokens(step), attended_tokens(step), {q, fetched});
        write_back(layer, q);
      }
      if (blocking_ && next) fetched = fetch(layer + 1, step, listed);  // the host sits in the copy before it goes on
      x = emit_.finish(layer, attended);
      if (!blocking_ && next) fetched = fetch(layer + 1, step, listed);
    }
    note_step();
    return emit_.close_step(x, batch());
  }

  SelectionNeed selection_need() const override {
    return by_tokens_ ? SelectionNeed{} : SparseMethod::selection_need();
  }

 private:
  // Tokens attended per sequence: the budget, or the tokens within alpha of the best score, at most the cap.
  double attended_tokens(std::int64_t step) const {
    if (!by_tokens_) return budget_tokens();
    return std::min(params().number("selected_share"), params().number("share_cap")) * context_at(step);
  }

  // Scores a layer from another's input and sends the list of what to fetch to the host, where the host fetches.
  OpId predict(int layer, std::int64_t step, OpId input) {
    const OpId query = layer == 0 ? input : predict_query(layer, partial_, input);
    OpId picked;
    if (digests_) {
      picked = select_by_digest(layer, query);
    } else {
      const double tokens = batch() * context_at(step);
      const StreamShape score{.read = partial_keys(layer, tokens),
                              .write = Bytes(4.0 * tokens),
                              .flops = Flops(2.0 * partial_ * tokens * head_outputs(layer)),
                              .items = tokens};
      picked = pick_blocks(layer, emit_.kernel(Family::score_blocks, score, layer, {query}));
    }
    if (!by_tokens_ && gpu_fetches()) return picked;
    const CopyShape list = one_copy(
        Direction::d2h, Bytes(4.0 * batch() * (by_tokens_ ? attended_tokens(step) : static_cast<double>(selected_))));
    note_link(list);
    return emit_.copy(Family::copy_d2h, list, layer, {picked});
  }

  OpId fetch(int layer, std::int64_t step, OpId listed) {
    OpId fetched;
    if (by_tokens_) {
      fetched = gather_and_copy(layer, step, listed);
    } else {
      note_turnover(misses(layer, step, step - 1));
      const Misses missing = misses(layer, step, params().text("cache") == "last" ? step - 1 : -1);
      if (missing.total > 0) fetched = fetch_blocks(layer, static_cast<double>(missing.total), listed);
    }
    return fetched;
  }

  // The CPU gathers the selected tokens of all heads into pinned memory; one copy takes them to the GPU.
  OpId gather_and_copy(int layer, std::int64_t step, OpId listed) {
    const Bytes bytes = emit_.kv_bytes(layer, batch() * attended_tokens(step));
    const OpId known = emit_.host(Family::synchronize, 1.0, layer, {listed});
    const OpId dispatched = emit_.host(Family::dispatch_pool, 1.0, layer, {known});
    const OpId gathered = gather(layer, bytes, batch() * attended_tokens(step), dispatched);
    const CopyShape shape = one_copy(Direction::h2d, bytes);
    note_link(shape);
    emit_.new_segment();
    if (!blocking_) return emit_.copy_issued(Family::copy_h2d, shape, layer, {gathered});
    const OpId returned =
        emit_.host(Family::dispatch_pool, 1.0, layer, {gathered});  // the host thread sat in the gather
    return emit_.copy_issued(Family::copy_h2d, shape, layer, {emit_.host(Family::launch_copy, 1.0, layer, {returned})});
  }

  // Keys of the partial index: a share of the channels of K.
  Bytes partial_keys(int layer, double tokens) const { return partial_ * emit_.kv_bytes(layer, tokens) / 2.0; }

  std::vector<MemoryUse> cache_memory() const override {
    using Tier = MemoryUse::Tier;
    const double context = static_cast<double>(point_.context + point_.steps);
    const Bytes index = digests_ ? digests_of_sequence() : partial_ * kv_of_tokens(context) / 2.0;
    const double buffered =
        by_tokens_ ? 2.0 * attended_tokens(point_.steps) / static_cast<double>(emit_.offloaded_layers().size())
                   : budget_tokens();
    std::vector<MemoryUse> uses = {
        {"KV cache", by_tokens_ ? Tier::dram : Tier::pinned, Bytes(0.0), kv_of_offloaded_layers()},
        {digests_ ? "block digests" : "partial keys", Tier::hbm, Bytes(0.0), index},
        {by_tokens_ ? "prefetch buffers" : "resident blocks", Tier::hbm, Bytes(0.0), kv_of_tokens(buffered)}};
    if (!digests_) uses.push_back({"partial query weights", Tier::hbm, partial_query_weights(), Bytes(0.0)});
    return uses;
  }

  Bytes partial_query_weights() const {
    Bytes sum;
    for (const int layer : emit_.offloaded_layers())
      sum += partial_ * query_projection(model(), model().layers[static_cast<std::size_t>(layer)], 1.0).weight_bytes();
    return sum;
  }

  void index_prefilled(int layer, OpId after) override {
    if (!emit_.offloads(layer)) return;
    const double context = static_cast<double>(point_.context);
    const Bytes index = digests_ ? digest_bytes(layer, static_cast<double>(blocks_)) : partial_keys(layer, context);
    build_index(layer, index, after);
  }

  bool by_tokens_, blocking_, digests_;
  double partial_;
};

}  // namespace

MethodEntry infinigen() {
  const std::string gather = "gather", keys = "partial_keys", eager = "eager";
  return {
      {.name = "infinigen",
       .summary = "next layer's important KV predicted one layer ahead and prefetched over the link",
       .source = "InfiniGen, OSDI 2024; as a baseline in arXiv 2603.27138",
       .params = sparse_params(
           {block_copies_param(),
            {"index", std::string("digests"), "what the prediction scores", "I", {}, {}, {"digests", "partial_keys"}},
            {"transfer",
             std::string("blocks"),
             "missing blocks, one copy each; or all selected tokens, gathered by the CPU",
             "I",
             {},
             {},
             {"blocks", "gather"}},
            {"cache",
             std::string("prefill"),
             "blocks that stay on the GPU: those important after prefill, or the last set",
             "I",
             {},
             {},
             {"prefill", "last"}},
            {"blocking",
             false,
             "the launching thread sits in the gather and synchronises before the next attention",
             "P",
             {},
             {},
             {}},
            {"partial_ratio", 0.3, "share of channels in the partial weights and keys", "P", 0.01, 1.0, {}},
            {"selected_share",
             0.1,
             "tokens scoring within alpha of the best, as a share of the context",
             "R",
             0.0,
             1.0,
             {},
             {0.05, 0.2}},
            {"share_cap", 0.2, "largest share of the context that is fetched", "P", 0.0, 1.0, {}}},
           "graph"),
       .presets =
           {{"scout_paper", "as run in the ScoutAttention paper: budget, block copies, blocks of prefill stay", {}},
            {"paper",
             "token-granular, gathered by the CPU, one asynchronous copy a layer",
             {{"transfer", gather}, {"index", keys}}},
            {"artifact",
             "the published code: eager, blocking gather",
             {{"transfer", gather}, {"index", keys}, {"blocking", true}, {"launch", eager}, {"partial_ratio", 0.2}}}}},
      [](const MethodPoint& point) -> std::unique_ptr<Method> { return std::make_unique<InfiniGen>(point); }};
}

}  // namespace outrider
