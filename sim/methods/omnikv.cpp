// OmniKV: a few filter layers attend every token, and what they find important serves the layers up to the next filter.
// The KV of filters, of the layers before the first, and of the one behind each stays in HBM; the rest is in DRAM.
//   filter:    1. attention over every token   2. scores of all tokens → top-k tokens   3. the list goes to the CPU
//   behind it: 4. attention over every token, while the CPU gathers the tokens' KV of the layers that follow (waiting)
//   follower:  5. attention over the tokens that came, in one copy a layer; they are forgotten afterwards
// The published filters are Llama-3-8B's: other models have others, and listed layers beyond a model's last are none.
// Otherwise than there: scores come from a kernel of their own that reads K once more; the host thread, and no second
// one, hands gathers to the CPU's pool.
#include "sim/methods/composed.h"
#include "sim/methods/systems.h"

namespace outrider {
namespace {

Knobs omnikv_knobs(const Params& params) {
  return {.placement = Knobs::Placement::blocks,
          .block_tokens = 1,
          .index = Knobs::Index::keys,
          .query = Knobs::Query::shared,
          .filter_layers = params.layers("filter_layers"),
          .wait_layers = params.integer("wait_layers"),
          .budget_share = params.number("budget_share"),
          .miss = Knobs::Miss::recall,
          .gathered = true,
          .cache = Knobs::Cache::none,
          .prefetch = true};
}

}  // namespace

MethodEntry omnikv() {
  return {
      {.name = "omnikv",
       .summary = "a few layers attend every token and select for the layers behind them",
       .source = "OmniKV, ICLR 2025",
       .params = with_common({knob_param("filter_layers", LayerList{2, 8, 18}, "P"),
                              knob_param("wait_layers", std::int64_t{1}, "P"), knob_param("budget_share", 0.067, "P")},
                             "graph"),
       .presets = {{"paper", "filters of Llama-3-8B, 6.7 % of the tokens", {}}}},
      [](const MethodPoint& point) { return compose(point, omnikv_knobs(*point.params)); }};
}

}  // namespace outrider
