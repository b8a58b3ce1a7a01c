// Longest paths, ancestors, topological order and cycles on small graphs.
#include "sim/graph/algorithms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

namespace outrider {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<Duration> picoseconds(std::initializer_list<std::int64_t> values) {
  std::vector<Duration> durations;
  for (const std::int64_t value : values) durations.push_back(Duration::from_ps(value));
  return durations;
}

Op on(Lane lane) { return {.family = Family::gemm, .lane = lane_id(lane), .shape = {}}; }

TEST(LongestPath, GoesThroughTheSlowerBranch) {
  // 0 → {1, 2} → 3 with 5, 1, 7, 2: 5 + 7 + 2 = 14.
  GraphBuilder builder;
  const OpId a = builder.add(on(Lane::none), {});
  const OpId b = builder.add(on(Lane::none), {a});
  const OpId c = builder.add(on(Lane::none), {a});
  const OpId d = builder.add(on(Lane::none), {b, c});
  const TaskGraph graph = std::move(builder).seal(d);
  const LongestPath path = longest_path(graph, picoseconds({5, 1, 7, 2}));
  EXPECT_EQ(path.length.ps(), 14);
  EXPECT_THAT(path.ops, ElementsAre(a, c, d));
}

TEST(LongestPath, NeedNotEndAtTheLastOp) {
  GraphBuilder builder;
  const OpId a = builder.add(on(Lane::none), {});
  const OpId detached = builder.add(on(Lane::none), {});
  const OpId last = builder.add(on(Lane::none), {a});
  const TaskGraph graph = std::move(builder).seal(last);
  const LongestPath path = longest_path(graph, picoseconds({1, 9, 1}));
  EXPECT_EQ(path.length.ps(), 9);
  EXPECT_THAT(path.ops, ElementsAre(detached));
}

TEST(LongestPath, CountsTheOrderOfLanesUnlessToldOtherwise) {
  // Two independent ops of 3 and 4 on one stream run one after the other; on Lane::none they need not.
  GraphBuilder builder;
  builder.add(on(Lane::compute), {});
  builder.add(on(Lane::none), {});
  builder.add(on(Lane::none), {});
  const OpId b = builder.add(on(Lane::compute), {});
  const TaskGraph graph = std::move(builder).seal(b);
  EXPECT_EQ(longest_path(graph, picoseconds({3, 5, 6, 4})).length.ps(), 7);
  EXPECT_EQ(longest_path(graph, picoseconds({3, 5, 6, 4}), LaneOrder::ignored).length.ps(), 6);
}

TEST(LongestPath, OfOpsWithoutDurationIsZero) {
  GraphBuilder builder;
  const OpId a = builder.add(on(Lane::none), {});
  const OpId b = builder.add(on(Lane::none), {a});
  const TaskGraph graph = std::move(builder).seal(b);
  EXPECT_EQ(longest_path(graph, picoseconds({0, 0})).length, Duration());
}

TEST(LongestPathDeathTest, NeedsOneDurationPerOp) {
  GraphBuilder builder;
  const OpId a = builder.add(on(Lane::none), {});
  const TaskGraph graph = std::move(builder).seal(a);
  EXPECT_DEATH(longest_path(graph, {}), "0 durations for 1 ops");
  EXPECT_DEATH(longest_path(graph, picoseconds({-1})), "takes -1 ps");
}

TEST(SerialSum, AddsEveryDuration) {
  EXPECT_EQ(serial_sum(picoseconds({1, 2, 3})).ps(), 6);
  EXPECT_EQ(serial_sum({}), Duration());
}

TEST(Ancestors, AreAllOpsThatMustEndBefore) {
  // 0 → 1 → 4, 2 → 4, 3 apart, 5 after.
  GraphBuilder builder;
  const OpId a = builder.add(on(Lane::none), {});
  const OpId b = builder.add(on(Lane::none), {a});
  const OpId c = builder.add(on(Lane::none), {});
  builder.add(on(Lane::none), {});
  const OpId e = builder.add(on(Lane::none), {c, b});
  const OpId f = builder.add(on(Lane::none), {e});
  const TaskGraph graph = std::move(builder).seal(f);
  EXPECT_THAT(ancestors(graph, e), ElementsAre(a, b, c));
  EXPECT_THAT(ancestors(graph, a), IsEmpty());
}

TEST(TopologicalOrder, PutsEveryEdgeForward) {
  const std::vector<Edge> edges = {{3, 1}, {1, 0}, {3, 0}, {2, 0}};
  const TopologicalOrder result = topological_order(5, edges);
  EXPECT_THAT(result.cycle, IsEmpty());
  ASSERT_EQ(result.order.size(), 5u);
  std::vector<std::size_t> place(5);
  for (std::size_t i = 0; i < 5; ++i) place[result.order[i]] = i;
  for (const Edge& edge : edges) EXPECT_LT(place[edge.from], place[edge.to]);
}

TEST(TopologicalOrder, NamesACycleInEdgeOrder) {
  const std::vector<Edge> edges = {{0, 1}, {1, 2}, {2, 3}, {3, 1}, {3, 4}};
  const TopologicalOrder result = topological_order(5, edges);
  EXPECT_THAT(result.order, IsEmpty());
  EXPECT_THAT(result.cycle, ElementsAre(1u, 2u, 3u));
}

TEST(TopologicalOrder, AnEdgeToItselfIsACycle) {
  const std::vector<Edge> edges = {{0, 1}, {1, 1}};
  EXPECT_THAT(topological_order(2, edges).cycle, ElementsAre(1u));
}

TEST(TopologicalOrder, SurvivesAVeryLongChain) {
  std::vector<Edge> edges;
  constexpr std::uint32_t kVertices = 1'000'000;
  for (std::uint32_t i = 1; i < kVertices; ++i) edges.push_back({i, i - 1});
  EXPECT_EQ(topological_order(kVertices, edges).order.front(), kVertices - 1);
}

TEST(TopologicalOrderDeathTest, EdgesStayWithinTheVertices) {
  const std::vector<Edge> edges = {{0, 2}};
  EXPECT_DEATH(topological_order(2, edges), "edge 0 → 2 among 2 vertices");
}

}  // namespace
}  // namespace outrider
