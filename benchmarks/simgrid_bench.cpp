// The same workloads on SimGrid: timers for hold, communications of actors over a routed platform for fluid sharing.
#include <benchmark/benchmark.h>

#include <simgrid/kernel/Timer.hpp>
#include <simgrid/s4u.hpp>
#include <string>
#include <vector>

#include "benchmarks/workload.h"

namespace outrider {
namespace {

namespace s4u = simgrid::s4u;
using simgrid::kernel::timer::Timer;

// SimGrid has one engine and one platform per process.
struct Grid {
  s4u::Engine engine;
  s4u::Host* dram = nullptr;
  std::vector<s4u::Host*> devices;

  explicit Grid(int& count, char** arguments) : engine(&count, arguments) {
    s4u::NetZone* zone = s4u::create_full_zone("machine");
    dram = zone->create_host("dram", 1e9);
    s4u::Link* root = zone->create_link("root", kRootRate)->set_latency(1e-9)->seal();
    s4u::Link* memory = zone->create_link("memory", kDramRate)->set_latency(0)->seal();
    for (std::size_t i = 0; i < kLeaves; ++i) {
      s4u::Host* device = zone->create_host("device" + std::to_string(i), 1e9);
      s4u::Link* leaf = zone->create_link("leaf" + std::to_string(i), kLeafRate)->set_latency(0)->seal();
      const std::vector<s4u::LinkInRoute> links = {s4u::LinkInRoute(leaf), s4u::LinkInRoute(root),
                                                   s4u::LinkInRoute(memory)};
      zone->add_route(device->get_netpoint(), dram->get_netpoint(), nullptr, nullptr, links, true);
      devices.push_back(device);
    }
    zone->seal();
  }
};

// CM02 without its corrections for TCP is fluid max-min sharing. It shares in inverse proportion to latency, so every
// route gets the same.
Grid& grid() {
  static std::vector<std::string> words = {"outrider_bench",           "--log=root.threshold:critical",
                                           "--cfg=network/model:CM02", "--cfg=network/TCP-gamma:0",
                                           "--cfg=network/weight-S:0", "--cfg=network/crosstraffic:no"};
  static std::vector<char*> arguments = [] {
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    return pointers;
  }();
  static int count = static_cast<int>(words.size());
  static Grid the_grid(count, arguments.data());
  return the_grid;
}

std::int64_t fired = 0;
std::size_t next_increment = 0;
std::vector<Timer*> timers;

void arm(std::size_t index) {
  const double delay = static_cast<double>(hold_increments()[++next_increment % kIncrements]) * 1e-12;
  timers[index] = Timer::set(s4u::Engine::get_clock() + delay, [index] {
    ++fired;
    arm(index);
  });
}

void hold_simgrid(benchmark::State& state) {
  s4u::Engine& engine = grid().engine;
  const auto pending = static_cast<std::size_t>(state.range(0));
  s4u::ActorPtr awake = s4u::Actor::create("awake", grid().dram, [] { s4u::this_actor::sleep_for(1e12); });
  timers.assign(pending, nullptr);
  for (std::size_t i = 0; i < pending; ++i) arm(i);
  const double step = kMeanIncrementPs * 1e-12 * static_cast<double>(kHoldBatch) / static_cast<double>(pending);
  fired = 0;
  for (auto _ : state) engine.run_until(s4u::Engine::get_clock() + step);
  state.SetItemsProcessed(fired);
  for (Timer* timer : timers) timer->remove();
  awake->kill();
}
BENCHMARK(hold_simgrid)->Name("hold/SimGrid")->Arg(64)->Arg(1000)->Arg(100000)->Arg(1000000);

void fluid_simgrid(benchmark::State& state) {
  s4u::Engine& engine = grid().engine;
  std::int64_t ended = 0;
  RandomStream random(1);
  std::vector<s4u::ActorPtr> streams;
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    s4u::Host* device = grid().devices[static_cast<std::size_t>(i) % kLeaves];
    streams.push_back(s4u::Actor::create("stream", device, [&ended, &random, device] {
      for (;;) {
        s4u::Comm::sendto(device, grid().dram, static_cast<std::uint64_t>(transfer_bytes(random)));
        ++ended;
      }
    }));
  }
  constexpr double kAHundredTransfers = 100.0 * 1.5e6 / kRootRate;
  for (auto _ : state) engine.run_until(s4u::Engine::get_clock() + kAHundredTransfers);
  state.SetItemsProcessed(ended);
  for (const s4u::ActorPtr& stream : streams) stream->kill();
  engine.run_until(s4u::Engine::get_clock() + 1e-9);
}
BENCHMARK(fluid_simgrid)->Name("fluid/SimGrid")->Arg(8)->Arg(32)->Arg(128);

}  // namespace
}  // namespace outrider
