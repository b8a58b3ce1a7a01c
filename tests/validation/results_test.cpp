// How attention is dealt out, read off the graphs of steps.
#include "validation/results.h"

#include <gtest/gtest.h>

#include "tests/kernels/backend/graphs.h"

namespace outrider {
namespace {

AttentionShape attention(double tokens, std::int64_t head_dim = 128) {
  return {.sequences = 2,
          .kv_heads = 2,
          .q_heads = 8,
          .head_dim = head_dim,
          .v_head_dim = head_dim,
          .tokens = tokens,
          .longest = tokens / 2.0,
          .block_tokens = 32};
}

std::vector<TaskGraph> step(const std::vector<std::pair<Family, AttentionShape>>& ops) {
  SmallGraph graph;
  OpId last = graph.host(Family::schedule_step);
  for (const auto& [family, shape] : ops)
    last = graph.add(family, family == Family::cpu_attend ? Lane::cpu : Lane::compute, shape, {last});
  std::vector<TaskGraph> steps;
  steps.push_back(graph.seal(last));
  return steps;
}

// Two layers of two sequences: 48 blocks of each sequence by the GPU and 16 by the CPU, of 128.
TEST(ResultShapeOf, TakesBlocksAndTheirSplitFromTheOps) {
  const auto shape = result_shape(step({{Family::attend_sparse, attention(2 * 48 * 32)},
                                        {Family::cpu_attend, attention(2 * 16 * 32)},
                                        {Family::attend_sparse, attention(2 * 48 * 32)},
                                        {Family::cpu_attend, attention(2 * 16 * 32)}}),
                                  4096);
  ASSERT_TRUE(shape.has_value());
  EXPECT_EQ(*shape, (ResultShape{
                        .q_heads = 8, .kv_heads = 2, .head_dim = 128, .blocks = 128, .selected = 64, .offloaded = 16}));
}

// As where hash tables find tokens for each query head: as many as a KV head would have.
TEST(ResultShapeOf, QueryHeadsWithTokensOfTheirOwnOnTheCpuCount) {
  AttentionShape of_each = attention(2 * 16 * 32);
  of_each.kv_heads = of_each.q_heads;
  const auto shape =
      result_shape(step({{Family::attend_sparse, attention(2 * 48 * 32)}, {Family::cpu_attend, of_each}}), 4096);
  ASSERT_TRUE(shape.has_value());
  EXPECT_EQ(shape->kv_heads, 2);
  EXPECT_EQ(shape->offloaded, 16);
}

TEST(ResultShapeOf, AttentionOnOneSideIsInOnePiece) {
  const auto on_gpu = result_shape(step({{Family::attend_dense, attention(2 * 4100)}}), 4096);
  ASSERT_TRUE(on_gpu.has_value());
  EXPECT_EQ(on_gpu->selected, 128) << "the tokens that steps added are of no further block";
  EXPECT_EQ(on_gpu->offloaded, 0);
  const auto on_cpu = result_shape(step({{Family::cpu_attend, attention(2 * 4096)}}), 4096);
  ASSERT_TRUE(on_cpu.has_value());
  EXPECT_EQ(on_cpu->offloaded, 128);
}

TEST(ResultShapeOf, WhatNoKernelDoesHasNone) {
  EXPECT_FALSE(result_shape(step({}), 4096).has_value());
  EXPECT_FALSE(result_shape(step({{Family::attend_dense, attention(8192, 96)}}), 4096).has_value())
      << "of heads that the GPU's kernel does not take";
  EXPECT_FALSE(result_shape({}, 4096).has_value());
}

TEST(CheckAllResults, ChecksEqualShapesOnce) {
  const ResultShape shape{.q_heads = 4, .kv_heads = 1, .head_dim = 64, .blocks = 12, .selected = 6, .offloaded = 2};
  const auto once = check_all_results({{"a", 384, shape}});
  const auto twice = check_all_results({{"a", 384, shape}, {"b", 384, shape}});
  EXPECT_GE(once.size(), 4U);
  ASSERT_EQ(twice.size(), once.size());
  for (const CheckedResult& each : twice) {
    EXPECT_EQ(each.label, "a");
    EXPECT_TRUE(each.check.passes());
  }
}

}  // namespace
}  // namespace outrider
