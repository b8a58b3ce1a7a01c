// Processors of their own for the backend's threads, so that none is put off its processor while others wait for it.
#pragma once

#include <memory>
#include <vector>

#include "kernels/cpu/thread_pool.h"

namespace outrider {

// Processors by number; −1: none of its own.
struct Placement {
  int host = -1;        // the launching thread
  int dispatcher = -1;  // the one that calls the pool
  int background = -1;
  PoolOptions pool;
};

// Of n processors the pool's caller gets the first, its workers the next ones, the host thread the last one and the
// background thread, where there is one, the last but one. Workers then look for work for 10 ms before they sleep,
// since waking costs 50 µs and layers follow each other within a ms. With fewer than four processors nobody has one of
// his own. `workers`: threads that attend, with the caller; −1: as many as there are processors for.
Placement place_threads(int workers, bool background);
// Of several replicas: the pool and its caller serve all; host and background threads are each replica's own, pairs of
// processors counted from the last.
std::vector<Placement> place_replicas(int workers, bool background, int replicas);

// The calling thread on that processor for as long as this lives; ignored where it is refused, and for −1.
class PinnedHere {
 public:
  explicit PinnedHere(int processor);
  ~PinnedHere();
  PinnedHere(const PinnedHere&) = delete;
  PinnedHere& operator=(const PinnedHere&) = delete;

 private:
  struct Before;
  std::unique_ptr<Before> before_;  // where it was allowed to run
};

}  // namespace outrider
