// ScoutAttention: the GPU attends resident blocks, the CPU the missing ones, a layer ahead; residency is recalled
// periodically and asynchronously. Its three ideas are switches. On the GPU, in layer i:
//   1. predict Q of layer i+1 from the input of layer i     5. Q of layer i
//   2. top-k of it over the digests of layer i+1            6. attention over resident blocks
//   3. which of the selected blocks are missing             7. merge with the CPU's part, begun in layer i−1
//   4. the CPU begins to attend these                       8. where a recall is due, copies to be there in the next
//   step
// Layer 0 has nobody before it and asks with its own Q, as every layer does without layer_ahead.
#include "sim/methods/composed.h"
#include "sim/methods/systems.h"

namespace outrider {
namespace {

Knobs scout_knobs(const Params& params) {
  const bool collaborates = params.flag("collaborative_attention");
  return {.placement = Knobs::Placement::blocks,
          .block_tokens = params.integer("block_tokens"),
          .index = Knobs::Index::min_max,
          .query = params.flag("layer_ahead") ? Knobs::Query::predicted : Knobs::Query::own,
          .budget_tokens = params.integer("budget_tokens"),
          .miss = collaborates ? Knobs::Miss::cpu_attend : Knobs::Miss::recall,
          .real_cpu_query = params.text("cpu_query") == "real",
          .attends_resident = params.text("gpu_attends") == "resident",
          .path = block_path_named(params.text("block_copies")),
          .cache = params.flag("periodic_recall") ? Knobs::Cache::periodic : Knobs::Cache::prefill,
          .recall_interval = params.integer("recall_interval"),
          .cpu_ratio_limit = params.number("cpu_ratio_limit"),
          .paced = params.text("recall_copies") == "paced"};
}

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
      [](const MethodPoint& point) { return compose(point, scout_knobs(*point.params)); }};
}

}  // namespace outrider
