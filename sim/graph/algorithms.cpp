// Graph algorithms; the only file of sim/graph that sees Boost.Graph, which compiles slowly.
#include "sim/graph/algorithms.h"

#include <algorithm>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/dag_shortest_paths.hpp>
#include <boost/graph/depth_first_search.hpp>
#include <functional>
#include <utility>

#include "sim/base/check.h"

namespace outrider {
namespace {

using Weights = boost::property<boost::edge_weight_t, std::int64_t>;
using WeightedGraph = boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS, boost::no_property, Weights>;
using PlainGraph = boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS>;
using Vertex = std::uint32_t;

bool is_queued(LaneId lane) { return lane.index() % kLanesPerDevice != static_cast<std::size_t>(Lane::none); }

// Vertex i is op i and vertex size() the source; an edge weighs as much as the op it leads to takes, so that a path
// from the source is as long as the ops on it.
WeightedGraph weigh(const TaskGraph& graph, std::span<const Duration> durations, LaneOrder lanes) {
  WeightedGraph weighted(graph.size() + 1);
  std::vector<OpId> tail;
  for (std::size_t i = 0; i < graph.size(); ++i) {
    const std::int64_t weight = durations[i].ps();
    CHECK(weight >= 0, "op {} takes {} ps", i, weight);
    boost::add_edge(graph.size(), i, weight, weighted);
    for (const OpId from : graph.dependencies(OpId(i))) boost::add_edge(from.index(), i, weight, weighted);
    const LaneId lane = graph.ops()[i].lane;
    if (lanes == LaneOrder::ignored || !lane.valid() || !is_queued(lane)) continue;
    if (lane.index() >= tail.size()) tail.resize(lane.index() + 1);
    if (tail[lane.index()].valid()) boost::add_edge(tail[lane.index()].index(), i, weight, weighted);
    tail[lane.index()] = OpId(i);
  }
  return weighted;
}

// Depth-first search that keeps the finishing order and the first edge that closes a cycle.
struct OrderVisitor : boost::default_dfs_visitor {
  std::vector<Vertex>* finished = nullptr;
  std::vector<Vertex>* parent = nullptr;
  std::vector<Edge>* closing = nullptr;

  template <class E, class G>
  void tree_edge(E edge, const G& graph) {
    (*parent)[boost::target(edge, graph)] = static_cast<Vertex>(boost::source(edge, graph));
  }
  template <class E, class G>
  void back_edge(E edge, const G& graph) {
    closing->push_back(
        {static_cast<Vertex>(boost::source(edge, graph)), static_cast<Vertex>(boost::target(edge, graph))});
  }
  template <class V, class G>
  void finish_vertex(V vertex, const G&) {
    finished->push_back(static_cast<Vertex>(vertex));
  }
};

// A back edge leads from a vertex to one of its ancestors in the search's forest.
std::vector<Vertex> cycle_through(Edge closing, const std::vector<Vertex>& parent) {
  std::vector<Vertex> cycle = {closing.from};
  while (cycle.back() != closing.to) cycle.push_back(parent[cycle.back()]);
  std::reverse(cycle.begin(), cycle.end());
  return cycle;
}

}  // namespace

LongestPath longest_path(const TaskGraph& graph, std::span<const Duration> durations, LaneOrder lanes) {
  CHECK(durations.size() == graph.size(), "{} durations for {} ops", durations.size(), graph.size());
  const WeightedGraph weighted = weigh(graph, durations, lanes);
  const std::size_t source = graph.size();
  std::vector<std::int64_t> distance(graph.size() + 1);
  std::vector<std::size_t> before(graph.size() + 1);
  // Shortest paths under "greater": with −1 as infinity every distance that is found, even 0, is an improvement.
  boost::dag_shortest_paths(weighted, source,
                            boost::distance_map(distance.data())
                                .predecessor_map(before.data())
                                .distance_compare(std::greater<>())
                                .distance_inf(std::int64_t{-1})
                                .distance_combine(std::plus<>()));
  LongestPath path;
  if (graph.size() == 0) return path;
  auto at = static_cast<std::size_t>(std::max_element(distance.begin(), distance.end() - 1) - distance.begin());
  path.length = Duration::from_ps(distance[at]);
  for (; at != source; at = before[at]) path.ops.emplace_back(at);
  std::reverse(path.ops.begin(), path.ops.end());
  return path;
}

Duration serial_sum(std::span<const Duration> durations) {
  Duration sum;
  for (const Duration duration : durations) sum += duration;
  return sum;
}

std::vector<OpId> ancestors(const TaskGraph& graph, OpId op) {
  // Dependencies point to smaller numbers, so one sweep downwards meets every ancestor after all ops that need it.
  std::vector<bool> needed(op.index() + 1, false);
  needed[op.index()] = true;
  for (std::size_t i = op.index() + 1; i-- > 0;) {
    if (!needed[i]) continue;
    for (const OpId dependency : graph.dependencies(OpId(i))) needed[dependency.index()] = true;
  }
  std::vector<OpId> found;
  for (std::size_t i = 0; i < op.index(); ++i) {
    if (needed[i]) found.emplace_back(i);
  }
  return found;
}

TopologicalOrder topological_order(std::uint32_t vertices, std::span<const Edge> edges) {
  PlainGraph graph(vertices);
  for (const Edge& edge : edges) {
    CHECK(edge.from < vertices && edge.to < vertices, "edge {} → {} among {} vertices", edge.from, edge.to, vertices);
    boost::add_edge(edge.from, edge.to, graph);
  }
  TopologicalOrder result;
  std::vector<Vertex> parent(vertices);
  std::vector<Edge> closing;
  OrderVisitor visitor;
  visitor.finished = &result.order;
  visitor.parent = &parent;
  visitor.closing = &closing;
  boost::depth_first_search(graph, boost::visitor(visitor));
  std::reverse(result.order.begin(), result.order.end());
  if (!closing.empty()) {
    result.order.clear();
    result.cycle = cycle_through(closing.front(), parent);
  }
  return result;
}

}  // namespace outrider
