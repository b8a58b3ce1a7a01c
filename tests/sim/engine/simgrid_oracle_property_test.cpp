// Rates of 1,000 random systems against SimGrid's solver of max-min fairness, where SimGrid is installed.
//
// Comparable are flows of equal weight that take one byte of every resource on their route per byte of progress, with
// or without a rate cap: SimGrid's communications have no weights and no factors per link.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sim/base/random.h"
#include "sim/engine/flow_network.h"

#ifdef OUTRIDER_HAS_SIMGRID
#include <simgrid/s4u.hpp>
#endif

namespace outrider {
namespace {

constexpr std::size_t kSystems = 1000;

struct RoutedFlow {
  std::vector<std::size_t> route;  // resources, at least one
  double rate_cap = 0.0;           // B/s; 0: none
};
struct RoutedSystem {
  std::vector<double> capacities;  // B/s
  std::vector<RoutedFlow> flows;
};

RoutedSystem random_system(RandomStream& random) {
  RoutedSystem system;
  const std::size_t resources = 1 + random.below(6), flows = 1 + random.below(10);
  for (std::size_t i = 0; i < resources; ++i) system.capacities.push_back(1e6 * (1.0 + 99.0 * random.uniform()));
  for (std::size_t i = 0; i < flows; ++i) {
    RoutedFlow flow;
    for (std::size_t resource = 0; resource < resources; ++resource) {
      if (random.below(2) == 0) flow.route.push_back(resource);
    }
    if (flow.route.empty()) flow.route.push_back(random.below(resources));
    if (random.below(2) == 0) flow.rate_cap = 1e6 * (0.1 + 20.0 * random.uniform());
    system.flows.push_back(flow);
  }
  return system;
}

std::vector<RoutedSystem> random_systems() {
  RandomStream random(31);
  std::vector<RoutedSystem> systems;
  for (std::size_t i = 0; i < kSystems; ++i) systems.push_back(random_system(random));
  return systems;
}

std::vector<double> our_rates(const RoutedSystem& system) {
  FlowNetwork network(system.capacities);
  std::vector<FlowClassId> classes;
  for (const RoutedFlow& flow : system.flows) {
    FlowClassSpec spec{.uses = {}, .rate_cap = flow.rate_cap, .weight = 1.0};
    for (const std::size_t resource : flow.route) spec.uses.push_back({ResourceId(resource), 1.0});
    classes.push_back(network.intern(spec));
    network.start(classes.back(), 1e9, 1, 0, Instant());
  }
  std::vector<double> rates;
  for (const FlowClassId each : classes) rates.push_back(network.rate(each));
  return rates;
}

#ifdef OUTRIDER_HAS_SIMGRID

namespace s4u = simgrid::s4u;

struct Pair {
  s4u::Host *from, *to;
};

// One zone of its own for a system: a pair of hosts and a route for every flow.
std::vector<Pair> build(const RoutedSystem& system, s4u::NetZone* root, const std::string& name) {
  s4u::NetZone* zone = s4u::create_full_zone(name)->set_parent(root);
  std::vector<const s4u::Link*> links;
  for (std::size_t i = 0; i < system.capacities.size(); ++i) {
    links.push_back(zone->create_link(name + "l" + std::to_string(i), system.capacities[i])->set_latency(0.0)->seal());
  }
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < system.flows.size(); ++i) {
    const std::string end = name + "h" + std::to_string(i);
    const Pair pair{zone->create_host(end + "a", 1e9)->seal(), zone->create_host(end + "b", 1e9)->seal()};
    // A link of the flow's own is its rate cap. SimGrid shares in inverse proportion to latency: it gives all the same.
    const double cap = system.flows[i].rate_cap > 0.0 ? system.flows[i].rate_cap : 1e15;
    const s4u::Link* own = zone->create_link(end + "l", cap)->set_latency(1e-3)->seal();
    std::vector<s4u::LinkInRoute> route = {s4u::LinkInRoute(own)};
    for (const std::size_t resource : system.flows[i].route) route.emplace_back(links[resource]);
    zone->add_route(pair.from->get_netpoint(), pair.to->get_netpoint(), nullptr, nullptr, route, false);
    pairs.push_back(pair);
  }
  zone->seal();
  return pairs;
}

// All systems at once, each flow far from done: what each moves in a second is its rate.
std::vector<std::vector<double>> simgrid_rates(const std::vector<RoutedSystem>& systems) {
  std::vector<std::string> words = {"oracle",
                                    "--log=root.threshold:critical",
                                    "--cfg=network/model:CM02",
                                    "--cfg=network/TCP-gamma:0",
                                    "--cfg=network/weight-S:0",
                                    "--cfg=network/crosstraffic:no"};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  int count = static_cast<int>(words.size());
  s4u::Engine engine(&count, arguments.data());
  s4u::NetZone* root = s4u::create_full_zone("root");
  std::vector<std::vector<Pair>> pairs;
  for (std::size_t i = 0; i < systems.size(); ++i) pairs.push_back(build(systems[i], root, "s" + std::to_string(i)));
  root->seal();
  constexpr double kBytes = 1e12;
  std::vector<std::vector<double>> rates(systems.size());
  s4u::Actor::create("observer", pairs[0][0].from, [&] {
    std::vector<std::vector<s4u::CommPtr>> started(systems.size());
    for (std::size_t i = 0; i < systems.size(); ++i) {
      for (std::size_t j = 0; j < pairs[i].size(); ++j) {
        s4u::CommPtr comm = s4u::Comm::sendto_init();
        comm->set_payload_size(static_cast<std::uint64_t>(kBytes));
        comm->set_source(pairs[i][j].from)->set_destination(pairs[i][j].to);
        started[i].push_back(comm);  // both ends known: it runs
      }
    }
    s4u::this_actor::sleep_for(0.5);
    for (std::size_t i = 0; i < systems.size(); ++i) {
      for (const s4u::CommPtr& comm : started[i]) rates[i].push_back(comm->get_remaining());
    }
    s4u::this_actor::sleep_for(1.0);
    for (std::size_t i = 0; i < systems.size(); ++i) {
      for (std::size_t j = 0; j < rates[i].size(); ++j) {
        rates[i][j] -= started[i][j]->get_remaining();
        started[i][j]->cancel();
      }
    }
    s4u::Actor::kill_all();
  });
  engine.run_until(2.0);
  return rates;
}

TEST(FlowNetworkOracle, RatesEqualSimGridsOnAThousandRandomSystems) {
  const std::vector<RoutedSystem> systems = random_systems();
  const std::vector<std::vector<double>> expected = simgrid_rates(systems);
  for (std::size_t i = 0; i < systems.size(); ++i) {
    const std::vector<double> ours = our_rates(systems[i]);
    ASSERT_EQ(ours.size(), expected[i].size()) << "system " << i;
    for (std::size_t j = 0; j < ours.size(); ++j) {
      EXPECT_NEAR(ours[j] / expected[i][j], 1.0, 1e-4) << "system " << i << " flow " << j;
    }
  }
}

#else

TEST(FlowNetworkOracle, RatesEqualSimGridsOnAThousandRandomSystems) {
  GTEST_SKIP() << "built without SimGrid (make bench-dependencies installs it), or with sanitizers, which its "
                  "switching of stacks confuses; our rates of "
               << random_systems().size() << " systems start with " << our_rates(random_systems()[0])[0];
}

#endif

}  // namespace
}  // namespace outrider
