// Quest: the whole KV stays in HBM, and each step reads the pages that matter to its query only. In a sparse layer:
//   1. Q × the channel-wise minimum and maximum of each page's K    2. top-k pages    3. attention over these
// The first layers attend every token. Pages are chosen for a layer, where Quest chooses them for each head: the same
// number of them.
#include "sim/methods/composed.h"
#include "sim/methods/systems.h"

namespace outrider {
namespace {

Knobs quest_knobs(const Params& params) {
  return {.placement = Knobs::Placement::gpu,
          .block_tokens = params.integer("block_tokens"),
          .dense_layers = params.layers("dense_layers"),
          .index = Knobs::Index::min_max,
          .query = Knobs::Query::own,
          .budget_tokens = params.integer("budget_tokens")};
}

}  // namespace

MethodEntry quest() {
  return {{.name = "quest",
           .summary = "the pages that matter to a query, by minimum and maximum of their keys; all KV on the GPU",
           .source = "Quest, ICML 2024, arXiv 2406.10774",
           .params = with_common(
               {knob_param("block_tokens", std::int64_t{16}, "P"), knob_param("budget_tokens", std::int64_t{2048}, "P"),
                knob_param("dense_layers", LayerList{0, 1}, "P")},
               "graph"),
           .presets = {{"paper", "pages of 16 tokens; budgets from 512 to 4096 were measured", {}}}},
          [](const MethodPoint& point) { return compose(point, quest_knobs(*point.params)); }};
}

}  // namespace outrider
