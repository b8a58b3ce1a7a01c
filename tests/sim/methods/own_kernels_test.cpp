// CSAttention, retrieval completion and TurboAttention: footprints, traffic and chains, each from its formula.
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "tests/support/design_points.h"
#include "tests/support/graph_readings.h"

namespace outrider {
namespace {

using F = Family;
using Tier = MemoryUse::Tier;

// Qwen3-14B's first 6 layers: Hk = 8 KV heads and Hq = 40 query heads of d = dv = 128, bf16, s = 2. Batch B = 2, S =
// 8192 cached tokens, 4 steps. KV bytes per token and layer: kv = 2·Hk·d·s.
constexpr double kLayers = 6.0, kB = 2.0, kS = 8192.0, kSteps = 4.0, kHk = 8.0, kHq = 40.0, kD = 128.0, kBytes = 2.0;
constexpr double kKv = 2.0 * kHk * kD * kBytes, kLast = kS + kSteps;

PointSpec spec_of(const char* method, const char* preset = "", std::map<std::string, ParamValue> set = {}) {
  return {
      .method = method, .preset = preset, .set = std::move(set), .layers = 6, .context = 8192, .batch = 2, .steps = 4};
}

// Of a sequence; −1 where the plan has no such row in the tier.
double row(const std::vector<MemoryUse>& plan, const std::string& what, Tier tier) {
  const auto found = std::find_if(plan.begin(), plan.end(),
                                  [&](const MemoryUse& use) { return use.what == what && use.tier == tier; });
  return found == plan.end() ? -1.0 : found->per_sequence.value();
}

double all_of(const std::vector<MemoryUse>& plan, Tier tier) {
  double sum = 0.0;
  for (const MemoryUse& use : plan) sum += use.tier == tier ? use.per_sequence.value() : 0.0;
  return sum;
}

template <class Wanted>
const Wanted& shape_at(const TaskGraph& graph, F family, int layer) {
  return std::get<Wanted>(graph.op(op_at(graph, family, layer)).shape);
}

// m = 8 subspaces of C = 64 clusters, α = ρ = 0.05: lists of 409.6 entries of 6 bytes, K = ⌊409.6⌋ keys.
constexpr double kM = 8.0, kC = 64.0, kListed = 0.05 * kS, kChosen = 409.0;
constexpr double kTables = kLayers * kHk * kM * kC * kListed * 6.0, kCentroids = kLayers * kHk * kC * kD * kBytes;

TEST(CsAttention, TablesTakeWhatTheFormulaSays) {
  // L·H·m·C·αN·6, of the prompt's N: tables do not grow. H is Hk, or Hq where each query head has its own.
  const auto gpu = DesignPoint(spec_of("csattention")).method().memory();
  EXPECT_DOUBLE_EQ(row(gpu, "look-up tables", Tier::hbm), kTables);
  EXPECT_DOUBLE_EQ(row(gpu, "centroids", Tier::hbm), kCentroids);
  EXPECT_DOUBLE_EQ(all_of(gpu, Tier::hbm), kLayers * kKv * kLast + kTables + kCentroids);
  EXPECT_DOUBLE_EQ(all_of(gpu, Tier::pinned) + all_of(gpu, Tier::dram), 0.0);
  const auto by_query =
      DesignPoint(spec_of("csattention", "all_gpu", {{"tables_of", std::string("query_heads")}})).method().memory();
  EXPECT_DOUBLE_EQ(row(by_query, "look-up tables", Tier::hbm), kTables * kHq / kHk);
}

TEST(CsAttention, KvAndTablesMoveToDram) {
  // Two of six layers' K tokens are on their way or attended.
  const double fetched = 2.0 * kKv * kChosen;
  const auto kv = DesignPoint(spec_of("csattention", "cpu_gpu")).method().memory();
  EXPECT_DOUBLE_EQ(all_of(kv, Tier::pinned), kLayers * kKv * kLast);
  EXPECT_DOUBLE_EQ(all_of(kv, Tier::hbm), kTables + kCentroids + fetched);
  const auto both = DesignPoint(spec_of("csattention", "tables_in_dram")).method().memory();
  EXPECT_DOUBLE_EQ(all_of(both, Tier::pinned), kLayers * kKv * kLast + kTables);
  EXPECT_DOUBLE_EQ(all_of(both, Tier::hbm), kCentroids + fetched);
}

TEST(CsAttention, AStepLooksUpChoosesAttendsAndUpdates) {
  const TaskGraph graph = DesignPoint(spec_of("csattention")).method().step(0);
  for (int layer = 0; layer < 6; ++layer) {
    const auto& looked = shape_at<LookupShape>(graph, F::look_up_keys, layer);
    EXPECT_DOUBLE_EQ(looked.rows, kB * kHk);
    EXPECT_DOUBLE_EQ(looked.lists(), kHq / kHk * kM);
    EXPECT_DOUBLE_EQ(looked.read().value(), kB * kHq * kM * kListed * 6.0) << "m·αN for each query head";
    EXPECT_DOUBLE_EQ(looked.keys, kS);
    const auto& chosen = shape_at<StreamShape>(graph, F::select_top_k, layer);
    EXPECT_DOUBLE_EQ(chosen.items, kB * kHk);
    EXPECT_DOUBLE_EQ(chosen.read.value(), kB * kHk * kS * 4.0);
    EXPECT_DOUBLE_EQ(chosen.write.value(), kB * kHk * kChosen * 4.0);
    EXPECT_DOUBLE_EQ(shape_at<AttentionShape>(graph, F::attend_sparse, layer).tokens, kB * kChosen);
    EXPECT_DOUBLE_EQ(shape_at<StreamShape>(graph, F::update_lists, layer).write.value(), kB * kHk * kM * kC * 6.0);
    EXPECT_TRUE(waits_for(graph, op_at(graph, F::select_top_k, layer), op_at(graph, F::look_up_keys, layer)));
    EXPECT_TRUE(waits_for(graph, op_at(graph, F::attend_sparse, layer), op_at(graph, F::select_top_k, layer)));
    EXPECT_DOUBLE_EQ(copied(graph, Direction::h2d, layer) + copied(graph, Direction::d2h, layer), 0.0);
  }
}

TEST(CsAttention, OverTheLinkComeChosenTokensAndWhereTablesAreThereTheirLists) {
  const double kv = kB * kChosen * kKv, lists = kB * kHq * kM * kListed * 6.0, entries = kB * kHk * kM * kC * 6.0;
  const TaskGraph moved = DesignPoint(spec_of("csattention", "cpu_gpu")).method().step(0);
  EXPECT_DOUBLE_EQ(copied(moved, Direction::h2d, 3), kv);
  EXPECT_DOUBLE_EQ(copied(moved, Direction::d2h, 3), kB * kKv);
  DesignPoint point(spec_of("csattention", "tables_in_dram"));
  const TaskGraph tables = point.method().step(0);
  EXPECT_NEAR(copied(tables, Direction::h2d, 3), kv + lists, 1e-3);
  EXPECT_DOUBLE_EQ(copied(tables, Direction::d2h, 3), kB * kKv + entries);
  EXPECT_NEAR(point.method().facts().link_bytes_per_step, kLayers * (kv + lists + kB * kKv + entries), 1e-2);
}

TEST(CsAttention, BuildingIsSpreadOverTheUsesOfAContext) {
  // k-means of Hq·N queries in 10 rounds and scores of Hk·N keys: 2·C·d FLOPs each, and m·C·Hk lists chosen.
  const auto flops_and_lists = [](std::int64_t reuses) {
    const TaskGraph graph = DesignPoint(spec_of("csattention", "all_gpu", {{"reuses", reuses}})).method().prefill();
    double flops = 0.0;
    for (const OpId op : ops_of(graph, F::gemm, 2)) {
      const auto& product = std::get<GemmShape>(graph.op(op).shape);
      if (product.n == 64) flops += 2.0 * product.rows * static_cast<double>(product.n * product.k) * product.instances;
    }
    return std::pair(flops, shape_at<StreamShape>(graph, F::select_top_k, 2).items);
  };
  const double all = 2.0 * kC * kD * kS * (10.0 * kHq + kHk);
  EXPECT_DOUBLE_EQ(flops_and_lists(1).first, all);
  EXPECT_DOUBLE_EQ(flops_and_lists(1).second, kHk * kM * kC);
  EXPECT_NEAR(flops_and_lists(100).first, all / 100.0, all * 1e-12);
  EXPECT_DOUBLE_EQ(flops_and_lists(100).second, kHk * kM * kC / 100.0);
}

// r = d = 128 features; K = ⌊0.01·S⌋ = 81 tokens; 4 + 64 kept.
constexpr double kR = 128.0, kRetrieved = 81.0, kKept = 68.0;

TEST(RetrievalCompletion, SummariesTakeWhatTheFormulaSays) {
  // Hk·(r·d + r)·s of a layer and sequence, or 4 bytes each.
  const auto plan = DesignPoint(spec_of("retrieval_completion")).method().memory();
  const double state = kLayers * kHk * (kR * kD + kR) * kBytes;
  EXPECT_DOUBLE_EQ(row(plan, "summaries", Tier::hbm), state);
  EXPECT_DOUBLE_EQ(all_of(plan, Tier::hbm), state + kLayers * kKv * (kKept + kSteps) + 2.0 * kKv * kRetrieved);
  EXPECT_DOUBLE_EQ(all_of(plan, Tier::pinned), kLayers * kKv * kLast);
  PointSpec wide = spec_of("retrieval_completion", "oracle", {{"state", std::string("fp32")}});
  EXPECT_DOUBLE_EQ(row(DesignPoint(wide).method().memory(), "summaries", Tier::hbm), 2.0 * state);
}

TEST(RetrievalCompletion, TheLinkCarriesTheRetrievedTokensAndTheSelectorsReads) {
  // 2·B·Hk·K·d·s of a layer; of a scan B·Hk·(S − 68)·d·s more, of an index nothing: whole blocks of 16, ⌊81/16⌋ = 5.
  const auto moved = [](const char* preset) {
    return copied(DesignPoint(spec_of("retrieval_completion", preset)).method().step(0), Direction::h2d, 4);
  };
  const double retrieved = 2.0 * kB * kHk * kRetrieved * kD * kBytes;
  EXPECT_DOUBLE_EQ(moved("oracle"), retrieved);
  EXPECT_DOUBLE_EQ(moved("scan"), retrieved + kB * kHk * (kS - kKept) * kD * kBytes);
  EXPECT_DOUBLE_EQ(moved("index"), 2.0 * kB * kHk * 80.0 * kD * kBytes);
}

TEST(RetrievalCompletion, CompletesExactAttentionWithOneSummary) {
  const TaskGraph graph =
      std::move(DesignPoint(spec_of("retrieval_completion")).graphs().back());  // step 3: 3 new tokens
  for (int layer = 0; layer < 6; ++layer) {
    EXPECT_DOUBLE_EQ(shape_at<AttentionShape>(graph, F::attend_sparse, layer).tokens, kB * (kRetrieved + kKept + 3.0));
    const std::vector<OpId> mapped = ops_of(graph, F::map_features, layer);
    ASSERT_EQ(mapped.size(), 2u) << "queries, and retrieved keys";
    EXPECT_DOUBLE_EQ(std::get<StreamShape>(graph.op(mapped[0]).shape).items, kB * kHq);
    EXPECT_DOUBLE_EQ(std::get<StreamShape>(graph.op(mapped[1]).shape).items, kB * kHk * kRetrieved);
    const auto& completed = shape_at<StreamShape>(graph, F::complete, layer);
    EXPECT_DOUBLE_EQ(completed.read.value(), kB * kHk * ((kR * kD + kR) * kBytes + kRetrieved * (4.0 * kR + 2.0 * kD)));
    for (const OpId part : {op_at(graph, F::attend_sparse, layer), mapped[0], mapped[1]})
      EXPECT_TRUE(waits_for(graph, op_at(graph, F::complete, layer), part));
    EXPECT_TRUE(ops_of(graph, F::merge_lse, layer).empty()) << "one normalisation";
    EXPECT_TRUE(ops_of(graph, F::summarise, layer).empty()) << "made of the prompt";
  }
}

TEST(RetrievalCompletion, APromptsMiddleIsSummarised) {
  const TaskGraph graph = DesignPoint(spec_of("retrieval_completion")).method().prefill();
  EXPECT_DOUBLE_EQ(shape_at<StreamShape>(graph, F::map_features, 5).items, kHk * (kS - kKept));
  EXPECT_DOUBLE_EQ(shape_at<StreamShape>(graph, F::summarise, 5).write.value(), kHk * (kR * kD + kR) * kBytes);
}

TEST(Turbo, CodesTakeThreeBitsInTheMeanAndTheirScales) {
  // A scale and zero point, 4 bytes, for 64 channels: half a bit each. Half of the heads 4.5, half 2.5 bits: 3.5 in the
  // mean. The buffer: 64 tokens of 8.5 bits.
  const auto plan = DesignPoint(spec_of("turbo")).method().memory();
  const double numbers = kLayers * 2.0 * kHk * kD;
  EXPECT_DOUBLE_EQ(row(plan, "KV codes", Tier::hbm), numbers * kLast * 3.5 / 8.0);
  EXPECT_DOUBLE_EQ(row(plan, "buffer of new tokens", Tier::hbm), numbers * 64.0 * 8.5 / 8.0);
  EXPECT_GT(kLayers * kKv * kLast / all_of(plan, Tier::hbm), 4.4);
  EXPECT_LT(kLayers * kKv * kLast / all_of(plan, Tier::hbm), 16.0 / 3.5);
}

TEST(Turbo, EachWidthIsReadOnceWithTheBufferInEightBits) {
  // 8192 + 40 tokens, of which 40 are in the buffer: 8 − b bits more than the others.
  PointSpec spec = spec_of("turbo");
  spec.context = 8232;
  const TaskGraph graph = DesignPoint(spec).method().step(0);
  double bytes = 0.0;
  const std::vector<OpId> attended = ops_of(graph, F::attend_quantised, 2);
  ASSERT_EQ(attended.size(), 2u);
  for (const OpId op : attended) {
    const auto& shape = std::get<AttentionShape>(graph.op(op).shape);
    EXPECT_EQ(shape.kv_heads, 4);
    EXPECT_EQ(shape.q_heads, 20);
    bytes += shape.kv_bytes().value();
  }
  EXPECT_NEAR(bytes, kB * kHk * 2.0 * kD * (8192.0 * 3.5 + 40.0 * 8.5) / 8.0, 1e-3);
  EXPECT_EQ(ops_of(DesignPoint(spec_of("turbo", "int4")).method().step(0), F::attend_quantised, 2).size(), 1u);
}

TEST(Turbo, ABufferIsCodedWhenItIsFull) {
  // The tokens 8253 to 8256 come: the last of them fills the buffer. Each is brought to 8 bits on its own.
  PointSpec spec = spec_of("turbo");
  spec.context = 8252;
  std::vector<std::size_t> coded;
  for (const TaskGraph& graph : DesignPoint(spec).graphs()) {
    const std::vector<OpId> ops = ops_of(graph, F::quantise_kv, 1);
    coded.push_back(ops.size());
    EXPECT_DOUBLE_EQ(std::get<StreamShape>(graph.op(ops.front()).shape).write.value(), kB * kHk * 2.0 * kD * 8.5 / 8.0);
    if (ops.size() < 2) continue;
    const auto& flushed = std::get<StreamShape>(graph.op(ops.back()).shape);
    EXPECT_DOUBLE_EQ(flushed.read.value(), kB * 64.0 * kHk * 2.0 * kD * 8.5 / 8.0);
    EXPECT_DOUBLE_EQ(flushed.write.value(), kB * 64.0 * kHk * 2.0 * kD * 3.5 / 8.0);
  }
  EXPECT_EQ(coded, (std::vector<std::size_t>{1, 1, 1, 2}));
}

TEST(Turbo, APromptIsMultipliedInInt8) {
  const TaskGraph graph = DesignPoint(spec_of("turbo")).method().prefill();
  EXPECT_EQ(shape_at<AttentionShape>(graph, F::prefill_attend, 0).products, DataType::int8);
  EXPECT_EQ(shape_at<AttentionShape>(DesignPoint(spec_of("full_kv")).method().prefill(), F::prefill_attend, 0).products,
            DataType::bf16);
}

// Throughput comes of the batch: at the same batch a step is little shorter where weights are most of it.
TEST(Turbo, NothingButKvIsSmaller) {
  const auto fixed = [](const char* method) {
    double sum = 0.0;
    for (const MemoryUse& use : DesignPoint(spec_of(method)).method().memory()) sum += use.fixed.value();
    return sum;
  };
  EXPECT_DOUBLE_EQ(fixed("turbo"), fixed("full_kv"));
}

}  // namespace
}  // namespace outrider
