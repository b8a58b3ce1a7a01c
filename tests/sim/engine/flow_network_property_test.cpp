// Random systems: fairness by its own definition, capacity and conservation, incremental against from scratch.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "sim/base/random.h"
#include "sim/engine/flow_network.h"

namespace outrider {
namespace {

struct System {
  std::vector<double> capacities;
  std::vector<FlowClassSpec> classes;
  std::vector<std::uint32_t> populations;
};

System random_system(RandomStream& random) {
  System system;
  const std::size_t resources = 1 + random.below(6), classes = 1 + random.below(8);
  for (std::size_t i = 0; i < resources; ++i) system.capacities.push_back(1.0 + 99.0 * random.uniform());
  for (std::size_t i = 0; i < classes; ++i) {
    FlowClassSpec spec{.uses = {},
                       .rate_cap = random.below(2) == 0 ? 0.1 + 20.0 * random.uniform() : 0.0,
                       .weight = 0.1 + 5.0 * random.uniform()};
    for (std::size_t r = 0; r < resources; ++r) {
      if (random.below(2) == 0) spec.uses.push_back({ResourceId(r), 0.1 + 3.0 * random.uniform()});
    }
    if (spec.uses.empty()) spec.uses.push_back({ResourceId(0ul), 1.0});
    system.classes.push_back(spec);
    system.populations.push_back(static_cast<std::uint32_t>(1 + random.below(4)));
  }
  return system;
}

// Max-min fairness by bisection on the common level, class by class: independent of the solver's way of filling.
std::vector<double> rates_by_bisection(const System& system) {
  const std::size_t count = system.classes.size();
  std::vector<double> rate(count, -1.0);
  const auto at_level = [&](std::size_t i, double level) {
    const FlowClassSpec& spec = system.classes[i];
    const double free = level * spec.weight;
    return rate[i] >= 0.0 ? rate[i] : spec.rate_cap > 0.0 ? std::min(free, spec.rate_cap) : free;
  };
  const auto load = [&](std::size_t r, double level) {
    double sum = 0.0;
    for (std::size_t i = 0; i < count; ++i) {
      for (const Use& use : system.classes[i].uses) {
        if (use.resource.index() == r) sum += system.populations[i] * use.amount * at_level(i, level);
      }
    }
    return sum;
  };
  const auto feasible = [&](double level) {
    for (std::size_t r = 0; r < system.capacities.size(); ++r) {
      if (load(r, level) > system.capacities[r] * (1.0 + 1e-12)) return false;
    }
    return true;
  };
  while (std::count(rate.begin(), rate.end(), -1.0) > 0) {
    double low = 0.0, high = 1e6;
    for (int i = 0; i < 200; ++i) (feasible((low + high) / 2.0) ? low : high) = (low + high) / 2.0;
    std::vector<std::size_t> frozen;
    for (std::size_t i = 0; i < count; ++i) {
      if (rate[i] >= 0.0) continue;
      bool stuck = low > 1e5 || at_level(i, low) < low * system.classes[i].weight * (1.0 - 1e-9);
      for (const Use& use : system.classes[i].uses) {
        stuck = stuck || load(use.resource.index(), low) > system.capacities[use.resource.index()] * (1.0 - 1e-9);
      }
      if (stuck) frozen.push_back(i);
    }
    if (frozen.empty()) break;
    for (const std::size_t i : frozen) rate[i] = at_level(i, low);
  }
  return rate;
}

TEST(FlowNetworkProperty, RatesAreMaxMinFair) {
  RandomStream random(11);
  for (int round = 0; round < 1000; ++round) {
    const System system = random_system(random);
    FlowNetwork network(system.capacities);
    std::vector<FlowClassId> ids;
    for (std::size_t i = 0; i < system.classes.size(); ++i) {
      ids.push_back(network.intern(system.classes[i]));
      network.start(ids[i], 1.0, system.populations[i], i, Instant());
    }
    const std::vector<double> expected = rates_by_bisection(system);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      ASSERT_NEAR(network.rate(ids[i]), expected[i], 1e-6 * (1.0 + expected[i])) << "round " << round << " class " << i;
    }
  }
}

TEST(FlowNetworkProperty, NothingIsLostAndNoResourceIsOverfull) {
  RandomStream random(12);
  for (int round = 0; round < 100; ++round) {
    const System system = random_system(random);
    FlowNetwork network(system.capacities);
    std::vector<FlowClassId> ids;
    for (const FlowClassSpec& spec : system.classes) ids.push_back(network.intern(spec));
    std::vector<double> sent(system.capacities.size(), 0.0);
    Instant now;
    std::vector<CompletedFlow> ended;
    for (int event = 0; event < 60 || network.next_completion() != Instant::never(); ++event) {
      if (event < 60) {
        const std::size_t chosen = random.below(ids.size());
        const double amount = 0.1 + random.uniform();
        const auto members = static_cast<std::uint32_t>(1 + random.below(3));
        network.start(ids[chosen], amount, members, 0, now);
        for (const Use& use : system.classes[chosen].uses) sent[use.resource.index()] += amount * members * use.amount;
      }
      for (std::size_t r = 0; r < system.capacities.size(); ++r) {
        ASSERT_LE(network.usage(ResourceId(r)), system.capacities[r] * (1.0 + 1e-9));
      }
      if (event % 2 == 0 && event < 60) continue;
      now = network.next_completion();
      network.take_completed(now, ended);
    }
    for (std::size_t r = 0; r < sent.size(); ++r) {
      ASSERT_NEAR(network.moved(ResourceId(r), now), sent[r], 1e-9 * (1.0 + sent[r]));
    }
  }
}

// Starting all at once or one by one at the same instant, in any grouping, gives the same rates.
TEST(FlowNetworkProperty, IncrementalSolvingAgreesWithSolvingFromScratch) {
  RandomStream random(13);
  for (int round = 0; round < 300; ++round) {
    const System system = random_system(random);
    FlowNetwork whole(system.capacities), stepwise(system.capacities);
    std::vector<FlowClassId> a, b;
    for (std::size_t i = 0; i < system.classes.size(); ++i) {
      a.push_back(whole.intern(system.classes[i]));
      b.push_back(stepwise.intern(system.classes[i]));
      whole.start(a[i], 1e3, system.populations[i], i, Instant());
      for (std::uint32_t member = 0; member < system.populations[i]; ++member) {
        stepwise.start(b[i], 1e3, 1, i, Instant());
        stepwise.next_completion();
      }
    }
    for (std::size_t i = 0; i < a.size(); ++i) {
      ASSERT_NEAR(whole.rate(a[i]), stepwise.rate(b[i]), 1e-12 * (1.0 + whole.rate(a[i])));
    }
  }
}

}  // namespace
}  // namespace outrider
