// A pool of pinned threads for parallel loops of some microseconds: workers spin before they sleep.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace outrider {

struct PoolOptions {
  int threads = -1;    // workers beside the caller; −1: one fewer than the processors this process may use
  bool pinned = true;  // worker i to the i-th such processor after the caller's; ignored where that is refused
  // How long a worker looks for work before it sleeps. Waking a sleeper takes some 50 µs.
  std::chrono::microseconds spin{200};
};

// One caller at a time. Chunks are handed out dynamically, in order.
class ThreadPool {
 public:
  explicit ThreadPool(PoolOptions options = {});
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }  // with the caller
  int pinned() const { return pinned_; }                                 // workers that sit on a processor of their own

  // Calls body(chunk, thread) for every chunk below `chunks`, thread in [0, threads()); returns once all have.
  void parallel_for(std::size_t chunks, const std::function<void(std::size_t chunk, int thread)>& body);

 private:
  void work(int thread, std::chrono::microseconds spin);
  bool wait_for_round(std::uint64_t done, std::chrono::microseconds spin);
  void take_chunks(int thread);

  std::vector<std::thread> workers_;
  int pinned_ = 0;
  const std::function<void(std::size_t, int)>* body_ = nullptr;
  std::size_t chunks_ = 0;
  alignas(64) std::atomic<std::uint64_t> round_{0};  // counts loops; the last one ends the workers
  alignas(64) std::atomic<std::size_t> next_{0};
  alignas(64) std::atomic<int> busy_{0};
  std::atomic<bool> ending_{false};
};

// The processors this process may run on, one NUMA node after the other, so that a few of them are near each other;
// within a node in order of their numbers.
std::vector<int> usable_processors();

}  // namespace outrider
