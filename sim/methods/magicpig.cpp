// MagicPIG: attention over a sample of the tokens, which the CPU finds by locality-sensitive hashing. Hash tables and
// KV are in DRAM, sinks and recent window in HBM. In a layer, but for a few that attend every token from HBM:
//   1. Q × random vectors; their signs, k to a table, are the hashes of each query head
//   2. hashes and Q go to the CPU, in two copies that the host thread waits for
//   3. the CPU opens a bucket of each table and attends the tokens that lie in two of them or more: of each query head
//      its own. Beside it, the GPU attends sinks and window   4. merge of both
// Otherwise than there: all layers and steps find as many tokens, `budget_share` of the context; buckets are equally
// full; the weight of a sampled token, by how likely its collision was, costs no arithmetic; K and V of new tokens go
// to DRAM, where MagicPIG keeps them in HBM, and are found in no table; the host thread hands the pool its work and
// does not attend with it; hashing and sorting the prompt costs a pass over K and the way of the tables to DRAM.
#include "sim/methods/composed.h"
#include "sim/methods/systems.h"

namespace outrider {
namespace {

Knobs magicpig_knobs(const Params& params) {
  return {.placement = Knobs::Placement::blocks,
          .block_tokens = 1,
          .dense_layers = params.layers("dense_layers"),
          .kept_tokens = params.integer("kept_tokens"),
          .index = Knobs::Index::lsh,
          .hash_bits = params.integer("hash_bits"),
          .hash_tables = params.integer("hash_tables"),
          .query = Knobs::Query::own,
          .budget_share = params.number("budget_share"),
          .miss = Knobs::Miss::cpu_attend,
          .host_waits = params.integer("host_waits"),
          .cache = Knobs::Cache::none};
}

}  // namespace

MethodEntry magicpig() {
  return {{.name = "magicpig",
           .summary = "the CPU attends a sample of the tokens that hash tables find, beside a window on the GPU",
           .source = "MagicPIG, ICLR 2025, arXiv 2410.16179",
           .params = with_common(
               {knob_param("hash_bits", std::int64_t{10}, "P"), knob_param("hash_tables", std::int64_t{150}, "P"),
                knob_param("budget_share", 0.02, "P"), knob_param("kept_tokens", std::int64_t{68}, "P"),
                knob_param("dense_layers", LayerList{0, 16}, "P"), knob_param("host_waits", std::int64_t{2}, "P")},
               "eager"),
           .presets = {{"paper", "150 tables of 10 bits, which find 2 % of the tokens; 4 sinks, a window of 64", {}}}},
          [](const MethodPoint& point) { return compose(point, magicpig_knobs(*point.params)); }};
}

}  // namespace outrider
