// ArkVale: every page has a copy in DRAM and a digest in HBM; a cache of pages in HBM recalls those that have become
// important again. In a sparse layer:
//   1. Q × the digest of each page, a cuboid around its K     3. recall of those that are not cached, in place of
//   others
//   2. top-k pages, of which the cache holds at least twice   4. attention over the top-k pages
// New K and V go to DRAM beside the step (the backup stream). The first layers attend every token. The host waits for
// the list of missing pages before it copies. Otherwise than there: the cache drops what was not selected for longest,
// where ArkVale drops the lowest score, since the drift of selections tells no scores; and it begins with the top-k
// pages of the prompt, where ArkVale's is full.
#include <algorithm>

#include "sim/methods/composed.h"
#include "sim/methods/systems.h"

namespace outrider {
namespace {

Knobs arkvale_knobs(const Params& params) {
  const std::int64_t pages = params.integer("top_pages") * params.integer("block_tokens");
  const std::int64_t cache = params.integer("cache_tokens");
  return {.placement = Knobs::Placement::blocks,
          .block_tokens = params.integer("block_tokens"),
          .dense_layers = params.layers("dense_layers"),
          .index = Knobs::Index::min_max,
          .query = Knobs::Query::own,
          .budget_tokens = std::min(pages, cache / 2),
          .miss = Knobs::Miss::recall,
          .path = block_path_named(params.text("block_copies")),
          .copies_per_block = params.integer("copies_per_block"),
          .cache = Knobs::Cache::lru,
          .cache_tokens = cache};
}

}  // namespace

MethodEntry arkvale() {
  return {{.name = "arkvale",
           .summary = "a cache of pages on the GPU that recalls those which have become important again",
           .source = "ArkVale, NeurIPS 2024",
           .params = with_common(
               {knob_param("block_tokens", std::int64_t{32}, "P"),
                {"top_pages", std::int64_t{40}, "pages attended, at most half of the cache", "P", 1.0, 32768.0, {}},
                knob_param("cache_tokens", std::int64_t{4096}, "P"),
                knob_param("dense_layers", LayerList{0, 1}, "I"),
                knob_param("copies_per_block", std::int64_t{0}, "P"),
                block_copies_param()},
               "eager"),
           .presets = {{"paper", "a cache of 4096 tokens, the largest with results; one copy per head and page", {}}}},
          [](const MethodPoint& point) { return compose(point, arkvale_knobs(*point.params)); }};
}

}  // namespace outrider
