// Affinities by the system's calls.
#include "kernels/backend/placement.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>

namespace outrider {

Placement place_threads(int workers, bool background) {
  const std::vector<int> processors = usable_processors();
  const auto count = static_cast<int>(processors.size());
  const int others = background ? 2 : 1;
  Placement placement;
  placement.pool.threads = workers > 0 ? workers - 1 : std::max(0, count - 1 - others);
  if (count < 4 || placement.pool.threads + 1 + others > count) return placement;
  placement.dispatcher = processors.front();
  placement.host = processors.back();
  if (background) placement.background = processors[processors.size() - 2];
  placement.pool.spin = std::chrono::milliseconds(10);
  return placement;
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
