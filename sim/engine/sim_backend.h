// Executes task graphs in simulated time: lanes admit, pools dispatch units, the flow network shares resources.
#pragma once

#include <memory>
#include <span>

#include "sim/engine/demand.h"
#include "sim/graph/task_graph.h"
#include "sim/trace/trace.h"

namespace outrider {

struct RecordOptions {
  bool usage = false;            // every change of every resource's rate
  bool edges = false;            // dependency edges
};

// Steps are submitted one after another. Detached ops of a step (those after its last op) go on running beneath the next.
class SimBackend {
 public:
  explicit SimBackend(Platform platform, RecordOptions record = {});
  ~SimBackend();

  // Simulates one step from now until the end of graph.last(). `demands[i]` belongs to op i.
  // Op semantics: ready when its dependencies and awaited slots have ended; starts when it heads its lane's FIFO
  // (Lane::none never queues) and, for units, as pool slots free up (ops get units in the order they became head).
  void run_step(const TaskGraph& graph, std::span<const Demand> demands);

  // Finishes whatever is still in flight and hands out the trace. The backend is then spent.
  Trace finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace outrider
