// FreeKV: pages are chosen by the query of the token before, which is nearly the same, so that choosing and recalling
// leave the critical path. In a layer of step t:
//   1. compare Q with that of step t−1; heads below a cosine of 0.9 choose and recall their pages now (correction)
//   2. attention over what the query of step t−1 chose
//   3. Q × page summaries → top-k pages → recall of those not yet there, in the background, until the same layer of
//   step t+1
// Pages lie head by head in DRAM, so that a page of one head is one copy.
// Otherwise than there: the share of misses that is corrected is a number, since queries are not simulated; choosing
// runs in the compute stream; the change of layout behind the copies is not charged.
#include "sim/methods/composed.h"
#include "sim/methods/systems.h"

namespace outrider {
namespace {

Knobs freekv_knobs(const Params& params) {
  return {.placement = Knobs::Placement::blocks,
          .block_tokens = params.integer("block_tokens"),
          .index = Knobs::Index::min_max,
          .query = Knobs::Query::previous_token,
          .budget_tokens = params.integer("budget_tokens"),
          .miss = Knobs::Miss::recall,
          .corrected_share = params.number("corrected_share"),
          .path = block_path_named(params.text("block_copies")),
          .copies_per_block = 0,
          .cache = Knobs::Cache::last,
          .paced = params.text("recall_copies") == "paced"};
}

}  // namespace

MethodEntry freekv() {
  return {{.name = "freekv",
           .summary = "pages chosen by the previous token's query and recalled in the background, then corrected",
           .source = "FreeKV, ICLR 2026, arXiv 2505.13109",
           .params = with_common(
               {knob_param("block_tokens", std::int64_t{32}, "R"), knob_param("budget_tokens", std::int64_t{2048}, "R"),
                knob_param("corrected_share", 0.1, "I"), block_copies_param(),
                knob_param("recall_copies", std::string("queued"), "I")},
               "graph"),
           .presets = {{"paper", "a tenth of what is missed is corrected", {}}}},
          [](const MethodPoint& point) { return compose(point, freekv_knobs(*point.params)); }};
}

}  // namespace outrider
