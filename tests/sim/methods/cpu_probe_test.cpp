// The probe of the CPU's side: nothing on the GPU or link, all KV attended, parallel-fors and gathers as asked for.
#include <gtest/gtest.h>

#include "tests/support/design_points.h"
#include "tests/support/graph_readings.h"

namespace outrider {
namespace {

using F = Family;

TaskGraph step_with(std::map<std::string, ParamValue> set) {
  DesignPoint point({.method = "cpu_probe", .set = std::move(set), .layers = 3, .batch = 6});
  return std::move(point.graphs().front());
}

TEST(CpuProbe, RunsOnHostAndCpuAlone) {
  const TaskGraph graph = step_with({{"parallel_fors", std::int64_t{2}}, {"gathered_tokens", 64.0}});
  for (const Op& op : graph.ops()) {
    const OpKind kind = kind_of(op.family);
    EXPECT_TRUE(kind == OpKind::host_step || kind == OpKind::cpu_kernel || kind == OpKind::barrier)
        << to_string(op.family);
  }
}

TEST(CpuProbe, AttendsAllSequencesInHoweverManyParallelFors) {
  // 6 sequences in 4: 1, 2, 1 and 2 of them; in 9: one each, and three empty ones are left out.
  for (const auto& [asked, expected] : {std::pair{1, 1}, {4, 4}, {9, 6}}) {
    const TaskGraph graph = step_with({{"parallel_fors", std::int64_t{asked}}});
    for (int layer = 0; layer < 3; ++layer) {
      const std::vector<OpId> attends = ops_of(graph, F::cpu_attend, layer);
      EXPECT_EQ(attends.size(), static_cast<std::size_t>(expected));
      std::int64_t sequences = 0;
      double tokens = 0.0;
      for (const OpId op : attends) {
        const auto& shape = std::get<AttentionShape>(graph.op(op).shape);
        EXPECT_DOUBLE_EQ(shape.tokens, static_cast<double>(shape.sequences) * shape.longest);
        sequences += shape.sequences;
        tokens += shape.tokens;
      }
      EXPECT_EQ(sequences, 6);
      EXPECT_DOUBLE_EQ(tokens, 6.0 * 8192.0);
    }
  }
}

TEST(CpuProbe, ParallelForsOfALayerWaitForNoneOfEachOther) {
  const TaskGraph graph = step_with({{"parallel_fors", std::int64_t{2}}});
  const std::vector<OpId> first = ops_of(graph, F::cpu_attend, 0), second = ops_of(graph, F::cpu_attend, 1);
  EXPECT_FALSE(waits_for(graph, first[1], first[0]));
  // The first one's last stands for all of a FIFO lane.
  for (const OpId later : second) EXPECT_TRUE(waits_for(graph, later, first.back()));
  EXPECT_TRUE(waits_for(graph, graph.last(), ops_of(graph, F::cpu_attend, 2).back()));
}

TEST(CpuProbe, TheHostGathersBesideTheAttentionOfItsLayer) {
  EXPECT_TRUE(ops_of(step_with({}), F::cpu_gather).empty());
  const TaskGraph graph = step_with({{"gathered_tokens", 64.0}});
  const OpId gathered = op_at(graph, F::cpu_gather, 1), attended = op_at(graph, F::cpu_attend, 1);
  EXPECT_EQ(graph.op(gathered).lane, lane_id(Lane::host));
  EXPECT_FALSE(waits_for(graph, gathered, attended));
  EXPECT_FALSE(waits_for(graph, attended, gathered));
  EXPECT_TRUE(waits_for(graph, gathered, op_at(graph, F::cpu_attend, 0)));
  EXPECT_TRUE(waits_for(graph, op_at(graph, F::cpu_attend, 2), gathered));
  // Qwen3-14B: 2 · 8 · 128 · 2 B = 4096 B per token and layer, of 6 sequences of 64 tokens in 12 blocks.
  const auto& shape = std::get<StreamShape>(graph.op(gathered).shape);
  EXPECT_DOUBLE_EQ(shape.read.value(), 6.0 * 64.0 * 4096.0);
  EXPECT_DOUBLE_EQ(shape.items, 12.0);
}

}  // namespace
}  // namespace outrider
