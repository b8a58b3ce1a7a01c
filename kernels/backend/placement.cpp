// Affinities by the system's calls.
#include "kernels/backend/placement.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>

namespace outrider {

Placement place_threads(int workers, bool background) { return place_replicas(workers, background, 1).front(); }

std::vector<Placement> place_replicas(int workers, bool background, int replicas) {
  const std::vector<int> processors = usable_processors();
  const auto count = static_cast<int>(processors.size());
  const int each = background ? 2 : 1, others = each * replicas;
  Placement common;
  common.pool.threads = workers > 0 ? workers - 1 : std::max(0, count - 1 - others);
  std::vector<Placement> placements(static_cast<std::size_t>(replicas), common);
  if (count < 4 || common.pool.threads + 1 + others > count) return placements;
  auto last = processors.rbegin();
  for (Placement& placement : placements) {
    placement.dispatcher = processors.front();
    placement.host = *last++;
    if (background) placement.background = *last++;
    placement.pool.spin = std::chrono::milliseconds(10);
  }
  return placements;
}

struct PinnedHere::Before {
  cpu_set_t set;
};

PinnedHere::PinnedHere(int processor) {
  auto before = std::make_unique<Before>();
  if (processor < 0 || pthread_getaffinity_np(pthread_self(), sizeof before->set, &before->set) != 0) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(processor), &set);
  if (pthread_setaffinity_np(pthread_self(), sizeof set, &set) == 0) before_ = std::move(before);
}

PinnedHere::~PinnedHere() {
  if (before_) pthread_setaffinity_np(pthread_self(), sizeof before_->set, &before_->set);
}

}  // namespace outrider
