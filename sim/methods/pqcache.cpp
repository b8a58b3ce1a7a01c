// PQCache: product quantisation of K. Each part of a key has the number of its nearest centroid for a code; codes and
// KV are in DRAM, centroids, sinks, recent window and a cache of tokens in HBM. In every layer:
//   1. codes of the next layer set out, while those of this one have come
//   2. Q × centroids → a table, in which the codes look up the score of every token → top-k tokens
//   3. which of these are cached: the host thread waits for the list and what belongs to it, copy after copy
//   4. the CPU gathers the others into pinned memory, and one copy brings them
//   5. attention over these, sinks and window
// Otherwise than there: tokens are chosen for a layer, not for each head; the cache keeps the tokens that were chosen
// most often, and what came stays, where PQCache copies blocks of 128 tokens beside the step into one of 4096 tokens,
// whatever the budget; codes take their bits and no more, where the published program moves 64 for each; k-means on the
// CPU beside the prompt costs a pass over K and the way of the codes to DRAM; new tokens are never scored.
#include "sim/methods/composed.h"
#include "sim/methods/systems.h"

namespace outrider {
namespace {

Knobs pqcache_knobs(const Params& params) {
  return {.placement = Knobs::Placement::blocks,
          .block_tokens = 1,
          .kept_tokens = params.integer("kept_tokens"),
          .kept_share = params.number("kept_share"),
          .index = Knobs::Index::pq,
          .sub_spaces = params.integer("sub_spaces"),
          .code_bits = params.integer("code_bits"),
          .query = Knobs::Query::own,
          .budget_share = params.number("budget_share"),
          .miss = Knobs::Miss::recall,
          .host_waits = params.integer("host_waits"),
          .gathered = true,
          .copies_per_block = 0,
          .cache = Knobs::Cache::lfu,
          .cache_tokens = params.integer("cache_tokens"),
          .codes_come_ahead = params.text("pipeline") == "codes"};
}

}  // namespace

MethodEntry pqcache() {
  ParamSpec pipeline = knob_param("pipeline", std::string("codes"), "P");
  pipeline.choices = {"none", "codes"};
  return {{.name = "pqcache",
           .summary = "tokens scored by product codes of their keys, gathered by the CPU, and kept in a cache",
           .source = "PQCache, SIGMOD 2025, arXiv 2407.12820",
           .params = with_common(
               {knob_param("sub_spaces", std::int64_t{2}, "P"), knob_param("code_bits", std::int64_t{6}, "P"),
                knob_param("budget_share", 0.05, "P"), knob_param("kept_share", 0.05, "P"),
                knob_param("kept_tokens", std::int64_t{32}, "P"), knob_param("cache_tokens", std::int64_t{4096}, "P"),
                knob_param("host_waits", std::int64_t{6}, "P"), pipeline},
               "eager"),
           .presets = {{"paper",
                        "2 codes of 6 bits; a tenth of the tokens, half of them recent and half chosen; as the "
                        "published program waits for the GPU",
                        {}}}},
          [](const MethodPoint& point) { return compose(point, pqcache_knobs(*point.params)); }};
}

}  // namespace outrider
