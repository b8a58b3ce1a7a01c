// Random platforms and steps for property tests; a seed names a case.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <vector>

#include "sim/base/random.h"
#include "tests/support/steps.h"

namespace outrider {

// Whether units of an op may need several waves. On a shared pool the tails of waves may be packed better, or worse,
// than where the op is alone; so isolated durations bound the makespan, from below and above, only without such ops.
enum class Waves : std::uint8_t { one, many };

inline constexpr std::int64_t kSlots[] = {4, 6};

inline Platform random_platform(RandomStream& random) {
  const auto capacity = [&] { return 5.0 + 20.0 * random.uniform(); };
  return make_platform({{"HBM", capacity()}, {"PCIe", capacity()}, {"DRAM", capacity()}},
                       {{"SM", kSlots[0]}, {"cores", kSlots[1]}});
}

// Up to 4 µs between any two parties, none where an op is of party 0.
inline void add_random_signals(Platform& platform, RandomStream& random) {
  for (std::size_t from = 1; from < Signals::kParties; ++from) {
    for (std::size_t to = 1; to < Signals::kParties; ++to)
      platform.signals.time[from][to] = Duration::from_ps(static_cast<std::int64_t>(random.below(4 * kPsPerUs)));
  }
}

// Latencies are even, so that they can be halved exactly.
inline Demand random_demand(RandomStream& random, Waves waves) {
  Demand demand;
  if (random.below(3) > 0)
    demand.latency = Duration::from_ps(2 * static_cast<std::int64_t>(random.below(2 * kPsPerUs)));
  demand.ends_as = static_cast<std::uint8_t>(random.below(Signals::kParties));
  demand.waits_as = static_cast<std::uint8_t>(random.below(Signals::kParties));
  if (random.below(5) == 0) return demand;
  const std::size_t pool = random.below(3);
  std::int64_t most = waves == Waves::many ? 17 : 5;
  if (pool < 2) {
    demand.pool = PoolId(pool);
    demand.slots_per_unit = 1 + static_cast<std::int64_t>(random.below(2));
    if (waves == Waves::one) most = kSlots[pool] / demand.slots_per_unit;
  }
  demand.units = 1 + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(most)));
  demand.rate_cap = 1e6 / (1.0 + 9.0 * random.uniform());
  if (random.below(3) == 0) demand.weight = demand.rate_cap * (0.5 + random.uniform());
  for (std::size_t resource = 0; resource < 3; ++resource) {
    if (random.below(2) == 0) demand.use(ResourceId(resource), 30.0 * random.uniform());
  }
  return demand;
}

inline StepPlan random_step(RandomStream& random, Waves waves, std::size_t most_ops = 50) {
  constexpr Lane kLanes[] = {Lane::host, Lane::compute, Lane::side, Lane::h2d, Lane::cpu, Lane::none};
  StepBuilder step;
  const std::size_t ops = 2 + random.below(most_ops - 1);
  for (std::size_t i = 0; i < ops; ++i) {
    std::vector<OpId> dependencies;
    for (std::uint64_t d = random.below(4); d > 0 && i > 0; --d) {
      const OpId dependency(random.below(i));
      if (std::find(dependencies.begin(), dependencies.end(), dependency) == dependencies.end()) {
        dependencies.push_back(dependency);
      }
    }
    // Compilers differ in the order in which they evaluate arguments.
    const Lane lane = kLanes[random.below(std::size(kLanes))];
    const Demand demand = random_demand(random, waves);
    const OpId op = step.add(lane, demand, dependencies);
    if (random.below(10) == 0) step.await(op, static_cast<CarrySlot>(random.below(4)));
    if (random.below(10) == 0) step.fill(static_cast<CarrySlot>(random.below(4)), op);
  }
  return std::move(step).seal(OpId(random.below(ops)));
}

inline std::vector<StepPlan> random_steps(RandomStream& random, Waves waves, std::size_t steps) {
  std::vector<StepPlan> plans;
  for (std::size_t i = 0; i < steps; ++i) plans.push_back(random_step(random, waves));
  return plans;
}

}  // namespace outrider
