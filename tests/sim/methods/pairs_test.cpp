// Systems that deal requests or tokens out to GPU, CPU and link: who attends what, the bytes between them, the memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/design_points.h"
#include "tests/support/graph_readings.h"

namespace outrider {
namespace {

using F = Family;
using Tier = MemoryUse::Tier;
using testing::ElementsAre;

// Qwen3-14B's first 6 layers: h = 5120, Hk = 8 KV heads and Hq = 40 query heads of d = 128, bf16, s = 2. S = 8192
// cached tokens before step 0, 4 steps. KV bytes per token and layer kv = 2·Hk·d·s; a query, and an output, Hq·d·s.
constexpr double kLayers = 6.0, kS = 8192.0, kLast = kS + 4.0, kHidden = 5120.0, kKv = 4096.0, kRow = 10'240.0;

PointSpec spec_of(const char* method, std::int64_t batch, std::map<std::string, ParamValue> set = {}) {
  return {.method = method, .set = std::move(set), .layers = 6, .context = 8192, .batch = batch, .steps = 4};
}

const AttentionShape& attention(const TaskGraph& graph, OpId op) {
  return std::get<AttentionShape>(graph.op(op).shape);
}

std::vector<std::int64_t> sequences_of(const TaskGraph& graph, F family, int layer) {
  std::vector<std::int64_t> sequences;
  for (const OpId op : ops_of(graph, family, layer)) {
    EXPECT_DOUBLE_EQ(attention(graph, op).tokens, static_cast<double>(attention(graph, op).sequences) * kS);
    EXPECT_DOUBLE_EQ(attention(graph, op).longest, kS);
    sequences.push_back(attention(graph, op).sequences);
  }
  return sequences;
}

// Rows of the sub-batches' QKV products, in the order of the stream; N = (40 + 2·8)·128.
std::vector<double> rows_of(const TaskGraph& graph, int layer) {
  std::vector<double> rows;
  for (const OpId op : ops_of(graph, F::gemm, layer)) {
    const auto& shape = std::get<GemmShape>(graph.op(op).shape);
    if (shape.n == 56 * 128) rows.push_back(shape.rows);
  }
  return rows;
}

double row(const std::vector<MemoryUse>& plan, const std::string& what, Tier tier) {
  const auto found = std::find_if(plan.begin(), plan.end(), [&](const MemoryUse& use) { return use.what == what; });
  EXPECT_NE(found, plan.end()) << "no row '" << what << "'";
  if (found == plan.end()) return -1.0;
  EXPECT_EQ(found->tier, tier) << what;
  return found->per_sequence.value();
}

// Of 8 requests, x·8 rounded up are on the CPU; of those a share, rounded down, is in the first sub-batch.
TEST(Pairs, NeoPutsTheGpusRequestsFirst) {
  struct Case {
    double share, first;
    std::vector<double> rows;
    std::vector<std::int64_t> on_gpu, on_cpu;
  };
  const Case cases[] = {{0.1, 0.5, {7.0, 1.0}, {7}, {1}},
                        {0.5, 0.2, {4.0, 4.0}, {4}, {4}},
                        {0.75, 0.4, {4.0, 4.0}, {2}, {2, 4}},
                        {0.87, 0.3, {3.0, 5.0}, {1}, {2, 5}},
                        {1.0, 0.0, {8.0}, {}, {8}}};
  for (const Case& each : cases) {
    DesignPoint point(spec_of("neo", 8, {{"cpu_share", each.share}, {"first_share", each.first}}));
    const TaskGraph graph = point.method().step(0);
    for (int layer = 0; layer < 6; ++layer) {
      EXPECT_EQ(rows_of(graph, layer), each.rows) << each.share;
      EXPECT_EQ(sequences_of(graph, F::attend_dense, layer), each.on_gpu) << each.share;
      EXPECT_EQ(sequences_of(graph, F::cpu_attend, layer), each.on_cpu) << each.share;
    }
  }
}

// d2h: Q, K and V of the requests on the CPU, h2d: their outputs. Nothing of those on the GPU.
TEST(Pairs, NeoSendsQAndTheNewKvAndBringsBackOutputs) {
  DesignPoint point(spec_of("neo", 8, {{"cpu_share", 0.75}, {"first_share", 0.4}}));
  for (const TaskGraph& graph : point.graphs()) {
    for (int layer = 0; layer < 6; ++layer) {
      EXPECT_DOUBLE_EQ(copied(graph, Direction::d2h, layer), 6.0 * (kRow + kKv));
      EXPECT_DOUBLE_EQ(copied(graph, Direction::h2d, layer), 6.0 * kRow);
    }
  }
  EXPECT_DOUBLE_EQ(point.method().facts().cpu_ratio, 0.75);
}

TEST(Pairs, NeoWithoutRequestsOnTheCpuIsFullKv) {
  DesignPoint neo(spec_of("neo", 8)), full(spec_of("full_kv", 8));
  const auto ours = neo.graphs(), theirs = full.graphs();
  for (std::size_t step = 0; step < ours.size(); ++step) {
    ASSERT_EQ(ours[step].size(), theirs[step].size());
    for (std::size_t i = 0; i < ours[step].size(); ++i)
      EXPECT_EQ(ours[step].ops()[i].family, theirs[step].ops()[i].family);
  }
  EXPECT_DOUBLE_EQ(row(neo.method().memory(), "KV cache", Tier::hbm), kLayers * kKv * kLast);
}

TEST(Pairs, NeoDealsItsMemoryOutAsItsRequests) {
  const auto plan = DesignPoint(spec_of("neo", 8, {{"cpu_share", 0.25}})).method().memory();
  EXPECT_DOUBLE_EQ(row(plan, "KV of requests on the GPU", Tier::hbm), 0.75 * kLayers * kKv * kLast);
  EXPECT_DOUBLE_EQ(row(plan, "KV of requests on the CPU", Tier::dram), 0.25 * kLayers * kKv * kLast);
  // Whatever the batch, what its requests on the CPU need is there.
  for (std::int64_t batch = 1; batch <= 9; ++batch) {
    DesignPoint point(spec_of("neo", batch, {{"cpu_share", 0.25}}));
    const TaskGraph graph = point.method().step(0);
    double on_cpu = 0.0;
    for (const OpId op : ops_of(graph, F::cpu_attend, 0)) on_cpu += static_cast<double>(attention(graph, op).sequences);
    double planned = 0.0;
    for (const MemoryUse& use : point.method().memory()) {
      if (use.what == "KV of requests on the CPU")
        planned = (use.fixed + static_cast<double>(batch) * use.per_sequence).value();
    }
    EXPECT_GE(planned, on_cpu * kLayers * kKv * kLast) << batch;
    EXPECT_LE(static_cast<double>(batch) - on_cpu, 0.75 * static_cast<double>(batch)) << batch;
  }
}

// The first sub-batch's next layer waits for its own attention, and for nothing of the second one's; on their stream
// they take turns, so that one computes while the CPU attends the other.
TEST(Pairs, ASubBatchWaitsForItsOwnAttentionOnly) {
  for (const char* method : {"neo", "fastdecode"}) {
    std::map<std::string, ParamValue> set;
    if (std::string(method) == "neo") set = {{"cpu_share", 0.75}, {"first_share", 0.4}};
    DesignPoint point(spec_of(method, 8, set));
    const TaskGraph graph = point.method().step(0);
    for (int layer = 1; layer < 6; ++layer) {
      const auto before = ops_of(graph, F::cpu_attend, layer - 1), here = ops_of(graph, F::cpu_attend, layer);
      ASSERT_EQ(here.size(), 2u);
      for (std::size_t i = 0; i < 2; ++i) {
        EXPECT_TRUE(waits_for(graph, here[i], before[i])) << method;
        EXPECT_FALSE(waits_for(graph, here[i], before[1 - i])) << method;
        EXPECT_TRUE(waits_for(graph, graph.last(), here[i])) << method;
      }
    }
  }
}

TEST(Pairs, TheGpuComputesOneSubBatchWhileTheCpuAttendsTheOther) {
  DesignPoint point(spec_of("fastdecode", 16));
  std::vector<TaskGraph> graphs;
  graphs.push_back(point.method().step(0));
  const Trace trace = simulated(point, graphs);
  for (int layer = 1; layer < 6; ++layer) {
    const auto attends = ops_of(graphs[0], F::cpu_attend, layer);
    // The second one's QKV of this layer, beside the first one's attention.
    std::vector<OpId> projections;
    for (const OpId op : ops_of(graphs[0], F::gemm, layer)) {
      if (std::get<GemmShape>(graphs[0].op(op).shape).n == 56 * 128) projections.push_back(op);
    }
    ASSERT_EQ(projections.size(), 2u);
    const Span &cpu = span_of(trace, 0, attends[0]), &gpu = span_of(trace, 0, projections[1]);
    EXPECT_LT(gpu.start, cpu.end) << layer;
    EXPECT_LT(cpu.start, gpu.end) << layer;
  }
}

// All on the CPU, in halves; of an odd batch the second one is larger, of one request there is one.
TEST(Pairs, FastDecodeHalvesItsBatch) {
  const std::pair<std::int64_t, std::vector<std::int64_t>> cases[] = {{1, {1}}, {2, {1, 1}}, {5, {2, 3}}, {8, {4, 4}}};
  for (const auto& [batch, halves] : cases) {
    DesignPoint point(spec_of("fastdecode", batch));
    const TaskGraph graph = point.method().step(0);
    EXPECT_EQ(sequences_of(graph, F::cpu_attend, 3), halves);
    EXPECT_TRUE(ops_of(graph, F::attend_dense).empty());
    EXPECT_DOUBLE_EQ(copied(graph, Direction::d2h, 3), static_cast<double>(batch) * (kRow + kKv));
    EXPECT_DOUBLE_EQ(copied(graph, Direction::h2d, 3), static_cast<double>(batch) * kRow);
    EXPECT_DOUBLE_EQ(row(point.method().memory(), "KV cache", Tier::dram), kLayers * kKv * kLast);
  }
}

// Of x of the tokens h·s bytes come, of the others kv; K and V of the former are a product of x·B·S rows.
TEST(Pairs, KvprCopiesInputsOfWhatItComputesAgain) {
  for (const double share : {0.25, 0.5, 1.0}) {
    DesignPoint point(spec_of("kvpr", 2, {{"recomputed_share", share}}));
    const double mixed = share * kHidden * 2.0 + (1.0 - share) * kKv;
    double step = 0.0;
    for (const TaskGraph& graph : point.graphs()) {
      for (int layer = 0; layer < 6; ++layer) {
        EXPECT_DOUBLE_EQ(copied(graph, Direction::h2d, layer), 2.0 * (kS + step) * mixed);
        EXPECT_DOUBLE_EQ(copied(graph, Direction::d2h, layer), 2.0 * mixed);
        const OpId computed = ops_of(graph, F::gemm, layer)[1];
        const auto& product = std::get<GemmShape>(graph.op(computed).shape);
        EXPECT_DOUBLE_EQ(product.rows, share * 2.0 * (kS + step));
        EXPECT_EQ(product.n, 2 * 8 * 128);
        EXPECT_EQ(product.k, 5120);
        const auto loads = ops_of(graph, F::copy_h2d, layer);
        ASSERT_EQ(loads.size(), share < 1.0 ? 2u : 1u);
        EXPECT_TRUE(waits_for(graph, computed, loads.front()));
        if (loads.size() > 1) { EXPECT_FALSE(waits_for(graph, computed, loads.back())) << "beside the rest's copy"; }
        EXPECT_TRUE(waits_for(graph, op_at(graph, F::attend_dense, layer), loads.back()));
        EXPECT_TRUE(waits_for(graph, op_at(graph, F::attend_dense, layer), computed));
      }
      step += 1.0;
    }
    const auto plan = point.method().memory();
    EXPECT_DOUBLE_EQ(row(plan, "KV cache", Tier::pinned), (1.0 - share) * kLayers * kKv * kLast);
    EXPECT_DOUBLE_EQ(row(plan, "layers' inputs", Tier::pinned), share * kLayers * kHidden * 2.0 * kLast);
    EXPECT_DOUBLE_EQ(row(plan, "double buffer of inputs", Tier::hbm), 2.0 * share * kHidden * 2.0 * kLast);
    EXPECT_DOUBLE_EQ(row(plan, "KV double buffer", Tier::hbm), 2.0 * kKv * kLast);
  }
}

// A fifth of 8192 tokens, 1638, of which 819 recent. Scores: K of the kept and the sums of 40 heads, 4 bytes each.
TEST(Pairs, H2oAttendsAndScoresWhatItKeeps) {
  DesignPoint point(spec_of("h2o", 2));
  const auto plan = point.method().memory();
  EXPECT_DOUBLE_EQ(row(plan, "kept KV", Tier::hbm), kLayers * kKv * 1638.0);
  EXPECT_DOUBLE_EQ(row(plan, "accumulated scores", Tier::hbm), kLayers * 4.0 * 40.0 * 1638.0);
  for (const TaskGraph& graph : point.graphs()) {
    for (int layer = 0; layer < 6; ++layer) {
      EXPECT_DOUBLE_EQ(attention(graph, op_at(graph, F::attend_dense, layer)).tokens, 2.0 * 1638.0);
      const auto& scores = std::get<StreamShape>(graph.op(op_at(graph, F::score_blocks, layer)).shape);
      EXPECT_DOUBLE_EQ(scores.read.value(), 2.0 * 1638.0 * (kKv / 2.0 + 40.0 * 4.0));
      EXPECT_DOUBLE_EQ(scores.write.value(), 2.0 * 1638.0 * 40.0 * 4.0);
      EXPECT_DOUBLE_EQ(scores.flops.value(), 2.0 * 2.0 * 1638.0 * 40.0 * 128.0);
      const auto& least = std::get<StreamShape>(graph.op(op_at(graph, F::select_top_k, layer)).shape);
      EXPECT_DOUBLE_EQ(least.read.value(), 2.0 * (1638.0 - 819.0) * 40.0 * 4.0);
      EXPECT_DOUBLE_EQ(least.items, 2.0 * 40.0);
      EXPECT_DOUBLE_EQ(copied(graph, Direction::h2d, layer) + copied(graph, Direction::d2h, layer), 0.0);
    }
  }
}

TEST(Pairs, H2oInDramStreamsWhatItKeeps) {
  PointSpec spec = spec_of("h2o", 2);
  spec.preset = "infinigen_paper";
  DesignPoint point(spec);
  const auto plan = point.method().memory();
  EXPECT_DOUBLE_EQ(row(plan, "kept KV", Tier::pinned), kLayers * kKv * 1638.0);
  EXPECT_DOUBLE_EQ(row(plan, "KV double buffer", Tier::hbm), 2.0 * kKv * 1638.0);
  const TaskGraph graph = point.method().step(0), prompt = point.method().prefill();
  for (int layer = 0; layer < 6; ++layer) {
    EXPECT_DOUBLE_EQ(copied(graph, Direction::h2d, layer), 2.0 * 1638.0 * kKv);
    EXPECT_DOUBLE_EQ(copied(graph, Direction::d2h, layer), 2.0 * kKv);
    EXPECT_DOUBLE_EQ(copied(prompt, Direction::d2h, layer), 1638.0 * kKv);
    // Two buffers: that of two layers before is free once its keys have been scored.
    if (layer >= 2) {
      EXPECT_TRUE(waits_for(graph, op_at(graph, F::copy_h2d, layer), op_at(graph, F::score_blocks, layer - 2)));
    }
  }
}

// Blocks of 16 tokens of all layers; the last block of a prompt is computed. t = 16 tokens see S, t·S − t²/2 pairs.
TEST(Pairs, APrefixComesInBlocksAndTheRestIsComputed) {
  DesignPoint point(spec_of("prefix_cache", 1));
  const TaskGraph prompt = point.method().prefill();
  const std::vector<OpId> copies = ops_of(prompt, F::copy_h2d);
  ASSERT_EQ(copies.size(), 1u);
  const auto& copy = std::get<CopyShape>(prompt.op(copies.front()).shape);
  EXPECT_DOUBLE_EQ(copy.fragments, 511.0);
  EXPECT_DOUBLE_EQ(copy.fragment.value(), 16.0 * kLayers * kKv);
  for (int layer = 0; layer < 6; ++layer) {
    const OpId attended = op_at(prompt, F::prefill_attend, layer);
    EXPECT_TRUE(waits_for(prompt, attended, copies.front()));
    EXPECT_DOUBLE_EQ(attended_pairs(attention(prompt, attended)), 16.0 * kS - 0.5 * 16.0 * 16.0);
    EXPECT_THAT(rows_of(prompt, layer), ElementsAre(16.0));
  }
  EXPECT_TRUE(waits_for(prompt, ops_of(prompt, F::norm_rope, 0).front(), copies.front()))
      << "all before the first layer";
  const auto plan = point.method().memory();
  EXPECT_DOUBLE_EQ(row(plan, "KV of prefixes", Tier::pinned), 511.0 * 16.0 * kLayers * kKv);
  EXPECT_DOUBLE_EQ(row(plan, "KV cache", Tier::hbm), kLayers * kKv * kLast);
}

TEST(Pairs, LayerWiseAPrefixIsNeededByItsLayersAttentionOnly) {
  PointSpec spec = spec_of("prefix_cache", 1, {{"cached_share", 0.5}});
  spec.preset = "hicache";
  const TaskGraph prompt = DesignPoint(spec).method().prefill();
  for (int layer = 0; layer < 6; ++layer) {
    const OpId copy = op_at(prompt, F::zero_copy_h2d, layer), attended = op_at(prompt, F::prefill_attend, layer);
    const auto& shape = std::get<CopyShape>(prompt.op(copy).shape);
    EXPECT_DOUBLE_EQ(shape.fragments, 64.0);
    EXPECT_DOUBLE_EQ(shape.fragment.value(), 64.0 * kKv);
    EXPECT_TRUE(waits_for(prompt, attended, copy));
    EXPECT_FALSE(waits_for(prompt, std::max(copy, ops_of(prompt, F::gemm, layer).front()),
                           std::min(copy, ops_of(prompt, F::gemm, layer).front())));
    EXPECT_DOUBLE_EQ(attended_pairs(attention(prompt, attended)), 4096.0 * 8192.0 - 0.5 * 4096.0 * 4096.0);
  }
}

TEST(Pairs, APrefixRecomputedIsAWholePrompt) {
  PointSpec spec = spec_of("prefix_cache", 1);
  spec.preset = "recompute";
  const TaskGraph ours = DesignPoint(spec).method().prefill();
  const TaskGraph theirs = DesignPoint(spec_of("full_kv", 1)).method().prefill();
  ASSERT_EQ(ours.size(), theirs.size());
  for (int layer = 0; layer < 6; ++layer) {
    EXPECT_EQ(rows_of(ours, layer), rows_of(theirs, layer));
    EXPECT_DOUBLE_EQ(attended_pairs(attention(ours, op_at(ours, F::prefill_attend, layer))), 0.5 * kS * kS);
  }
}

}  // namespace
}  // namespace outrider
