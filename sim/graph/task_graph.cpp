// Building and sealing of task graphs.
#include "sim/graph/task_graph.h"

#include <algorithm>
#include <utility>

#include "sim/base/check.h"

namespace outrider {

std::span<const OpId> TaskGraph::dependencies(OpId id) const {
  const std::uint32_t begin = first_dependency_[id.index()];
  const std::uint32_t end = first_dependency_[id.index() + 1];
  return {dependencies_.data() + begin, end - begin};
}

TaskGraph on_device(TaskGraph graph, int device) {
  if (device == 0) return graph;
  for (Op& op : graph.ops_) {
    CHECK(device_of(op.lane) == 0, "an op on lane {} is of another GPU already", op.lane.value);
    op.lane = lane_id(static_cast<Lane>(op.lane.index()), device);
  }
  return graph;
}

OpId GraphBuilder::add(Op op, std::span<const OpId> dependencies) {
  constexpr std::size_t kUsualOps = 1024;
  if (graph_.ops_.empty()) graph_.ops_.reserve(kUsualOps);
  const OpId id(graph_.ops_.size());
  graph_.first_dependency_.push_back(static_cast<std::uint32_t>(graph_.dependencies_.size()));
  for (const OpId dependency : dependencies) {
    if (!dependency.valid()) continue;
    CHECK(dependency < id, "op {} depends on op {}, which was not added before it", id.value, dependency.value);
    graph_.dependencies_.push_back(dependency);
  }
  graph_.ops_.push_back(std::move(op));
  return id;
}

void GraphBuilder::await(OpId op, CarrySlot slot) {
  CHECK(op.index() < graph_.size(), "op {} is not in the graph", op.value);
  graph_.awaits_.push_back({op, slot});
}

void GraphBuilder::fill(CarrySlot slot, OpId op) {
  CHECK(op.index() < graph_.size(), "op {} is not in the graph", op.value);
  graph_.fills_.push_back({op, slot});
}

TaskGraph GraphBuilder::seal(OpId last) && {
  CHECK(last.index() < graph_.size(), "the last op is not in the graph of {} ops", graph_.size());
  graph_.first_dependency_.push_back(static_cast<std::uint32_t>(graph_.dependencies_.size()));
  const auto by_op = [](const Carry& a, const Carry& b) { return a.op < b.op; };
  std::stable_sort(graph_.awaits_.begin(), graph_.awaits_.end(), by_op);
  std::stable_sort(graph_.fills_.begin(), graph_.fills_.end(), by_op);
  graph_.last_ = last;
  return std::move(graph_);
}

}  // namespace outrider
