// Rounds of the pool: a number that grows, a counter of chunks, a count of busy workers.
#include "kernels/cpu/thread_pool.h"

#include <pthread.h>
#include <sched.h>

#include "kernels/cpu/numa.h"
#include "sim/base/check.h"

namespace outrider {
namespace {

constexpr int kLooksBeforeYielding = 2000;

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

bool pin(std::thread& thread, int processor) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(processor), &set);
  return pthread_setaffinity_np(thread.native_handle(), sizeof set, &set) == 0;
}

}  // namespace

std::vector<int> usable_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> processors;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return {0};
  for (int i = 0; i < CPU_SETSIZE; ++i) {
    if (CPU_ISSET(static_cast<std::size_t>(i), &set)) processors.push_back(i);
  }
  std::vector<int> by_node;
  for (const std::vector<int>& node : numa_nodes(processors)) by_node.insert(by_node.end(), node.begin(), node.end());
  return by_node;
}

ThreadPool::ThreadPool(PoolOptions options) {
  const std::vector<int> processors = usable_processors();
  CHECK(options.threads >= -1, "a pool of {} workers", options.threads);
  const auto count = options.threads >= 0 ? static_cast<std::size_t>(options.threads) : processors.size() - 1;
  for (std::size_t i = 0; i < count; ++i) {
    workers_.emplace_back(&ThreadPool::work, this, static_cast<int>(i) + 1, options.spin);
    const bool own = options.pinned && i + 1 < processors.size();
    if (own && pin(workers_.back(), processors[i + 1])) ++pinned_;
  }
}

ThreadPool::~ThreadPool() {
  ending_ = true;
  round_.fetch_add(1, std::memory_order_release);
  round_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::parallel_for(std::size_t chunks, const std::function<void(std::size_t, int)>& body) {
  body_ = &body;
  chunks_ = chunks;
  next_.store(0, std::memory_order_relaxed);
  busy_.store(static_cast<int>(workers_.size()), std::memory_order_relaxed);
  round_.fetch_add(1, std::memory_order_release);
  round_.notify_all();
  take_chunks(0);
  // Where there are more threads than processors, a worker may need this one.
  for (int looks = 0; busy_.load(std::memory_order_acquire) > 0; ++looks) {
    looks < kLooksBeforeYielding ? relax() : std::this_thread::yield();
  }
}

void ThreadPool::take_chunks(int thread) {
  for (;;) {
    const std::size_t chunk = next_.fetch_add(1, std::memory_order_relaxed);
    if (chunk >= chunks_) return;
    (*body_)(chunk, thread);
  }
}

void ThreadPool::work(int thread, std::chrono::microseconds spin) {
  for (std::uint64_t done = 0; wait_for_round(done, spin); ++done) {
    take_chunks(thread);
    busy_.fetch_sub(1, std::memory_order_release);
  }
}

// Returns whether there is a round to work on.
bool ThreadPool::wait_for_round(std::uint64_t done, std::chrono::microseconds spin) {
  constexpr int kLooksPerClock = 64;
  const auto until = std::chrono::steady_clock::now() + spin;
  while (round_.load(std::memory_order_acquire) == done) {
    for (int i = 0; i < kLooksPerClock && round_.load(std::memory_order_relaxed) == done; ++i) relax();
    if (std::chrono::steady_clock::now() >= until) round_.wait(done, std::memory_order_acquire);
  }
  return !ending_.load(std::memory_order_acquire);
}

}  // namespace outrider
