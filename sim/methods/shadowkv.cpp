// ShadowKV: K stays in HBM as a product of low rank and V moves to DRAM. In every layer:
//   1. Q × landmarks, the mean K of each chunk → top-k chunks     4. attention over these, over outlier chunks whose
//   2. V of those not yet there, read from host memory by a          mean says little, and over the recent window
//      kernel   3. beside it, their K rebuilt from the factors
// What was there in the step before is neither read nor rebuilt again.
// Otherwise than there: V of new tokens goes to DRAM as older V does, where ShadowKV keeps them in HBM; the
// decomposition after prefill costs a pass over K and the writing of the factors; chunks are chosen for a layer, not
// for each head.
#include "sim/methods/composed.h"
#include "sim/methods/systems.h"

namespace outrider {
namespace {

Knobs shadowkv_knobs(const Params& params) {
  const std::int64_t chunk = params.integer("block_tokens");
  return {.placement = Knobs::Placement::values,
          .block_tokens = chunk,
          .kept_tokens = params.integer("outlier_blocks") * chunk + params.integer("local_tokens"),
          .key_rank = params.integer("key_rank"),
          .index = Knobs::Index::mean,
          .query = Knobs::Query::own,
          .budget_tokens = params.integer("budget_tokens"),
          .miss = Knobs::Miss::recall,
          .path = block_path_named(params.text("block_copies")),
          .copies_per_block = 0,
          .cache = Knobs::Cache::last};
}

}  // namespace

MethodEntry shadowkv() {
  ParamSpec copies = block_copies_param();
  copies.fallback = std::string("zero_copy");
  return {{.name = "shadowkv",
           .summary = "K of low rank and landmarks on the GPU; V of the chunks that matter is read from DRAM",
           .source = "ShadowKV, ICML 2025, arXiv 2410.21465",
           .params = with_common(
               {knob_param("block_tokens", std::int64_t{8}, "P"),
                knob_param("budget_tokens", std::int64_t{2048}, "P"),
                knob_param("key_rank", std::int64_t{160}, "P"),
                {"outlier_blocks", std::int64_t{48}, "chunks that are always attended", "P", 0.0, 32768.0, {}},
                {"local_tokens",
                 std::int64_t{32},
                 "recent tokens that are always attended",
                 "R",
                 0.0,
                 1048576.0,
                 {},
                 {std::int64_t{64}, std::int64_t{128}}},
                copies},
               "graph"),
           .presets = {{"paper", "chunks of 8, rank 160, 48 outlier chunks", {}}}},
          [](const MethodPoint& point) { return compose(point, shadowkv_knobs(*point.params)); }};
}

}  // namespace outrider
