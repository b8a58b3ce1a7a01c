// The fluid workload on our flow network.
#include <benchmark/benchmark.h>

#include "benchmarks/workload.h"
#include "sim/engine/flow_network.h"

namespace outrider {
namespace {

void fluid_outrider(benchmark::State& state) {
  constexpr std::size_t kRoot = kLeaves, kDram = kLeaves + 1;
  std::vector<double> capacities(kLeaves, kLeafRate);
  capacities.insert(capacities.end(), {kRootRate, kDramRate});
  FlowNetwork network(capacities);
  std::vector<FlowClassId> leaf;
  for (std::size_t i = 0; i < kLeaves; ++i) {
    leaf.push_back(
        network.intern({{{ResourceId(i), 1.0}, {ResourceId(kRoot), 1.0}, {ResourceId(kDram), 1.0}}, 0.0, 1.0}));
  }
  RandomStream random(1);
  Instant now;
  const auto begin = [&](std::uint64_t stream) {
    network.start(leaf[stream % kLeaves], transfer_bytes(random), 1, stream, now);
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
BENCHMARK(fluid_outrider)->Name("fluid/outrider")->Arg(8)->Arg(32)->Arg(128);

}  // namespace
}  // namespace outrider
