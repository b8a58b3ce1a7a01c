// CSAttention: queries look keys up in tables that were made of the prompt's queries. In every layer:
//   1. for each subspace of a query, the nearest of C centroids → its list of the keys that such queries attend to,
//   with
//      partial scores    2. these added up by key → the best ρN of N keys
//   3. their K and V, read from host memory by a kernel where they are in DRAM    4. exact attention over these
//   5. the new token's key into all m·C lists, in place of their last entries: tables keep their size
// Before that, once for a context that is used again and again: k-means of the prompt's queries in each subspace, and
// of all keys, scored by every centroid, the best αN as its list. One use's share of this is charged to prefill.
// Otherwise than there: which keys are chosen is not simulated, so none is kept on the GPU from step to step.
#include "sim/methods/sparse_method.h"
#include "sim/methods/systems.h"

namespace outrider {
namespace {

BlockPlan token_plan(const MethodPoint& point) {
  const double chosen = point.params->number("budget_share") * static_cast<double>(point.context);
  return {.block_tokens = 1,
          .budget_tokens = static_cast<std::int64_t>(chosen),
          .path = CopyPath::sm_zero_copy,
          .copies_per_block = 0};
}

class CsAttention final : public SparseMethod {
 public:
  explicit CsAttention(const MethodPoint& point) : SparseMethod(point, token_plan(point)) {}

  SelectionNeed selection_need() const override { return {}; }

  TaskGraph decode_step(std::int64_t step) override {
    emit_.begin(batch());
    OpId x = emit_.open_step();
    for (int layer = 0; layer < layers(); ++layer) {
      const OpId q = emit_.project(layer, emit_.normalise(layer, x));
      const bool sparse = emit_.offloads(layer);
      x = emit_.finish(layer, sparse ? attend(layer, q) : emit_.attend_resident(layer, point_.context + step, q));
      if (sparse && offloads()) write_back(layer, q);
    }
    note_step();
    return emit_.close_step(x, batch());
  }

 private:
  bool offloads() const override { return params().text("kv") == "dram"; }
  bool tables_on_gpu() const { return params().text("tables") == "gpu"; }
  const AttentionSpec& attention(int layer) const { return model().layers[static_cast<std::size_t>(layer)].attention; }
  // Heads of a sequence with tables of their own.
  std::int64_t tables_of(int layer) const {
    return params().text("tables_of") == "kv_heads" ? attention(layer).kv_heads : attention(layer).q_heads;
  }
  LookupShape tables(int layer, double sequences) const {
    return {.rows = sequences * static_cast<double>(tables_of(layer)),
            .queries = attention(layer).q_heads / tables_of(layer),
            .subspaces = params().integer("subspaces"),
            .clusters = params().integer("clusters"),
            .length = params().number("list_share") * context_at(0),
            .keys = context_at(0)};
  }
  // C centroids in every subspace, together as wide as a head.
  Bytes centroids(int layer, double sequences) const {
    const LookupShape of = tables(layer, sequences);
    return of.rows * static_cast<double>(of.clusters * attention(layer).head_dim) * bytes_of(DataType::bf16);
  }

  OpId attend(int layer, OpId q) {
    const LookupShape lists = tables(layer, batch());
    const OpId there = tables_on_gpu() ? q : fetch_lists(layer, lists, q);
    const OpId scored = emit_.kernel(Family::look_up_keys, lists, layer, {there});
    const Scan keys{.entries = lists.keys, .chosen = budget_tokens(), .read = {}, .rows = lists.rows / batch()};
    const OpId chosen = choose(layer, keys, scored);
    const OpId fetched = offloads() ? fetch_blocks(layer, batch() * budget_tokens(), chosen) : chosen;
    const OpId attended = attend_tokens(layer, batch() * budget_tokens(), budget_tokens(), {q, fetched});
    update_lists(layer, lists, q);
    return attended;
  }

  // Only the centroids are on the GPU: a kernel finds the nearest ones, another reads their lists from host memory.
  OpId fetch_lists(int layer, const LookupShape& lists, OpId q) {
    const CopyShape entries{.direction = Direction::h2d,
                            .path = CopyPath::sm_zero_copy,
                            .fragments = lists.rows * lists.lists(),
                            .fragment = Bytes(LookupShape::kEntryBytes * lists.length)};
    note_link(entries);
    const double compared = batch() * head_queries(layer) * static_cast<double>(lists.clusters);
    const StreamShape nearest{.read = centroids(layer, batch()),
                              .write = Bytes(LookupShape::kScoreBytes * entries.fragments),
                              .flops = Flops(2.0 * compared),
                              .items = entries.fragments};
    return emit_.gather_by_kernel(entries, layer, {emit_.kernel(Family::score_blocks, nearest, layer, {q})});
  }

