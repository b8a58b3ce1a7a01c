// The ops that have not ended yet, with what each still waits for and which ops wait for it.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/base/ids.h"

namespace outrider {

// Spans are numbered over the whole run, but only the window from the oldest unfinished step on is kept, in two flat
// vectors that are reused: no allocation per op.
class OpWindow {
 public:
  struct PendingOp {
    std::uint32_t missing = 0;  // predecessors of whose end it does not know
    std::uint32_t demand = 0;   // index in the demand table
    std::uint32_t first_edge = kNoEdge;
  };

  // Starts a step whose ops are then added in order; drops the steps at the front that have ended wholly.
  void begin_step();
  SpanId add(std::uint32_t demand);
  // `to`, the op added last, waits for `from`, which has not ended.
  void link(SpanId from, SpanId to);

  PendingOp& operator[](SpanId id) { return ops_[id.index() - first_op_]; }

  // Ends an op; calls `waiting` with every op that waits for it, each of which is to learn() of it now or later.
  template <class Waiting>
  void end(SpanId id, Waiting&& waiting) {
    --unfinished_;
    for (std::uint32_t edge = end_and_take_edges(id); edge != kNoEdge;) {
      const Edge taken = edges_[edge - first_edge_];
      waiting(taken.to);
      edge = taken.next;
    }
  }
  // Of one end that it waited for. Returns whether it waits for nothing else.
  bool learn(SpanId id) { return --(*this)[id].missing == 0; }

  std::size_t unfinished() const { return unfinished_; }

 private:
  static constexpr std::uint32_t kNoEdge = 0xffffffffu;
  struct Edge {
    SpanId to;
    std::uint32_t next = kNoEdge;
  };
  struct StepWindow {
    std::size_t first_op = 0, first_edge = 0;
    std::size_t unfinished = 0;
  };
  std::uint32_t end_and_take_edges(SpanId id);
  void drop_ended_steps();

  std::vector<PendingOp> ops_;
  std::vector<Edge> edges_;  // an edge is made when `to` is added: so it is never older than the step of `from`
  std::vector<StepWindow> steps_;
  std::size_t first_op_ = 0, first_edge_ = 0;
  std::size_t unfinished_ = 0;
};

}  // namespace outrider
