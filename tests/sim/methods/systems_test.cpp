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

TEST(Systems, MagicPigKeepsTheTokensOfEachTableAndTheBoundsOfItsBuckets) {
  // L = 150 tables of 2ᵏ = 1024 buckets, in the 5 layers behind the dense one: for each KV head S·4·(L + 1), numbers of
  // tokens and the norm of a key, and L·2ᵏ·8. 4 sinks and a window of 64 are kept.
  DesignPoint point(spec_of("magicpig"));
  const auto plan = point.method().memory();
  const double tables = 5.0 * kHk * (kS * 4.0 * 151.0 + 150.0 * 1024.0 * 8.0);
  EXPECT_DOUBLE_EQ(row(plan, "hash tables", Tier::dram), tables);
  EXPECT_DOUBLE_EQ(row(plan, "KV cache", Tier::dram), 5.0 * kKv * kLast);
  EXPECT_DOUBLE_EQ(row(plan, "KV of dense layers", Tier::hbm), kKv * kLast);
  EXPECT_DOUBLE_EQ(row(plan, "kept tokens", Tier::hbm), 5.0 * kKv * 68.0);
  EXPECT_DOUBLE_EQ(all_of(plan, Tier::hbm), kKv * (kLast + 5.0 * 68.0));
  EXPECT_DOUBLE_EQ(all_of(plan, Tier::pinned) + all_of(plan, Tier::dram), tables + 5.0 * kKv * kLast);
}

TEST(Systems, MagicPigOpensABucketOfEachTableForEachQueryHead) {
  // B·Hq = 80 query heads: 80·150 buckets of 8192 ÷ 1024 = 8 tokens. ⌊0.02·S⌋ = 163 tokens of each are attended, which
  // no two of them share; 68 by the GPU, beside it.
  DesignPoint point(spec_of("magicpig"));
  const TaskGraph graph = point.method().step(0);
  EXPECT_EQ(ops_of(graph, Family::attend_dense, 0).size(), 1u);
  EXPECT_TRUE(ops_of(graph, Family::cpu_attend, 0).empty());
  for (int layer = 1; layer < 6; ++layer) {
    const OpId looked = op_at(graph, Family::cpu_hash_lookup, layer);
    const auto& look = std::get<StreamShape>(graph.op(looked).shape);
    EXPECT_DOUBLE_EQ(look.flops.value(), kB * kHq * 150.0 * 8.0);
    EXPECT_DOUBLE_EQ(look.read.value(), kB * kHq * 150.0 * (8.0 + 4.0 * 8.0));
    EXPECT_DOUBLE_EQ(look.write.value(), kB * kHq * kS);
    EXPECT_DOUBLE_EQ(look.items, kB * kHq);
    const AttentionShape& sampled = attention(graph, Family::cpu_attend, layer);
    EXPECT_DOUBLE_EQ(sampled.tokens, kB * 163.0);
    EXPECT_EQ(sampled.kv_heads, 40);
    EXPECT_EQ(sampled.q_heads, 40);
    const OpId attended = op_at(graph, Family::attend_sparse, layer);
    EXPECT_DOUBLE_EQ(attention(graph, Family::attend_sparse, layer).tokens, kB * 68.0);
    EXPECT_TRUE(waits_for(graph, op_at(graph, Family::cpu_attend, layer), looked));
    EXPECT_FALSE(waits_for(graph, attended, looked));
    EXPECT_DOUBLE_EQ(copied(graph, Direction::d2h, layer), kB * (kHq * (150.0 * 4.0 + kD * kBytes) + kKv))
        << "hashes, queries and the new token";
    EXPECT_DOUBLE_EQ(copied(graph, Direction::h2d, layer), kB * kHq * kD * kBytes);
    const OpId dispatched = op_at(graph, Family::dispatch_pool, layer);
    EXPECT_EQ(ops_of(graph, Family::synchronize, layer).size(), 2u);
    EXPECT_TRUE(waits_for(graph, looked, dispatched));
    EXPECT_TRUE(waits_for(graph, dispatched, ops_of(graph, Family::synchronize, layer).front()));
  }
}

TEST(Systems, MagicPigHashesAQueryByAProductForEachBit) {
  // (B·Hq × d) · (d × 10·150), whose signs are packed to 150 numbers of 4 bytes.
  const TaskGraph graph = DesignPoint(spec_of("magicpig")).method().step(0);
  bool hashed = false;
  for (const OpId op : ops_of(graph, Family::gemm, 2)) {
    const auto& shape = std::get<GemmShape>(graph.op(op).shape);
    if (shape.n != 1500) continue;
    hashed = true;
    EXPECT_DOUBLE_EQ(shape.rows, kB * kHq);
    EXPECT_EQ(shape.k, 128);
    const auto& packing = std::get<StreamShape>(graph.op(OpId(op.index() + 2)).shape);
    EXPECT_DOUBLE_EQ(packing.read.value(), kB * kHq * 1500.0 * kBytes);
    EXPECT_DOUBLE_EQ(packing.write.value(), kB * kHq * 150.0 * 4.0);
  }
  EXPECT_TRUE(hashed);
}

