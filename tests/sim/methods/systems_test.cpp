// Footprints and traffic of the block-sparse systems, each from its formula worked out here.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/design_points.h"
#include "tests/support/graph_readings.h"

namespace outrider {
namespace {

using Tier = MemoryUse::Tier;

// Qwen3-14B's first 6 layers: Hk = 8 KV heads and Hq = 40 query heads of d = dv = 128, bf16, s = 2. Batch B = 2, S =
// 8192 cached tokens, 4 steps. KV bytes per token and layer: kv = 2·Hk·d·s.
constexpr double kLayers = 6.0, kB = 2.0, kS = 8192.0, kSteps = 4.0, kHk = 8.0, kHq = 40.0, kD = 128.0, kBytes = 2.0;
constexpr double kKv = 2.0 * kHk * kD * kBytes, kLast = kS + kSteps;

PointSpec spec_of(const char* method, std::map<std::string, ParamValue> set = {}) {
  return {.method = method, .set = std::move(set), .layers = 6, .context = 8192, .batch = 2, .steps = 4};
}

double row(const std::vector<MemoryUse>& plan, const std::string& what, Tier tier) {
  const auto found = std::find_if(plan.begin(), plan.end(), [&](const MemoryUse& use) { return use.what == what; });
  EXPECT_NE(found, plan.end()) << "no row '" << what << "'";
  if (found == plan.end()) return -1.0;
  EXPECT_EQ(found->tier, tier) << what;
  EXPECT_DOUBLE_EQ(found->fixed.value(), 0.0) << what;
  return found->per_sequence.value();
}

// All of a tier that grows with the batch: a row that the test did not expect shows here.
double all_of(const std::vector<MemoryUse>& plan, Tier tier) {
  double sum = 0.0;
  for (const MemoryUse& use : plan) sum += use.tier == tier ? use.per_sequence.value() : 0.0;
  return sum;
}

const StreamShape& stream(const TaskGraph& graph, Family family, int layer) {
  return std::get<StreamShape>(graph.op(op_at(graph, family, layer)).shape);
}
const AttentionShape& attention(const TaskGraph& graph, Family family, int layer) {
  return std::get<AttentionShape>(graph.op(op_at(graph, family, layer)).shape);
}

TEST(Systems, QuestKeepsAllAndADigestOfEachPageOfSparseLayers) {
  // Pages of 16: S/16 = 512 of 2·Hk·d·s bytes in the 4 layers behind the first two; 2048 of the tokens are read.
  DesignPoint point(spec_of("quest"));
  const auto plan = point.method().memory();
  EXPECT_DOUBLE_EQ(row(plan, "KV cache", Tier::hbm), kLayers * kKv * kLast);
  EXPECT_DOUBLE_EQ(row(plan, "block digests", Tier::hbm), 4.0 * 512.0 * 2.0 * kHk * kD * kBytes);
  EXPECT_DOUBLE_EQ(all_of(plan, Tier::hbm), kLayers * kKv * kLast + 4.0 * 512.0 * 2.0 * kHk * kD * kBytes);
  EXPECT_DOUBLE_EQ(all_of(plan, Tier::pinned) + all_of(plan, Tier::dram), 0.0);
  const TaskGraph graph = point.method().step(0);
  for (int layer = 0; layer < 6; ++layer) {
    EXPECT_DOUBLE_EQ(copied(graph, Direction::h2d, layer) + copied(graph, Direction::d2h, layer), 0.0);
    EXPECT_EQ(ops_of(graph, Family::attend_dense, layer).size(), layer < 2 ? 1u : 0u);
  }
  EXPECT_DOUBLE_EQ(stream(graph, Family::score_blocks, 2).read.value(), kB * 512.0 * 2.0 * kHk * kD * kBytes);
  EXPECT_DOUBLE_EQ(stream(graph, Family::score_blocks, 2).flops.value(), kB * 512.0 * 2.0 * 2.0 * kHq * kD);
  EXPECT_DOUBLE_EQ(stream(graph, Family::select_top_k, 2).write.value(), kB * 128.0 * 4.0);
  EXPECT_DOUBLE_EQ(attention(graph, Family::attend_sparse, 2).tokens, kB * 2048.0);
  EXPECT_TRUE(ops_of(graph, Family::residency_diff).empty());
}

TEST(Systems, ArkValeAttendsFortyPagesOrHalfItsCache) {
  // k = min(40·32, c/2): 1280 of a cache of 4096 tokens, 1024 of 2048, 32 of 64.
  for (const auto& [cache, tokens] : {std::pair{4096, 1280.0}, {2048, 1024.0}, {64, 32.0}}) {
    DesignPoint point(spec_of("arkvale", {{"cache_tokens", std::int64_t{cache}}}));
    const auto plan = point.method().memory();
    EXPECT_DOUBLE_EQ(row(plan, "resident blocks", Tier::hbm), 4.0 * kKv * static_cast<double>(cache));
    EXPECT_DOUBLE_EQ(row(plan, "block digests", Tier::hbm), 4.0 * 256.0 * 2.0 * kHk * kD * kBytes);
    EXPECT_DOUBLE_EQ(row(plan, "KV of dense layers", Tier::hbm), 2.0 * kKv * kLast);
    EXPECT_DOUBLE_EQ(row(plan, "KV cache", Tier::pinned), 4.0 * kKv * kLast);
    EXPECT_DOUBLE_EQ(attention(point.method().step(0), Family::attend_sparse, 3).tokens, kB * tokens);
  }
}

TEST(Systems, ArkValeCopiesAPageOfAHeadAtATime) {
  // 32·2·d·s = 16 KiB each, Hk for each page; of the pages that are missing from a cache that has seen little yet.
  DesignPoint point(spec_of("arkvale", {{"cache_tokens", std::int64_t{1024}}}));
  const TaskGraph graph = point.method().step(0);
  double pages = 0.0;
  for (const OpId op : ops_of(graph, Family::copy_h2d, 4)) {
    const auto& copy = std::get<CopyShape>(graph.op(op).shape);
    EXPECT_DOUBLE_EQ(copy.fragment.value(), 32.0 * 2.0 * kD * kBytes);
    pages += copy.fragments / kHk;
  }
  EXPECT_DOUBLE_EQ(pages, static_cast<double>(point.missing(4, 0, -1)));
  EXPECT_GT(pages, 0.0);
}

TEST(Systems, ALargerCacheRecallsLess) {
  // Selections of the same 512 tokens, from caches of 1, 2 and 4 times as many.
  double before = 1e18;
  for (const std::int64_t cache : {512, 1024, 2048}) {
    PointSpec spec = spec_of(
        "composed", {{"cache", std::string("lru")}, {"budget_tokens", std::int64_t{512}}, {"cache_tokens", cache}});
    spec.steps = 24;
    DesignPoint point(spec);
    double bytes = 0.0;
    for (const TaskGraph& graph : point.graphs()) bytes += copied(graph, Direction::h2d);
    EXPECT_LT(bytes, before) << cache;
    EXPECT_GT(bytes, 0.0) << cache;
    before = bytes;
  }
}

TEST(Systems, ShadowKvKeepsFactorsOfKAndALandmarkOfEachChunk) {
  // Rank r = 160: r·(S + Hk·d)·s per layer; chunks of 8: S/8 landmarks of Hk·d·s; V in DRAM: S·Hk·dv·s.
  // Kept: 48 chunks and 32 tokens, 416 in all. Cached: the last 2048 tokens.
  DesignPoint point(spec_of("shadowkv"));
  const auto plan = point.method().memory();
  const double factors = kLayers * 160.0 * (kLast + kHk * kD) * kBytes,
               landmarks = kLayers * 1024.0 * kHk * kD * kBytes;
  EXPECT_DOUBLE_EQ(row(plan, "low-rank keys", Tier::hbm), factors);
  EXPECT_DOUBLE_EQ(row(plan, "landmarks", Tier::hbm), landmarks);
  EXPECT_DOUBLE_EQ(row(plan, "V cache", Tier::pinned), kLayers * kLast * kHk * kD * kBytes);
  EXPECT_DOUBLE_EQ(row(plan, "resident blocks", Tier::hbm), kLayers * kKv * 2048.0);
  EXPECT_DOUBLE_EQ(row(plan, "kept tokens", Tier::hbm), kLayers * kKv * 416.0);
  EXPECT_DOUBLE_EQ(all_of(plan, Tier::hbm), factors + landmarks + kLayers * kKv * (2048.0 + 416.0));
  EXPECT_DOUBLE_EQ(all_of(plan, Tier::pinned) + all_of(plan, Tier::dram), kLayers * kLast * kHk * kD * kBytes);
}

TEST(Systems, ShadowKvReadsVAndRebuildsKOfWhatIsNew) {
  // M missing chunks of 8 tokens: V of 8·M·Hk·dv·s over the link, in pieces of one head; K as, for each sequence and KV
  // head, (8·M/B × r)·(r × d). Both can run at once, and the attention of 2048 + 416 tokens waits for both.
  DesignPoint point(spec_of("shadowkv"));
  const TaskGraph graph = point.method().step(0);
  for (int layer = 0; layer < 6; ++layer) {
    const auto missing = static_cast<double>(point.missing(layer, 0, -1));
    ASSERT_GT(missing, 0.0);
    const OpId read = op_at(graph, Family::zero_copy_h2d, layer), rebuilt = op_at(graph, Family::reconstruct_k, layer);
    const auto& copy = std::get<CopyShape>(graph.op(read).shape);
    EXPECT_DOUBLE_EQ(copy.fragments, missing * kHk);
    EXPECT_DOUBLE_EQ(copy.fragment.value(), 8.0 * kD * kBytes);
    const auto& product = std::get<GemmShape>(graph.op(rebuilt).shape);
    EXPECT_DOUBLE_EQ(product.rows * product.instances, 8.0 * missing * kHk);
    EXPECT_EQ(product.n, 128);
    EXPECT_EQ(product.k, 160);
    EXPECT_DOUBLE_EQ(product.instances, kB * kHk);
    const OpId attended = op_at(graph, Family::attend_sparse, layer);
    EXPECT_TRUE(waits_for(graph, attended, read) && waits_for(graph, attended, rebuilt));
    EXPECT_FALSE(waits_for(graph, std::max(read, rebuilt), std::min(read, rebuilt)));
    EXPECT_DOUBLE_EQ(attention(graph, Family::attend_sparse, layer).tokens, kB * (2048.0 + 416.0));
    EXPECT_DOUBLE_EQ(copied(graph, Direction::d2h, layer), kB * kHk * kD * kBytes) << "V of the new token";
  }
}

TEST(Systems, FreeKvAttendsWhatTheTokenBeforeChose) {
  // M pages of 32 tokens that the selections of steps t−1 and t differ in: a tenth of them before the
  // attention, the rest behind it, for the next step. A piece of 32·2·d·s for each head.
  DesignPoint point(spec_of("freekv"));
  std::int64_t step = 0;
  for (const TaskGraph& graph : point.graphs()) {
    for (int layer = 0; layer < 6; ++layer) {
      const auto missing = static_cast<double>(point.missing(layer, step, step - 1));
      const double corrected = 0.1 * missing;
      const OpId attended = op_at(graph, Family::attend_sparse, layer);
      double before = 0.0, behind = 0.0;
      for (const OpId op : ops_of(graph, Family::copy_h2d, layer)) {
        const auto& copy = std::get<CopyShape>(graph.op(op).shape);
        EXPECT_DOUBLE_EQ(copy.fragment.value(), 32.0 * 2.0 * kD * kBytes);
        (waits_for(graph, std::max(attended, op), std::min(attended, op)) && op < attended ? before : behind) +=
            copy.fragments / kHk;
      }
      EXPECT_DOUBLE_EQ(before, corrected);
      EXPECT_DOUBLE_EQ(behind, missing - corrected);
      EXPECT_DOUBLE_EQ(attention(graph, Family::attend_sparse, layer).tokens, kB * 2048.0);
    }
    EXPECT_EQ(graph.awaits().size(), 6u) << "each layer waits for what came in between";
    ++step;
  }
}

TEST(Systems, FreeKvWithoutCorrectionSelectsBehindItsAttention) {
  const TaskGraph graph = DesignPoint(spec_of("freekv", {{"corrected_share", 0.0}})).method().step(0);
  for (int layer = 0; layer < 6; ++layer) {
    EXPECT_LT(op_at(graph, Family::attend_sparse, layer), op_at(graph, Family::select_top_k, layer));
    EXPECT_TRUE(ops_of(graph, Family::compare_queries, layer).empty());
  }
}

TEST(Systems, OmniKvKeepsFiltersAndGathersForTheOthers) {
  // Filters 1 and 4 of 9 layers, each with one that waits behind it: 0, 1, 2, 4 and 5 are dense; 3, 6, 7 and 8 get
  // ⌊0.067·S⌋ = 548 tokens of kv each, in one copy, of which 3 layers' can be there at once.
  PointSpec spec = spec_of("omnikv", {{"filter_layers", LayerList{1, 4}}});
  spec.layers = 9;
  DesignPoint point(spec);
  const auto plan = point.method().memory();
  EXPECT_DOUBLE_EQ(row(plan, "KV of dense layers", Tier::hbm), 5.0 * kKv * kLast);
  EXPECT_DOUBLE_EQ(row(plan, "KV cache", Tier::dram), 4.0 * kKv * kLast);
  EXPECT_DOUBLE_EQ(row(plan, "fetched blocks", Tier::hbm), 3.0 * kKv * 548.0);
  const TaskGraph graph = point.method().step(0);
  for (const int layer : {3, 6, 7, 8}) {
    EXPECT_DOUBLE_EQ(copied(graph, Direction::h2d, layer), kB * 548.0 * kKv);
    EXPECT_DOUBLE_EQ(std::get<CopyShape>(graph.op(op_at(graph, Family::copy_h2d, layer)).shape).fragments, 1.0);
    EXPECT_DOUBLE_EQ(stream(graph, Family::cpu_gather, layer).read.value(), kB * 548.0 * kKv);
    EXPECT_DOUBLE_EQ(attention(graph, Family::attend_sparse, layer).tokens, kB * 548.0);
    EXPECT_TRUE(waits_for(graph, op_at(graph, Family::attend_sparse, layer), op_at(graph, Family::copy_h2d, layer)));
  }
  for (const int filter : {1, 4}) {
    EXPECT_DOUBLE_EQ(stream(graph, Family::score_blocks, filter).read.value(), kB * kS * kHk * kD * kBytes);
    EXPECT_DOUBLE_EQ(attention(graph, Family::attend_dense, filter).tokens, kB * kS);
    EXPECT_DOUBLE_EQ(copied(graph, Direction::d2h, filter), kB * 548.0 * 4.0) << "the list, and no KV";
  }
  for (const int layer : {0, 2, 5}) EXPECT_DOUBLE_EQ(copied(graph, Direction::h2d, layer), 0.0);
  EXPECT_LT(op_at(graph, Family::copy_h2d, 6), ops_of(graph, Family::norm_rope, 5).front()) << "while layer 5 waits";
}

TEST(Systems, FiltersBehindTheModelsEndAreNone) {
  // Filters 2, 8 and 18 of a model of 6 layers: 4 and 5 follow the first.
  DesignPoint point(spec_of("omnikv"));
  EXPECT_DOUBLE_EQ(row(point.method().memory(), "KV of dense layers", Tier::hbm), 4.0 * kKv * kLast);
}

TEST(Systems, RetroInferRetrievesAndEstimates) {
  // S/16 = 512 clusters with a centroid and a sum of V, Hk·(d + dv)·s each; ⌊0.018·S⌋ = 147 tokens are 18 pages of 8;
  // ⌊0.232·512⌋ = 118 clusters are estimated; 5 % of S, 409 tokens, are 51 pages of cache; 68 tokens are kept.
  DesignPoint point(spec_of("retroinfer"));
  const auto plan = point.method().memory();
  EXPECT_DOUBLE_EQ(row(plan, "centroids and sums of V", Tier::hbm), kLayers * 512.0 * kHk * (kD + kD) * kBytes);
  EXPECT_DOUBLE_EQ(row(plan, "resident blocks", Tier::hbm), kLayers * kKv * 51.0 * 8.0);
  EXPECT_DOUBLE_EQ(row(plan, "kept tokens", Tier::hbm), kLayers * kKv * 68.0);
  EXPECT_DOUBLE_EQ(row(plan, "KV cache", Tier::pinned), kLayers * kKv * kLast);
  const TaskGraph graph = point.method().step(0);
  for (int layer = 0; layer < 6; ++layer) {
    const auto missing = static_cast<double>(point.missing(layer, 0, -1));
    EXPECT_DOUBLE_EQ(stream(graph, Family::score_blocks, layer).read.value(), kB * 512.0 * kHk * kD * kBytes);
    EXPECT_DOUBLE_EQ(stream(graph, Family::select_top_k, layer).write.value(), kB * (9.0 + 118.0) * 4.0);
    EXPECT_DOUBLE_EQ(attention(graph, Family::attend_sparse, layer).tokens, kB * (18.0 * 8.0 + 68.0));
    EXPECT_DOUBLE_EQ(attention(graph, Family::estimate_attend, layer).tokens, kB * 118.0);
    EXPECT_DOUBLE_EQ(copied(graph, Direction::h2d, layer), missing * (8.0 * kKv + 4.0)) << "pages, and their list";
    EXPECT_DOUBLE_EQ(copied(graph, Direction::d2h, layer), kB * (18.0 * 4.0 + kKv))
        << "the selection, and the new token";
  }
}

}  // namespace
}  // namespace outrider
