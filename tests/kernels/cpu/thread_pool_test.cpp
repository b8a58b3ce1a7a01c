// Every chunk runs once, on a thread of the pool, however many threads and rounds there are.
#include "kernels/cpu/thread_pool.h"

#include <gtest/gtest.h>

#include <set>

namespace outrider {
namespace {

using std::chrono::microseconds;

TEST(ThreadPool, RunsEveryChunkOnce) {
  for (const int threads : {0, 1, 2, 3, 7}) {
    ThreadPool pool({.threads = threads, .pinned = false, .spin = microseconds(20)});
    EXPECT_EQ(pool.threads(), threads + 1);
    for (const std::size_t chunks : {0ul, 1ul, 2ul, 100ul, 1001ul}) {
      std::vector<std::atomic<int>> runs(chunks);
      pool.parallel_for(chunks, [&](std::size_t chunk, int thread) {
        ++runs[chunk];
        EXPECT_GE(thread, 0);
        EXPECT_LE(thread, threads);
      });
      for (const auto& each : runs) EXPECT_EQ(each.load(), 1);
    }
  }
}

// What a loop wrote is seen by its caller and by the next loop.
TEST(ThreadPool, RoundsFollowOneAnother) {
  ThreadPool pool({.threads = 3, .pinned = false, .spin = microseconds(5)});
  std::vector<int> values(64, 0);
  for (int round = 0; round < 500; ++round)
    pool.parallel_for(values.size(), [&](std::size_t chunk, int) { values[chunk] += static_cast<int>(chunk); });
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_EQ(values[i], 500 * static_cast<int>(i));
}

// Workers that went to sleep are woken.
TEST(ThreadPool, WakesSleepers) {
  ThreadPool pool({.threads = 2, .pinned = false, .spin = microseconds(0)});
  for (int round = 0; round < 20; ++round) {
    std::this_thread::sleep_for(microseconds(500));
    std::atomic<int> runs{0};
    pool.parallel_for(10, [&](std::size_t, int) { ++runs; });
    EXPECT_EQ(runs.load(), 10);
  }
}

TEST(ThreadPool, PinsAtMostOneWorkerToEachOtherProcessor) {
  const std::vector<int> usable = usable_processors();
  const std::size_t processors = usable.size();
  ASSERT_GE(processors, 1u);
  EXPECT_EQ(std::set<int>(usable.begin(), usable.end()).size(), processors);
  ThreadPool pool;
  EXPECT_EQ(pool.threads(), static_cast<int>(processors));
  EXPECT_LE(pool.pinned(), static_cast<int>(processors) - 1);
}

}  // namespace
}  // namespace outrider
