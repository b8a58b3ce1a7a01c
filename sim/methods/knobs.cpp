// The table of knobs, and which of them go together.
#include "sim/methods/knobs.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/base/check.h"
#include "sim/methods/sparse_method.h"

namespace outrider {
namespace {

using Placement = Knobs::Placement;
using Index = Knobs::Index;
using Query = Knobs::Query;
using Miss = Knobs::Miss;
using Cache = Knobs::Cache;

ParamSpec choice(const char* name, const char* fallback, std::vector<std::string> choices, const char* meaning) {
  return {name, std::string(fallback), meaning, "ours", {}, {}, std::move(choices)};
}

ParamSpec count(const char* name, std::int64_t fallback, double least, const char* meaning) {
  return {name, fallback, meaning, "ours", least, 1048576.0, {}};
}

ParamSpec bounded(const char* name, std::int64_t fallback, double most, const char* meaning) {
  return {name, fallback, meaning, "ours", 1.0, most, {}};
}

ParamSpec share(const char* name, double fallback, const char* meaning) {
  return {name, fallback, meaning, "ours", 0.0, 1.0, {}};
}

ParamSpec layers(const char* name, const char* meaning) { return {name, LayerList{}, meaning, "ours", 0.0, {}, {}}; }

// The place of the text among the knob's choices, which stand in the enumeration's order.
template <class Enum>
Enum chosen(const Params& params, std::string_view name) {
  const std::vector<ParamSpec> table = knob_params();
  const auto spec = std::find_if(table.begin(), table.end(), [&](const ParamSpec& each) { return each.name == name; });
  CHECK(spec != table.end(), "no knob '{}'", name);
  const auto found = std::find(spec->choices.begin(), spec->choices.end(), params.text(name));
  CHECK(found != spec->choices.end(), "knob {} cannot be '{}'", name, params.text(name));
  return static_cast<Enum>(found - spec->choices.begin());
}

bool keeps_by_use(const Knobs& k) { return k.cache == Cache::lru || k.cache == Cache::lfu; }
bool in_dram(const Knobs& k) { return k.placement != Placement::gpu; }
bool has_token_entries(const Knobs& k) {
  return k.index == Index::keys || k.index == Index::pq || k.index == Index::lsh;
}
bool moves_blocks(const Knobs& k) { return !in_dram(k) || k.miss == Miss::recall || k.cache == Cache::periodic; }

// Where `concerns` holds, or, without it, wherever the knob is written, `holds` must too: `expected` says what of
// `other`.
struct Rule {
  const char* knob;
  bool (*concerns)(const Knobs& knobs);
  const char* other;
  bool (*holds)(const Knobs& knobs);
  const char* expected;
};

constexpr const char* kNotOnGpu = "placement: blocks or values beside it, as on the GPU no block is missing";
constexpr const char* kShared = "query: shared beside it, whose filter layers they are";
constexpr const char* kProduct = "index: pq beside it, whose codes they are";
constexpr const char* kHashes = "index: lsh beside it, whose hashes they are";
constexpr const char* kByUse = "cache: lru or lfu beside it, the others have a size of their own";
constexpr const char* kPeriodic = "cache: periodic beside it, the only one that is refreshed on its own";
constexpr const char* kMoving = "miss: recall or cache: periodic beside it, as else no block is copied";

constexpr Rule kRules[] = {
    {"key_rank", nullptr, "placement", [](const Knobs& k) { return k.placement == Placement::values; },
     "placement: values beside it, the only one with keys of low rank"},
    {"miss", nullptr, "placement", in_dram, kNotOnGpu},
    {"cache", nullptr, "placement", in_dram, kNotOnGpu},
    {"block_copies", nullptr, "placement", in_dram, kNotOnGpu},
    {"copies_per_block", nullptr, "placement", in_dram, kNotOnGpu},
    {"lookup", nullptr, "placement", in_dram, kNotOnGpu},
    {"pipeline", nullptr, "placement", in_dram, kNotOnGpu},
    {"query", [](const Knobs& k) { return k.query == Query::previous_token; }, "placement", in_dram, kNotOnGpu},
    {"miss", [](const Knobs& k) { return k.miss == Miss::cpu_attend; }, "placement",
     [](const Knobs& k) { return k.placement != Placement::values; },
     "placement: blocks beside it, as the CPU needs K and V"},
    {"index", [](const Knobs& k) { return k.index == Index::keys; }, "placement",
     [](const Knobs& k) { return k.placement == Placement::gpu || k.query == Query::shared; },
     "placement: gpu or query: shared beside it, as all keys of the layer that is scored must be in HBM"},
    {"index_tokens", nullptr, "index", [](const Knobs& k) { return !has_token_entries(k); },
     "another index beside it, as keys, pq and lsh have an entry for every token"},
    {"sub_spaces", nullptr, "index", [](const Knobs& k) { return k.index == Index::pq; }, kProduct},
    {"code_bits", nullptr, "index", [](const Knobs& k) { return k.index == Index::pq; }, kProduct},
    {"hash_bits", nullptr, "index", [](const Knobs& k) { return k.index == Index::lsh; }, kHashes},
    {"hash_tables", nullptr, "index", [](const Knobs& k) { return k.index == Index::lsh; }, kHashes},
    {"index", [](const Knobs& k) { return k.index == Index::pq; }, "placement", in_dram,
     "placement: blocks or values beside it, as its codes are in DRAM"},
    {"index", [](const Knobs& k) { return k.index == Index::pq; }, "query",
     [](const Knobs& k) { return k.query != Query::shared; },
     "another query beside it, as filter layers have keys to score"},
    {"index", [](const Knobs& k) { return k.index == Index::lsh; }, "miss",
     [](const Knobs& k) { return k.miss == Miss::cpu_attend; },
     "miss: cpu_attend beside it, as the CPU finds the tokens"},
    {"index", [](const Knobs& k) { return k.index == Index::lsh; }, "cache",
     [](const Knobs& k) { return k.cache == Cache::none; },
     "cache: none beside it, as the CPU attends all that it finds"},
    {"index", [](const Knobs& k) { return k.index == Index::lsh; }, "block_tokens",
     [](const Knobs& k) { return k.block_tokens == 1; }, "block_tokens: 1 beside it, as single tokens collide"},
    {"index", [](const Knobs& k) { return k.index == Index::lsh; }, "reselect_steps",
     [](const Knobs& k) { return k.reselect_steps == 1; }, "reselect_steps: 1 beside it, as each query has its hashes"},
    {"host_waits", [](const Knobs& k) { return k.host_waits > 0; }, "placement", in_dram, kNotOnGpu},
    {"host_waits", [](const Knobs& k) { return in_dram(k) && k.host_waits > 0; }, "miss",
     [](const Knobs& k) { return k.miss != Miss::drop; },
     "miss: recall or cpu_attend beside it, as else the host thread need not know"},
    {"host_waits", [](const Knobs& k) { return k.miss == Miss::recall && k.host_waits > 0; }, "block_copies",
     [](const Knobs& k) { return k.path != CopyPath::sm_zero_copy; },
     "other block_copies beside it, as a kernel that copies needs no host thread"},
    {"host_waits", [](const Knobs& k) { return k.host_waits > 0; }, "query",
     [](const Knobs& k) { return k.query != Query::previous_token; },
     "another query beside it, as another thread recalls between the steps"},
    {"filter_layers", nullptr, "query", [](const Knobs& k) { return k.query == Query::shared; }, kShared},
    {"wait_layers", nullptr, "query", [](const Knobs& k) { return k.query == Query::shared; }, kShared},
    {"query", [](const Knobs& k) { return k.query == Query::shared; }, "filter_layers",
     [](const Knobs& k) { return !k.filter_layers.empty(); }, "filter_layers beside it, whose query the others share"},
    {"query", [](const Knobs& k) { return k.query == Query::shared; }, "miss",
     [](const Knobs& k) { return !in_dram(k) || k.miss != Miss::cpu_attend; },
     "miss: recall or drop beside it, as the CPU would need the query of each layer"},
    {"query", [](const Knobs& k) { return k.query == Query::previous_token; }, "miss",
     [](const Knobs& k) { return k.miss == Miss::recall; }, "miss: recall beside it, as blocks come between the steps"},
    {"query", [](const Knobs& k) { return k.query == Query::previous_token; }, "cache",
     [](const Knobs& k) { return k.cache == Cache::last; },
     "cache: last beside it, the set that comes between the steps"},
    {"corrected_share", nullptr, "query", [](const Knobs& k) { return k.query == Query::previous_token; },
     "query: previous_token beside it, the only one that is corrected"},
    {"budget_share", [](const Knobs& k) { return k.budget_share > 0.0; }, "budget_tokens", nullptr,
     "the budget as tokens or as a share, not both"},
    {"cache_share", [](const Knobs& k) { return k.cache_share > 0.0; }, "cache_tokens", nullptr,
     "the cache's size as tokens or as a share, not both"},
    {"estimate_share", [](const Knobs& k) { return k.estimate_share > 0.0; }, "index",
     [](const Knobs& k) { return k.index == Index::centroids; },
     "index: centroids beside it, the only one with sums of V"},
    {"cpu_query", nullptr, "miss", [](const Knobs& k) { return k.miss == Miss::cpu_attend; },
     "miss: cpu_attend beside it, as else the CPU attends nothing"},
    {"gpu_attends", nullptr, "miss", [](const Knobs& k) { return k.miss != Miss::recall; },
     "miss: cpu_attend or drop beside it, as recalled blocks are all attended"},
    {"cpu_query", [](const Knobs& k) { return k.real_cpu_query; }, "query",
     [](const Knobs& k) { return k.query == Query::predicted; },
     "query: predicted beside it, as else the CPU has the real one anyway"},
    {"miss", [](const Knobs& k) { return in_dram(k) && k.miss != Miss::recall; }, "cache",
     [](const Knobs& k) { return k.cache != Cache::last && !keeps_by_use(k); },
     "cache: none, prefill or periodic beside it, as no missing block comes to the GPU to be kept"},
    {"miss", [](const Knobs& k) { return in_dram(k) && k.miss == Miss::drop; }, "cache",
     [](const Knobs& k) { return k.cache != Cache::none; },
     "cache: prefill or periodic beside it, as else every selected block is dropped"},
    {"block_copies", nullptr, "miss", moves_blocks, kMoving},
    {"copies_per_block", nullptr, "miss", moves_blocks, kMoving},
    {"cache_tokens", nullptr, "cache", keeps_by_use, kByUse},
    {"cache_share", nullptr, "cache", keeps_by_use, kByUse},
    {"lookup", nullptr, "cache", [](const Knobs& k) { return k.cache != Cache::none; },
     "a cache beside it, in which to look"},
    {"recall_interval", nullptr, "cache", [](const Knobs& k) { return k.cache == Cache::periodic; }, kPeriodic},
    {"cpu_ratio_limit", nullptr, "cache", [](const Knobs& k) { return k.cache == Cache::periodic; }, kPeriodic},
    {"cpu_ratio_limit", nullptr, "recall_interval", [](const Knobs& k) { return k.recall_interval == 0; },
     "recall_interval: 0 beside it, which is when the limit decides"},
    {"recall_copies", nullptr, "cache",
     [](const Knobs& k) { return k.cache == Cache::periodic || k.query == Query::previous_token; },
     "cache: periodic or query: previous_token beside it, as else there are no copies in the background"},
    {"pipeline", [](const Knobs& k) { return k.prefetch; }, "query",
     [](const Knobs& k) { return k.query == Query::predicted || k.query == Query::shared; },
     "query: predicted or shared beside it, as else what a layer misses is not known before it"},
    {"pipeline", [](const Knobs& k) { return k.codes_come_ahead; }, "index",
     [](const Knobs& k) { return k.index == Index::pq; }, "index: pq beside it, the only one with codes in DRAM"},
    {"pipeline", [](const Knobs& k) { return k.prefetch; }, "miss",
     [](const Knobs& k) { return k.miss == Miss::recall; }, "miss: recall beside it, as else nothing is fetched"},
};

std::string shown(const ParamValue& value) {
  if (const bool* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* list = std::get_if<LayerList>(&value)) return fmt::format("[{}]", fmt::join(*list, ", "));
  if (const auto* number = std::get_if<double>(&value)) return fmt::format("{}", *number);
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return fmt::format("{}", *integer);
  return std::get<std::string>(value);
}

}  // namespace

std::vector<ParamSpec> knob_params() {
  return {
      choice("placement", "blocks", {"gpu", "blocks", "values"},
             "home of the KV of sparse layers: HBM; DRAM; V in DRAM and K in HBM as factors of low rank"),
      count("block_tokens", 32, 1.0, "tokens of a block, the unit of selection and of copies"),
      layers("dense_layers", "layers that attend every token, with their KV in HBM"),
      count("kept_tokens", 0, 0.0, "sinks, recent window and outliers: in HBM, and attended beside the budget"),
      share("kept_share", 0.0, "a share of the context that is kept likewise, beside these"),
      count("key_rank", 160, 1.0, "rank of the factors of K"),
      choice("index", "min_max", {"min_max", "mean", "centroids", "keys", "pq", "lsh"},
             "what scoring reads: extremes of K in a block; their mean; centroids and sums of V of clusters; all of K; "
             "product codes of K, which come from DRAM; or hash tables in DRAM, in which the CPU finds what collides"),
      count("index_tokens", 0, 0.0, "tokens of an entry of the index; 0: a block's"),
      bounded("sub_spaces", 2, 64.0, "parts of a key that have a product code each"),
      bounded("code_bits", 6, 16.0, "bits of a product code"),
      bounded("hash_bits", 10, 16.0, "bits of a hash: its table has as many buckets as they have values"),
      bounded("hash_tables", 150, 255.0, "hash tables; a token is found that collides with the query in two of them"),
      choice("query", "own", {"own", "predicted", "previous_token", "shared"},
             "what scores: the layer's query; one predicted a layer ahead; the step before's; a filter layer's"),
      layers("filter_layers", "layers that attend every token and select for those up to the next"),
      count("wait_layers", 0, 0.0, "layers behind a filter layer that attend every token too"),
      count("budget_tokens", 2048, 1.0, "tokens attended per sequence and layer, in whole blocks"),
      share("budget_share", 0.0, "the same as a share of the context; 0: by tokens"),
      count("reselect_steps", 1, 1.0, "steps for which a selection is used"),
      choice("miss", "recall", {"recall", "cpu_attend", "drop"},
             "how selected blocks that are not in HBM are served: copied; attended by the CPU; left out"),
      share("estimate_share", 0.0, "of the index's entries, the next best, estimated from centroid and sum of V"),
      share("corrected_share", 0.0, "of the blocks that the previous token's query missed, copied before attention"),
      choice("cpu_query", "predicted", {"predicted", "real"}, "query of the CPU's attention"),
      choice("gpu_attends", "selected", {"selected", "resident"},
             "resident blocks the GPU attends: the selected ones or all"),
      choice("lookup", "gpu", {"gpu", "cpu"}, "who knows which blocks are resident"),
      count("host_waits", 0, 0.0,
            "blocking copies of a layer by which the host thread learns what to copy or hand to the CPU; 0: as few as "
            "it needs"),
      choice("block_copies", "calls", {"calls", "batched", "zero_copy", "gather"},
             "how blocks come: a call for each copy; one batched call; a kernel that reads host memory; gathered by "
             "the CPU into one copy"),
      count("copies_per_block", 1, 0.0, "contiguous pieces of a block in DRAM; 0: one for each KV head"),
      choice("cache", "last", {"none", "prefill", "last", "lru", "lfu", "periodic"},
             "blocks in HBM: none; those important after prefill; the last set; most recently or most often selected "
             "ones; a set that is recalled periodically in the background"),
      count("cache_tokens", 4096, 1.0, "size of an lru or lfu cache per sequence and layer, at least a budget"),
      share("cache_share", 0.0, "the same as a share of the context; 0: by tokens"),
      count("recall_interval", 0, 0.0, "steps between periodic recalls of every layer; 0: profiled per layer"),
      share("cpu_ratio_limit", 0.12, "a layer is recalled before the share of its budget that misses exceeds this"),
      choice("recall_copies", "paced", {"paced", "queued"},
             "background copies are issued a few at a time, or all at once, so that other copies queue behind them"),
      choice("pipeline", "none", {"none", "prefetch", "codes"},
             "what is copied while the layers before compute: nothing; missing blocks; product codes"),
  };
}

Knobs read_knobs(const Params& params) {
  return {.placement = chosen<Placement>(params, "placement"),
          .block_tokens = params.integer("block_tokens"),
          .dense_layers = params.layers("dense_layers"),
          .kept_tokens = params.integer("kept_tokens"),
          .kept_share = params.number("kept_share"),
          .key_rank = params.integer("key_rank"),
          .index = chosen<Index>(params, "index"),
          .index_tokens = params.integer("index_tokens"),
          .sub_spaces = params.integer("sub_spaces"),
          .code_bits = params.integer("code_bits"),
          .hash_bits = params.integer("hash_bits"),
          .hash_tables = params.integer("hash_tables"),
          .query = chosen<Query>(params, "query"),
          .filter_layers = params.layers("filter_layers"),
          .wait_layers = params.integer("wait_layers"),
          .budget_tokens = params.integer("budget_tokens"),
          .budget_share = params.number("budget_share"),
          .reselect_steps = params.integer("reselect_steps"),
          .miss = chosen<Miss>(params, "miss"),
          .estimate_share = params.number("estimate_share"),
          .corrected_share = params.number("corrected_share"),
          .real_cpu_query = params.text("cpu_query") == "real",
          .attends_resident = params.text("gpu_attends") == "resident",
          .cpu_finds_missing = params.text("lookup") == "cpu",
          .host_waits = params.integer("host_waits"),
          .path = block_path_named(params.text("block_copies")),
          .gathered = params.text("block_copies") == "gather",
          .copies_per_block = params.integer("copies_per_block"),
          .cache = chosen<Cache>(params, "cache"),
          .cache_tokens = params.integer("cache_tokens"),
          .cache_share = params.number("cache_share"),
          .recall_interval = params.integer("recall_interval"),
          .cpu_ratio_limit = params.number("cpu_ratio_limit"),
          .paced = params.text("recall_copies") == "paced",
          .prefetch = params.text("pipeline") == "prefetch",
          .codes_come_ahead = params.text("pipeline") == "codes"};
}

ParamSpec knob_param(std::string_view name, ParamValue fallback, const char* certainty) {
  for (ParamSpec& spec : knob_params()) {
    if (spec.name != name) continue;
    CHECK(spec.fallback.index() == fallback.index(), "knob {} has another type", name);
    spec.fallback = std::move(fallback);
    spec.certainty = certainty;
    return spec;
  }
  CHECK(false, "no knob '{}'", name);
  return {};
}

std::vector<ParamConflict> knob_conflicts(const Params& params, const std::set<std::string>& written) {
  const Knobs knobs = read_knobs(params);
  std::vector<ParamConflict> conflicts;
  for (const Rule& rule : kRules) {
    const bool concerned = rule.concerns == nullptr ? written.contains(rule.knob) : rule.concerns(knobs);
    const bool holds = rule.holds == nullptr ? !written.contains(rule.other) : rule.holds(knobs);
    if (!concerned || holds) continue;
    const ParamValue& other = params.values().find(rule.other)->second;
    conflicts.push_back({rule.knob, rule.expected, fmt::format("{}: {}", rule.other, shown(other))});
  }
  return conflicts;
}

}  // namespace outrider
