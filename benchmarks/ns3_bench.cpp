// The hold model on ns-3's simulator with its default scheduler, the map.
#include <benchmark/benchmark.h>
#include <ns3/simulator.h>

#include "benchmarks/workload.h"

namespace outrider {
namespace {

std::int64_t left = 0;  // events until the simulator is asked to pause
std::size_t next_increment = 0;

void arm() {
  const std::int64_t picoseconds = hold_increments()[++next_increment % kIncrements];
  ns3::Simulator::Schedule(ns3::NanoSeconds(static_cast<std::uint64_t>(1 + picoseconds / 1000)), [] {
    arm();
    if (--left == 0) ns3::Simulator::Stop();
  });
}

void hold_ns3(benchmark::State& state) {
  for (std::int64_t i = 0; i < state.range(0); ++i) arm();
  for (auto _ : state) {
    left = kHoldBatch;
    ns3::Simulator::Run();
  }
  state.SetItemsProcessed(state.iterations() * kHoldBatch);
  ns3::Simulator::Destroy();
}
BENCHMARK(hold_ns3)->Name("hold/ns-3")->Arg(64)->Arg(1000)->Arg(100000)->Arg(1000000);

}  // namespace
}  // namespace outrider
