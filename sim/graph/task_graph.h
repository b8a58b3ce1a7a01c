// The waist of the hourglass: the operations of one step and what each waits for, sealed into flat arrays.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "sim/graph/op.h"

namespace outrider {

// A slot that carries one op's completion from a step into later steps (a recall issued in step m that is needed
// in step m+1). Small dense integers, chosen by the method.
using CarrySlot = std::uint32_t;

struct Carry {
  OpId op;
  CarrySlot slot;
};

// Immutable. Ops are numbered in the order they were added, which is also the order in which lanes see them, and every
// dependency points to a smaller number: a graph is acyclic by construction.
class TaskGraph {
 public:
  std::size_t size() const { return ops_.size(); }
  std::span<const Op> ops() const { return ops_; }
  const Op& op(OpId id) const { return ops_[id.index()]; }
  std::span<const OpId> dependencies(OpId id) const;
  // Ops that wait for the op that last filled a slot in an earlier graph (no wait if never filled). Sorted by op.
  std::span<const Carry> awaits() const { return awaits_; }
  // Slots that this graph fills; in effect for later graphs only. Sorted by op.
  std::span<const Carry> fills() const { return fills_; }
  // The step is over when this op ends; ops after or beside it may still run (detached recalls).
  OpId last() const { return last_; }

 private:
  friend class GraphBuilder;
  friend TaskGraph on_device(TaskGraph graph, int device);
  std::vector<Op> ops_;
  std::vector<std::uint32_t> first_dependency_;  // size() + 1 offsets into dependencies_
  std::vector<OpId> dependencies_;
  std::vector<Carry> awaits_, fills_;
  OpId last_;
};

// The same work in the process of another GPU, from a graph of the first one's: each op on its lane there.
TaskGraph on_device(TaskGraph graph, int device);

class GraphBuilder {
 public:
  // Invalid ids among the dependencies are skipped, so that "the previous op, if any" needs no branch.
  OpId add(Op op, std::initializer_list<OpId> dependencies) {
    return add(op, std::span(dependencies.begin(), dependencies.size()));
  }
  OpId add(Op op, std::span<const OpId> dependencies);
  void await(OpId op, CarrySlot slot);
  void fill(CarrySlot slot, OpId op);
  std::size_t size() const { return graph_.ops_.size(); }

  // Requires at least one op; `last` is the op whose end ends the step.
  TaskGraph seal(OpId last) &&;

 private:
  TaskGraph graph_;
};

}  // namespace outrider
