// The hold model and a fluid PCIe tree: events per second of the engine's parts, beside std::priority_queue.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <queue>
#include <vector>

#include "sim/base/random.h"
#include "sim/engine/event_queue.h"
#include "sim/engine/flow_network.h"

namespace outrider {
namespace {

constexpr std::size_t kIncrements = 1 << 16;

std::vector<std::int64_t> exponential_increments() {
  RandomStream random(1);
  std::vector<std::int64_t> increments(kIncrements);
  for (std::int64_t& increment : increments) increment = 1 + static_cast<std::int64_t>(random.exponential(1e9));
  return increments;
}

// Pops one event and schedules it again; the population stays.
void hold_outrider(benchmark::State& state) {
  const std::vector<std::int64_t> increments = exponential_increments();
  EventQueue queue;
  std::size_t i = 0;
  for (; i < static_cast<std::size_t>(state.range(0)); ++i) {
    queue.schedule(Instant::from_ps(increments[i % kIncrements]), Phase::complete, {0, static_cast<std::uint32_t>(i)});
  }
  for (auto _ : state) {
    const FiredEvent fired = queue.pop();
    queue.schedule(fired.at + Duration::from_ps(increments[++i % kIncrements]), Phase::complete, fired.event);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(hold_outrider)->Arg(64)->Arg(1000)->Arg(100000)->Arg(1000000);

struct QueuedCall {
  std::int64_t at;
  std::uint64_t sequence;
  void (*call)();
  bool operator<(const QueuedCall& other) const { return at != other.at ? at > other.at : sequence > other.sequence; }
};

void hold_priority_queue(benchmark::State& state) {
  const std::vector<std::int64_t> increments = exponential_increments();
  std::priority_queue<QueuedCall> queue;
  std::uint64_t sequence = 0;
  for (; sequence < static_cast<std::uint64_t>(state.range(0)); ++sequence) {
    queue.push({increments[sequence % kIncrements], sequence, nullptr});
  }
  for (auto _ : state) {
    const QueuedCall next = queue.top();
    queue.pop();
    queue.push({next.at + increments[++sequence % kIncrements], sequence, next.call});
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(hold_priority_queue)->Arg(64)->Arg(1000)->Arg(100000)->Arg(1000000);

// Streams over 8 leaf links, a root and DRAM: each starts its next transfer, of random size, when the last has ended.
void fluid_pcie_tree(benchmark::State& state) {
  constexpr std::size_t kLeaves = 8, kRoot = 8, kDram = 9;
  std::vector<double> capacities(kLeaves, 25e9);
  capacities.insert(capacities.end(), {100e9, 200e9});
  FlowNetwork network(capacities);
  std::vector<FlowClassId> leaf;
  for (std::size_t i = 0; i < kLeaves; ++i) {
    leaf.push_back(
        network.intern({{{ResourceId(i), 1.0}, {ResourceId(kRoot), 1.0}, {ResourceId(kDram), 1.0}}, 0.0, 1.0}));
  }
  RandomStream random(1);
  Instant now;
  const auto begin = [&](std::uint64_t stream) {
    network.start(leaf[stream % kLeaves], 1e6 * (1.0 + random.uniform()), 1, stream, now);
  };
  for (std::uint64_t stream = 0; stream < static_cast<std::uint64_t>(state.range(0)); ++stream) begin(stream);
  std::vector<CompletedFlow> ended;
  std::int64_t count = 0;
  for (auto _ : state) {
    now = network.next_completion();
    ended.clear();
    network.take_completed(now, ended);
    for (const CompletedFlow& flow : ended) begin(flow.tag);
    count += static_cast<std::int64_t>(ended.size());
  }
  state.SetItemsProcessed(count);
}
BENCHMARK(fluid_pcie_tree)->Arg(8)->Arg(32)->Arg(128);

}  // namespace
}  // namespace outrider
