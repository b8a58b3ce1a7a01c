// RetroInfer: KV as a vector store. Clusters of similar keys have a centroid and a sum of V in HBM (wave index); their
// pages are in DRAM, behind a cache in HBM that the CPU manages (wave buffer). In every layer:
//   1. Q × centroids → the best clusters, retrieved, and the next best, estimated
//   2. the CPU looks up which pages of the retrieved ones are cached, and answers with the others
//   3. a kernel reads these from host memory
//   4. attention over retrieved pages, sinks and recent window   5. over the estimated clusters, each one key and one
//   value
//   6. merge of both
// Otherwise than there: pages are selected, of which a cluster has two, and not clusters of many sizes; sizes of
// clusters, a number each, take no memory; k-means at prefill costs a pass over K and the writing of the index, as does
// a digest; what the CPU does to update the cache, off the critical path, is not charged.
#include "sim/methods/composed.h"
#include "sim/methods/systems.h"

namespace outrider {
namespace {

Knobs retroinfer_knobs(const Params& params) {
  return {.placement = Knobs::Placement::blocks,
          .block_tokens = params.integer("block_tokens"),
          .kept_tokens = params.integer("kept_tokens"),
          .index = Knobs::Index::centroids,
          .index_tokens = params.integer("index_tokens"),
          .query = Knobs::Query::own,
          .budget_share = params.number("budget_share"),
          .miss = Knobs::Miss::recall,
          .estimate_share = params.number("estimate_share"),
          .cpu_finds_missing = params.text("lookup") == "cpu",
          .path = block_path_named(params.text("block_copies")),
          .copies_per_block = 0,
          .cache = Knobs::Cache::lru,
          .cache_share = params.number("cache_share")};
}

}  // namespace

MethodEntry retroinfer() {
  ParamSpec copies = block_copies_param();
  copies.fallback = std::string("zero_copy");
  return {{.name = "retroinfer",
           .summary = "clusters of keys: the best are fetched through a cache, the next best estimated",
           .source = "RetroInfer, arXiv 2505.02922",
           .params = with_common(
               {knob_param("block_tokens", std::int64_t{8}, "P"), knob_param("index_tokens", std::int64_t{16}, "R"),
                knob_param("kept_tokens", std::int64_t{68}, "P"), knob_param("budget_share", 0.018, "P"),
                knob_param("estimate_share", 0.232, "P"), knob_param("cache_share", 0.05, "P"),
                knob_param("lookup", std::string("cpu"), "P"), copies},
               "graph"),
           .presets = {{"paper", "1.8 % of the clusters retrieved, 23.2 % estimated, 5 % cached", {}}}},
          [](const MethodPoint& point) { return compose(point, retroinfer_knobs(*point.params)); }};
}

}  // namespace outrider
