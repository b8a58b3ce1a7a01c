// Graph algorithms on op graphs and on plain edge lists: longest paths, ancestors, order and cycles.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/base/ticks.h"
#include "sim/graph/task_graph.h"

namespace outrider {

// Whether the FIFO order of lanes counts as edges besides the dependencies.
enum class LaneOrder : std::uint8_t { ignored, kept };

struct LongestPath {
  Duration length;
  std::vector<OpId> ops;  // from its first op to its last
};

// The critical path when op i takes at least durations[i]: no schedule that respects the edges is shorter. Of several
// longest paths one, always the same. Requires one duration, not negative, per op.
LongestPath longest_path(const TaskGraph& graph, std::span<const Duration> durations,
                         LaneOrder lanes = LaneOrder::kept);

// What the ops take one after another.
Duration serial_sum(std::span<const Duration> durations);

// Ops that must end before `op` can start, through dependencies alone, in ascending order and without `op` itself.
std::vector<OpId> ancestors(const TaskGraph& graph, OpId op);

// A graph that was read from a file, whose edges point anywhere.
struct Edge {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
};

// Either an order in which every edge points forward, or the vertices of one cycle in edge order (c0 → c1 → … → c0).
struct TopologicalOrder {
  std::vector<std::uint32_t> order;  // empty if there is a cycle
  std::vector<std::uint32_t> cycle;  // empty if there is none
};
// Requires edges between vertices below `vertices`.
TopologicalOrder topological_order(std::uint32_t vertices, std::span<const Edge> edges);

}  // namespace outrider
