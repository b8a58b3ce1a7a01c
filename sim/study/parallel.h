// A parallel loop whose results do not depend on the number of threads: each index is one independent task.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

namespace outrider {

// Calls task(i) for all i < count on up to `threads` threads (0: all cores). Tasks write to their own places only.
template <class Task>
void parallel_for(std::size_t count, int threads, const Task& task) {
  std::size_t workers =
      threads > 0 ? static_cast<std::size_t>(threads) : std::max(1u, std::thread::hardware_concurrency());
  workers = std::min(workers, count);
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i = next++; i < count; i = next++) task(i);
  };
  std::vector<std::thread> crew;
  for (std::size_t i = 1; i < workers; ++i) crew.emplace_back(work);
  work();
  for (std::thread& worker : crew) worker.join();
}

}  // namespace outrider
