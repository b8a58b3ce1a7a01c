// The steps that run now, at most one of each replica, and what a replica's steps carry into its later ones.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "sim/graph/task_graph.h"
#include "sim/trace/trace.h"

namespace outrider {

struct RunningStep {
  std::size_t replica = 0;
  std::size_t step = 0;  // by submission
  SpanId last;           // the op whose end ends it
};

class ReplicaSteps {
 public:
  // CHECKs that the replica's step before has ended.
  void begin(const RunningStep& step);
  bool any() const;
  // Of the steps whose last op has ended, takes that of the lowest replica.
  template <class Ended>
  std::optional<RunningStep> take_ended(Ended&& ended) {
    for (Replica& replica : replicas_) {
      if (!replica.running || !ended(replica.running->last)) continue;
      return std::exchange(replica.running, std::nullopt);
    }
    return std::nullopt;
  }

  // The op that last filled the slot in the replica's steps; invalid if none did.
  SpanId carried(std::size_t replica, CarrySlot slot) const;
  void carry(std::size_t replica, CarrySlot slot, SpanId op);

 private:
  struct Replica {
    std::optional<RunningStep> running;
    std::vector<SpanId> carried;  // by slot
  };
  std::vector<Replica> replicas_;
};

// Puts steps that stand by submission in the order of a Trace, and renumbers them in their spans.
void sort_by_replica(Trace& trace);

}  // namespace outrider
