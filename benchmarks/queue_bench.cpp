// The hold model on our event queue and on std::priority_queue.
#include <benchmark/benchmark.h>

#include <array>
#include <queue>

#include "benchmarks/workload.h"
#include "sim/engine/event_queue.h"

namespace outrider {
namespace {

std::uint64_t handled = 0;
void count_event(std::uint32_t payload) { handled += payload; }
constexpr std::array kHandlers = {&count_event, &count_event};

void hold_outrider(benchmark::State& state) {
  const std::vector<std::int64_t>& increments = hold_increments();
  EventQueue queue;
  std::size_t i = 0;
  for (; i < static_cast<std::size_t>(state.range(0)); ++i) {
    const Event event{static_cast<std::uint32_t>(i % kHandlers.size()), static_cast<std::uint32_t>(i)};
    queue.schedule(Instant::from_ps(increments[i % kIncrements]), Phase::complete, event);
  }
  for (auto _ : state) {
    const FiredEvent fired = queue.pop();
    kHandlers[fired.event.kind](fired.event.payload);
    queue.schedule(fired.at + Duration::from_ps(increments[++i % kIncrements]), Phase::complete, fired.event);
  }
  benchmark::DoNotOptimize(handled);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(hold_outrider)->Name("hold/outrider")->Arg(64)->Arg(1000)->Arg(100000)->Arg(1000000);

struct QueuedCall {
  std::int64_t at;
  std::uint64_t sequence;
  void (*call)(std::uint32_t);
  std::uint32_t payload;
  bool operator<(const QueuedCall& other) const { return at != other.at ? at > other.at : sequence > other.sequence; }
};

void hold_priority_queue(benchmark::State& state) {
  const std::vector<std::int64_t>& increments = hold_increments();
  std::priority_queue<QueuedCall> queue;
  std::uint64_t sequence = 0;
  for (; sequence < static_cast<std::uint64_t>(state.range(0)); ++sequence) {
    const auto payload = static_cast<std::uint32_t>(sequence);
    queue.push({increments[sequence % kIncrements], sequence, kHandlers[sequence % kHandlers.size()], payload});
  }
  for (auto _ : state) {
    const QueuedCall next = queue.top();
    queue.pop();
    next.call(next.payload);
    queue.push({next.at + increments[++sequence % kIncrements], sequence, next.call, next.payload});
  }
  benchmark::DoNotOptimize(handled);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(hold_priority_queue)->Name("hold/std::priority_queue")->Arg(64)->Arg(1000)->Arg(100000)->Arg(1000000);

}  // namespace
}  // namespace outrider
