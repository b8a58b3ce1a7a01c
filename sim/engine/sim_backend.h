// Executes task graphs in simulated time: lanes admit, pools dispatch units, the flow network shares resources.
#pragma once

#include <memory>
#include <span>

#include "sim/engine/demand.h"
#include "sim/graph/task_graph.h"
#include "sim/trace/trace.h"

namespace outrider {

struct RecordOptions {
  bool usage = false;  // every change of every resource's rate
  bool edges = false;  // dependency edges
};

// A replica's steps are submitted one after another, those of several replicas beside one another. Detached ops of a
// step (those after its last op) go on running beneath the next.
//
// An op passes through these instants, all in the trace or derived from it:
//   created   its step is submitted
//   ready     it knows that its dependencies and awaited slots have ended: the platform's signals take their time, but
//             for what had ended before the step was submitted
//   admitted  ready, and it heads its lane's FIFO: every earlier op of the lane has ended. Lane::none does not queue
//   arrived   admitted + latency. Its units join the end of the pool's queue; ops that arrive together, in op order
//   placed    its first unit gets slots (at arrival if the op has no pool). A pool serves only the first op of its
//             queue: the next op's units get slots once all of the first one's are placed
//   end       its last unit ended; of an op without units, arrived
// The latency overlaps a wait for slots, as launching a kernel overlaps with what is still running:
//   start = placed − latency     (= admitted if the first unit got slots at arrival, later by the wait if not)
// so that the ledger is: dependency = ready − created; queue = start − ready, the lane's wait and the pool's up to the
// first unit; work = min(isolated_duration, end − start); contention = the rest: slower rates, and waits of later
// units. Units that get slots at the same instant run as one group, so a wave costs one event whatever its size.
// Everything that ends at an instant frees its slots before any unit is placed at that instant. (Work is capped since a
// shared pool can pack the waves' tails better than the op alone does.)
class SimBackend {
 public:
  explicit SimBackend(Platform platform, RecordOptions record = {});
  ~SimBackend();

  // Submits a step of a replica now. `demands[i]` belongs to op i. A slot that several ops of the graph fill stands for
  // the last of them in op order; each replica has slots of its own. Requires that the replica's step before has ended.
  void submit(const TaskGraph& graph, std::span<const Demand> demands, std::size_t replica = 0);
  // Simulates until a submitted step ends, and returns whose it is: of those that end at one instant, one at a call,
  // the lowest first. Requires such a step.
  std::size_t wait();
  // One step from now until the end of graph.last().
  void run_step(const TaskGraph& graph, std::span<const Demand> demands) {
    submit(graph, demands);
    wait();
  }

  // Finishes whatever is still in flight and hands out the trace. The backend is then spent.
  Trace finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace outrider