  // The new key against every centroid; an entry of each list is compared, and written.
  void update_lists(int layer, const LookupShape& lists, OpId q) {
    const double each = lists.rows * static_cast<double>(lists.subspaces * lists.clusters);
    const Bytes entries(LookupShape::kEntryBytes * each), against = centroids(layer, batch());
    const StreamShape update{.read = against + entries,
                             .write = entries,
                             .flops = Flops(against.value()),  // two for each of its bf16
                             .items = each};
    const OpId updated = emit_.kernel(Family::update_lists, update, layer, {q});
    if (tables_on_gpu()) return;
    note_link(one_copy(Direction::d2h, entries));
    emit_.copy(Family::copy_d2h, one_copy(Direction::d2h, entries), layer, {updated});
  }

  // k-means over the queries, then all keys by all centroids, and the best of them: this use's share.
  void index_prefilled(int layer, OpId after) override {
    if (!emit_.offloads(layer)) return;
    const LookupShape built = tables(layer, 1.0 / static_cast<double>(params().integer("reuses")));
    const double share = built.rows / static_cast<double>(tables_of(layer)), keys = share * built.keys;
    const double queries = keys * static_cast<double>(built.queries) * params().number("kmeans_rounds");
    for (const double rows : {queries, keys}) {
      const GemmShape product{.rows = rows,
                              .n = built.clusters,
                              .k = attention(layer).head_dim / built.subspaces,
                              .instances = static_cast<double>(tables_of(layer) * built.subspaces),
                              .type = DataType::bf16};
      after = emit_.kernel(Family::gemm, product, layer, {after});
    }
    const double lists = built.rows * static_cast<double>(built.subspaces * built.clusters);
    const StreamShape best{.read = Bytes(LookupShape::kScoreBytes * lists * built.keys),
                           .write = built.tables(),
                           .flops = Flops(0.0),
                           .items = lists};
    emit_.kernel(Family::select_top_k, best, layer, {after});
  }

  std::vector<MemoryUse> cache_memory() const override {
    using Tier = MemoryUse::Tier;
    Bytes of_centroids, of_tables;
    for (const int layer : emit_.offloaded_layers()) {
      of_centroids += centroids(layer, 1.0);
      of_tables += tables(layer, 1.0).tables();
    }
    const Bytes kv = offloads() ? kv_of_offloaded_layers() : kv_of_all_layers();
    std::vector<MemoryUse> uses = {
        {"KV cache", offloads() ? Tier::pinned : Tier::hbm, Bytes(0.0), kv},
        {"look-up tables", tables_on_gpu() ? Tier::hbm : Tier::pinned, Bytes(0.0), of_tables},
        {"centroids", Tier::hbm, Bytes(0.0), of_centroids}};
    if (offloads()) uses.push_back({"fetched tokens", Tier::hbm, Bytes(0.0), kv_of_fetches()});
    return uses;
  }
};

ParamSpec home(const char* name, const char* meaning) {
  return {name, std::string("gpu"), meaning, "P", {}, {}, {"gpu", "dram"}};
}

}  // namespace

MethodEntry csattention() {
  return {{.name = "csattention",
           .summary = "keys are looked up in tables made of the prompt's queries; exact attention over the best",
           .source = "CSAttention, arXiv 2604.08584",
           .params = with_common(
               {home("kv", "home of the KV"),
                home("tables", "home of the look-up tables"),
                {"subspaces", std::int64_t{8}, "m, parts of a head's channels", "R", 1.0, 64.0, {}},
                {"clusters", std::int64_t{64}, "C, centroids of queries in a subspace", "R", 1.0, 4096.0, {}},
                {"list_share", 0.05, "α, keys in a list, as a share of the prompt's", "R", 0.0, 1.0, {}},
                {"budget_share", 0.05, "ρ, keys attended, as a share of the prompt's", "P", 0.0, 1.0, {}},
                {"tables_of",
                 std::string("kv_heads"),
                 "heads with tables of their own",
                 "I",
                 {},
                 {},
                 {"kv_heads", "query_heads"}},
                {"kmeans_rounds", 10.0, "rounds of k-means", "I", 1.0, 1000.0, {}},
                {"reuses",
                 std::int64_t{1},
                 "uses of a context that share what building its tables takes",
                 "I",
                 1.0,
                 1e6,
                 {}}},
               "graph"),
           .presets = {{"all_gpu", "KV and tables in HBM", {}},
                       {"cpu_gpu", "KV in DRAM, tables in HBM", {{"kv", std::string("dram")}}},
                       {"tables_in_dram",
                        "KV and tables in DRAM",
                        {{"kv", std::string("dram")}, {"tables", std::string("dram")}}}}},
          [](const MethodPoint& point) -> std::unique_ptr<Method> { return std::make_unique<CsAttention>(point); }};
}

}  // namespace outrider
