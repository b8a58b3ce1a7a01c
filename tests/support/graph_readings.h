// What tests read off task graphs and the traces they leave.
#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "sim/graph/task_graph.h"
#include "sim/trace/trace.h"

namespace outrider {

// Layer −1 is what belongs to no layer.
inline constexpr int kAnyLayer = -2;

inline std::vector<OpId> ops_of(const TaskGraph& graph, Family family, int layer = kAnyLayer) {
  std::vector<OpId> found;
  for (std::size_t i = 0; i < graph.size(); ++i) {
    const Op& op = graph.ops()[i];
    if (op.family == family && (layer == kAnyLayer || op.layer == layer)) found.emplace_back(i);
  }
  return found;
}

// The layer's only op of the family.
inline OpId op_at(const TaskGraph& graph, Family family, int layer) {
  const std::vector<OpId> found = ops_of(graph, family, layer);
  EXPECT_EQ(found.size(), 1u) << to_string(family) << " of layer " << layer;
  return found.empty() ? OpId(0) : found.front();
}

inline double copied(const TaskGraph& graph, Direction direction, int layer = kAnyLayer) {
  double bytes = 0.0;
  for (const Op& op : graph.ops()) {
    const auto* copy = std::get_if<CopyShape>(&op.shape);
    if (copy != nullptr && copy->direction == direction && (layer == kAnyLayer || op.layer == layer))
      bytes += copy->total().value();
  }
  return bytes;
}

// Whether `later` waits for `earlier`, over any number of dependencies; queueing on lanes does not count.
inline bool waits_for(const TaskGraph& graph, OpId later, OpId earlier) {
  std::vector<bool> reached(graph.size(), false);
  reached[later.index()] = true;
  for (std::size_t i = later.index() + 1; i-- > earlier.index();) {
    if (!reached[i]) continue;
    for (const OpId dependency : graph.dependencies(OpId(i))) reached[dependency.index()] = true;
  }
  return reached[earlier.index()];
}

inline std::vector<Family> kernels_of(const TaskGraph& graph, Lane lane, int layer) {
  std::vector<Family> families;
  for (const Op& op : graph.ops()) {
    if (op.lane == lane_id(lane) && op.layer == layer) families.push_back(op.family);
  }
  return families;
}

// The span of an op of the trace's `step`.
inline const Span& span_of(const Trace& trace, std::size_t step, OpId op) {
  return trace.spans[trace.steps[step].first_span + op.index()];
}

}  // namespace outrider