TEST(Systems, PqCacheKeepsCodesInDramAndCentroidsInHbm) {
  // m·b = 12 bits of a code for each token and KV head; 2ᵇ = 64 centroids as wide as a key. Two layers' codes are in
  // HBM at once. Kept: 32 and ⌊0.05·S⌋ = 409 tokens; cached: 4096.
  DesignPoint point(spec_of("pqcache"));
  const auto plan = point.method().memory();
  const double codes = kLayers * kHk * kS * 12.0 / 8.0, centroids = kLayers * 64.0 * kHk * kD * kBytes;
  EXPECT_DOUBLE_EQ(row(plan, "product codes", Tier::pinned), codes);
  EXPECT_DOUBLE_EQ(row(plan, "centroids", Tier::hbm), centroids);
  EXPECT_DOUBLE_EQ(row(plan, "fetched codes", Tier::hbm), codes * 2.0 / kLayers);
  EXPECT_DOUBLE_EQ(row(plan, "KV cache", Tier::dram), kLayers * kKv * kLast);
  EXPECT_DOUBLE_EQ(row(plan, "resident blocks", Tier::hbm), kLayers * kKv * 4096.0);
  EXPECT_DOUBLE_EQ(row(plan, "kept tokens", Tier::hbm), kLayers * kKv * 441.0);
  EXPECT_DOUBLE_EQ(all_of(plan, Tier::hbm), centroids + codes / 3.0 + kLayers * kKv * (4096.0 + 441.0));
}

TEST(Systems, PqCacheScoresCodesThatCameWithTheLayerBefore) {
  // The codes of a layer, B·Hk·S·12/8 bytes, set out before the layer ahead of it is scored. A table of 2·2ᵇ·d FLOPs
  // for each query head, then m for each token. ⌊0.05·S⌋ = 409 tokens; the M that are missing are gathered, and come in
  // one copy, after the host thread has waited six times.
  DesignPoint point(spec_of("pqcache"));
  const TaskGraph graph = point.method().step(0);
  const double codes = kB * kHk * kS * 1.5;
  for (int layer = 0; layer < 6; ++layer) {
    const auto missing = static_cast<double>(point.missing(layer, 0, -1));
    ASSERT_GT(missing, 0.0);
    const OpId came = ops_of(graph, Family::copy_h2d, layer).front(),
               scored = op_at(graph, Family::score_blocks, layer);
    EXPECT_TRUE(waits_for(graph, scored, came));
    if (layer > 0) {
      EXPECT_LT(came, op_at(graph, Family::score_blocks, layer - 1));
    }
    const StreamShape& scan = stream(graph, Family::score_blocks, layer);
    EXPECT_DOUBLE_EQ(scan.read.value(), codes + kB * 64.0 * kHk * kD * kBytes);
    EXPECT_DOUBLE_EQ(scan.flops.value(), kB * kHq * (2.0 * 64.0 * kD + 2.0 * kS));
    EXPECT_DOUBLE_EQ(stream(graph, Family::select_top_k, layer).write.value(), kB * 409.0 * 4.0);
    EXPECT_DOUBLE_EQ(copied(graph, Direction::h2d, layer), codes + missing * kKv);
    EXPECT_DOUBLE_EQ(copied(graph, Direction::d2h, layer), missing * 4.0 + kB * kKv);
    EXPECT_EQ(ops_of(graph, Family::synchronize, layer).size(), 6u);
    EXPECT_DOUBLE_EQ(stream(graph, Family::cpu_gather, layer).items, missing * kHk);
    EXPECT_DOUBLE_EQ(attention(graph, Family::attend_sparse, layer).tokens, kB * (409.0 + 441.0));
  }
}

TEST(Systems, CodesThatDoNotComeAheadComeWhenTheyAreAskedFor) {
  const TaskGraph graph = DesignPoint(spec_of("pqcache", {{"pipeline", std::string("none")}})).method().step(0);
  for (int layer = 1; layer < 6; ++layer) {
    EXPECT_GT(ops_of(graph, Family::copy_h2d, layer).front(), op_at(graph, Family::score_blocks, layer - 1));
    EXPECT_TRUE(
        waits_for(graph, op_at(graph, Family::score_blocks, layer), ops_of(graph, Family::copy_h2d, layer).front()));
  }
}

// Both indexes are made on the GPU from a pass over K, and leave it.
TEST(Systems, TablesAndCodesGoToDramWithThePrompt) {
  for (const auto& [method, bytes] :
       {std::pair{"magicpig", kHk * (kS * 4.0 * 151.0 + 150.0 * 1024.0 * 8.0)}, {"pqcache", kHk * kS * 12.0 / 8.0}}) {
    const TaskGraph graph = DesignPoint(spec_of(method)).method().prefill();
    EXPECT_DOUBLE_EQ(copied(graph, Direction::d2h, 3), bytes + kS * kKv) << method;
    EXPECT_GE(stream(graph, Family::build_digest, 3).write.value(), bytes) << method;
  }
}

}  // namespace
}  // namespace outrider
