// Building and sealing of task graphs and their carry slots.
#include "sim/graph/task_graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace outrider {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(GraphBuilder, KeepsOpsAndDependenciesInTheOrderAdded) {
  GraphBuilder builder;
  const OpId a = builder.add({.family = Family::gemm, .shape = {}}, {});
  const OpId b = builder.add({.family = Family::copy_h2d, .lane = lane_id(Lane::h2d), .layer = 3, .shape = {}}, {a});
  const OpId c = builder.add({.family = Family::barrier, .shape = {}}, {b, a});
  EXPECT_EQ(builder.size(), 3u);
  const TaskGraph graph = std::move(builder).seal(b);
  EXPECT_EQ(graph.size(), 3u);
  EXPECT_EQ(graph.op(b).layer, 3);
  EXPECT_EQ(graph.last(), b);
  EXPECT_THAT(graph.dependencies(a), IsEmpty());
  EXPECT_THAT(graph.dependencies(b), ElementsAre(a));
  EXPECT_THAT(graph.dependencies(c), ElementsAre(b, a));
}

TEST(GraphBuilder, SkipsInvalidDependencies) {
  GraphBuilder builder;
  const OpId a = builder.add({}, {OpId()});
  const OpId b = builder.add({}, {OpId(), a, OpId()});
  const TaskGraph graph = std::move(builder).seal(b);
  EXPECT_THAT(graph.dependencies(a), IsEmpty());
  EXPECT_THAT(graph.dependencies(b), ElementsAre(a));
}

TEST(GraphBuilder, SortsCarriesByOpAndKeepsTheOrderWithinOne) {
  GraphBuilder builder;
  const OpId a = builder.add({}, {});
  const OpId b = builder.add({}, {a});
  builder.await(b, 5);
  builder.await(a, 9);
  builder.await(b, 2);
  builder.fill(1, b);
  builder.fill(0, a);
  const TaskGraph graph = std::move(builder).seal(b);
  std::vector<std::pair<OpId, CarrySlot>> awaits, fills;
  for (const Carry& carry : graph.awaits()) awaits.emplace_back(carry.op, carry.slot);
  for (const Carry& carry : graph.fills()) fills.emplace_back(carry.op, carry.slot);
  EXPECT_THAT(awaits, ElementsAre(std::pair(a, 9u), std::pair(b, 5u), std::pair(b, 2u)));
  EXPECT_THAT(fills, ElementsAre(std::pair(a, 0u), std::pair(b, 1u)));
}

TEST(GraphBuilderDeathTest, DependencyOnALaterOpIsABug) {
  GraphBuilder builder;
  builder.add({}, {});
  EXPECT_DEATH(builder.add({}, {OpId(1)}), "not added before");
}

TEST(GraphBuilderDeathTest, CarryAndLastMustBeOfTheGraph) {
  GraphBuilder builder;
  builder.add({}, {});
  EXPECT_DEATH(builder.await(OpId(1), 0), "not in the graph");
  EXPECT_DEATH(builder.fill(0, OpId()), "not in the graph");
  EXPECT_DEATH(std::move(builder).seal(OpId(1)), "not in the graph of 1 ops");
}

TEST(Op, EveryFamilyHasANameOfItsOwnAndAKind) {
  std::vector<std::string_view> names;
  for (int i = 0; i < kFamilies; ++i) names.push_back(to_string(static_cast<Family>(i)));
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
  EXPECT_EQ(kind_of(Family::zero_copy_h2d), OpKind::copy);
  EXPECT_EQ(kind_of(Family::cpu_attend), OpKind::cpu_kernel);
  EXPECT_EQ(kind_of(Family::synchronize), OpKind::host_step);
}

TEST(Op, LanesOfDevicesDoNotOverlap) {
  EXPECT_EQ(lane_id(Lane::none, 0).index() + 1, lane_id(Lane::host, 1).index());
  EXPECT_EQ(to_string(Lane::h2d), "h2d stream");
}

}  // namespace
}  // namespace outrider
