// What ops of particular layers, presets and prefill move and compute.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/design_points.h"
#include "tests/support/graph_readings.h"

namespace outrider {
namespace {

// The sglang preset sends the real query of every layer, B·Hq·d·2 = 2·40·128·2 B, and no predicted one.
TEST(OpShapes, ScoutsRealQueryIsMovedOnceAndCounted) {
  DesignPoint point({.method = "scout", .preset = "sglang", .layers = 6});
  double moved = 0.0;
  for (const TaskGraph& graph : point.graphs()) {
    for (int layer = 0; layer < 6; ++layer)
      moved += copied(graph, Direction::h2d, layer) + copied(graph, Direction::d2h, layer);
  }
  EXPECT_NEAR(moved / 4.0, point.method().facts().link_bytes_per_step, 1.0);
  EXPECT_GT(moved / 4.0, 6.0 * 2.0 * 40.0 * 128.0 * 2.0);
}

// A prompt needs the logits of its last token only: one row of the LM head, one token number of 8 bytes.
TEST(OpShapes, PrefillComputesTheLogitsOfTheLastToken) {
  const TaskGraph graph = DesignPoint({.method = "full_kv", .layers = 1, .context = 8192}).method().prefill();
  const auto& head = std::get<GemmShape>(graph.op(ops_of(graph, Family::gemm, -1).back()).shape);
  EXPECT_DOUBLE_EQ(head.rows, 1.0);
  EXPECT_DOUBLE_EQ(copied(graph, Direction::d2h, -1), 8.0);
}

// InfiniGen keeps 0.3 of W_q's columns on the GPU beside the weights: 0.3·40·5120·5120·2 B of Qwen3-14B.
TEST(OpShapes, InfiniGensPartialWeightsTakeMemory) {
  const auto plan = DesignPoint({.method = "infinigen", .preset = "paper"}).method().memory();
  double fixed = 0.0;
  for (const MemoryUse& use : plan) fixed += use.tier == MemoryUse::Tier::hbm ? use.fixed.value() : 0.0;
  EXPECT_NEAR(fixed, 2.0 * 14'768'307'200.0 + 8e9 + 0.3 * 40.0 * 5120.0 * 5120.0 * 2.0, 1.0);
}

TEST(OpShapes, PrefillBuildsTheIndexOfEverySystemThatHasOne) {
  const auto built = [](const char* method) {
    return ops_of(DesignPoint({.method = method, .layers = 3}).method().prefill(), Family::build_digest).size();
  };
  EXPECT_EQ(built("scout"), 3u);
  EXPECT_EQ(built("infinigen"), 3u);
  EXPECT_EQ(built("full_kv"), 0u);
}

// DeepSeek-V3 caches 512 + 64 channels a token; all heads read them as K, the first 512 as V.
TEST(OpShapes, LatentAttentionReadsVWithinK) {
  DesignPoint point(
      {.method = "full_kv", .model = "deepseek-v3", .layers = 1, .context = 4096, .batch = 1, .steps = 1});
  const TaskGraph graph = point.method().step(0);
  const auto& shape = std::get<AttentionShape>(graph.op(op_at(graph, Family::attend_dense, 0)).shape);
  EXPECT_EQ(shape.kv_heads, 1);
  EXPECT_EQ(shape.head_dim, 576);
  EXPECT_EQ(shape.v_head_dim, 0);
  EXPECT_EQ(shape.value_width(), 512);
}

// GLM-5.2's layer 3 attends to the 2048 tokens that an earlier layer's indexer chose.
TEST(OpShapes, LayersThatReuseAnIndexersChoiceAttendToIt) {
  DesignPoint point({.method = "full_kv", .model = "glm-5.2", .layers = 4, .context = 65536, .batch = 2, .steps = 1});
  ASSERT_EQ(attended_tokens(point.model().layers[3], 65536), 2048);
  const TaskGraph graph = point.method().step(0);
  EXPECT_DOUBLE_EQ(std::get<AttentionShape>(graph.op(op_at(graph, Family::attend_dense, 3)).shape).tokens,
                   2.0 * 2048.0);
}

// 8192 tokens · 4 FLOPs · value heads · value width · key width.
TEST(OpShapes, PrefillOfLinearLayersUpdatesTheStateForEveryToken) {
  DesignPoint point({.method = "full_kv", .model = "qwen3.5-27b", .layers = 1, .context = 8192, .steps = 1});
  const AttentionSpec& attention = point.model().layers[0].attention;
  ASSERT_EQ(attention.kind, AttentionKind::linear);
  const TaskGraph graph = point.method().prefill();
  const auto& shape = std::get<StreamShape>(graph.op(op_at(graph, Family::prefill_attend, 0)).shape);
  const auto& linear = attention.linear;
  EXPECT_DOUBLE_EQ(shape.flops.value(),
                   8192.0 * 4.0 * static_cast<double>(linear.value_heads * linear.value_dim * linear.key_dim));
}

// DeepSeek-V3.2 scores the 65536²/2 pairs of a prompt and attends to 2048 tokens for every query, with K and V
// expanded.
TEST(OpShapes, PrefillScoresAndAttendsToWhatTheIndexerPicks) {
  DesignPoint point({.method = "full_kv", .model = "deepseek-v3.2", .layers = 1, .context = 65536, .steps = 1});
  const AttentionSpec& attention = point.model().layers[0].attention;
  ASSERT_GT(attention.indexer.heads, 0);
  const TaskGraph graph = point.method().prefill();
  const auto& scores = std::get<StreamShape>(graph.op(op_at(graph, Family::score_blocks, 0)).shape);
  EXPECT_DOUBLE_EQ(scores.flops.value(), 65536.0 * 65536.0 / 2.0 * 2.0 *
                                             static_cast<double>(attention.indexer.heads * attention.indexer.head_dim));
  const auto& attend = std::get<AttentionShape>(graph.op(op_at(graph, Family::prefill_attend, 0)).shape);
  EXPECT_DOUBLE_EQ(attend.longest, 2048.0);
  EXPECT_EQ(attend.kv_heads, attention.q_heads);
}

// MXFP4 weights are 4 bits and 8/32 bits of scale.
TEST(OpShapes, ProductsReadTheScalesOfQuantisedWeights) {
  DesignPoint point({.method = "full_kv", .model = "gpt-oss-20b", .layers = 1, .batch = 1, .steps = 1});
  const ModelSpec& model = point.model();
  ASSERT_DOUBLE_EQ(model.expert_scale_bits, 0.25);
  const TaskGraph graph = point.method().step(0);
  const MachineModel machine(point.machine(), assumed_profile());
  for (const OpId op : ops_of(graph, Family::gemm, 0)) {
    const auto& shape = std::get<GemmShape>(graph.op(op).shape);
    if (shape.type != DataType::fp4) continue;
    const Demand demand = machine.demand(graph.op(op));
    double read = 0.0;
    for (const Use& use : demand.used()) {
      if (machine.platform().resources[use.resource.index()].name == "HBM")
        read += use.amount * static_cast<double>(demand.units);
    }
    EXPECT_GE(read, shape.instances * static_cast<double>(shape.n * shape.k) * 4.25 / 8.0);
  }
}

// Without collaboration the host thread fetches in the middle of a step: what follows is launched anew.
TEST(OpShapes, EveryFetchOfTheHostThreadEndsACapturedGraph) {
  DesignPoint point({.method = "scout", .set = {{"collaborative_attention", false}}, .layers = 4});
  const TaskGraph graph = point.method().step(0);
  ASSERT_GE(ops_of(graph, Family::launch_copy).size(), 4u);
  EXPECT_EQ(ops_of(graph, Family::launch_graph).size(), 5u);
}

}  // namespace
}  // namespace outrider
