// Shortest routes by breadth-first search.
#include "hwmodels/topology.h"

#include <algorithm>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/breadth_first_search.hpp>

#include "sim/base/check.h"

namespace outrider {
namespace {

using Graph = boost::adjacency_list<boost::vecS, boost::vecS, boost::undirectedS>;

std::size_t node_named(const Topology& topology, const std::string& name) {
  const auto found = std::find_if(topology.nodes.begin(), topology.nodes.end(),
                                  [&](const TopologyNode& node) { return node.name == name; });
  CHECK(found != topology.nodes.end(), "no topology node '{}': readers refuse those", name);
  return static_cast<std::size_t>(found - topology.nodes.begin());
}

std::size_t nth_of_kind(const Topology& topology, const std::string& kind, int n) {
  for (std::size_t i = 0; i < topology.nodes.size(); ++i) {
    if (topology.nodes[i].kind == kind && n-- == 0) return i;
  }
  CHECK(false, "the topology has too few nodes of kind '{}'", kind);
  return 0;
}

// Of a link, by its own direction; `both` is invalid where it has no cap over both.
struct LinkResources {
  ResourceId forward, backward, both;
};

Hop hop_between(const Topology& topology, std::size_t from, std::size_t to) {
  for (std::size_t i = 0; i < topology.links.size(); ++i) {
    const std::size_t a = node_named(topology, topology.links[i].from), b = node_named(topology, topology.links[i].to);
    if (a == from && b == to) return {i, true};
    if (a == to && b == from) return {i, false};
  }
  CHECK(false, "no link between topology nodes {} and {}", from, to);
  return {};
}

}  // namespace

std::vector<Hop> route_to_dram(const Topology& topology, int gpu) {
  std::vector<Hop> route;
  if (topology.nodes.empty()) return route;
  Graph graph(topology.nodes.size());
  for (const TopologyLink& link : topology.links)
    boost::add_edge(node_named(topology, link.from), node_named(topology, link.to), graph);
  std::vector<std::size_t> toward(topology.nodes.size(), topology.nodes.size());
  const std::size_t dram = nth_of_kind(topology, "dram", 0);
  boost::breadth_first_search(
      graph, dram,
      boost::visitor(boost::make_bfs_visitor(boost::record_predecessors(toward.data(), boost::on_tree_edge()))));
  for (std::size_t node = nth_of_kind(topology, "gpu", gpu); node != dram; node = toward[node]) {
    CHECK(toward[node] < topology.nodes.size(), "no route from topology node {} to DRAM", node);
    route.push_back(hop_between(topology, node, toward[node]));
  }
  return route;
}

std::vector<std::vector<Crossing>> add_routes(const Topology& topology, std::int64_t gpus, Platform& platform) {
  const auto add = [&](const std::string& name, BytesPerSecond capacity) {
    platform.resources.push_back({name, "B/s", capacity.value()});
    return ResourceId(platform.resources.size() - 1);
  };
  std::vector<LinkResources> links;
  for (const TopologyLink& link : topology.links) {
    links.push_back({add(link.from + "→" + link.to, link.forward), add(link.to + "→" + link.from, link.backward), {}});
    if (link.both > BytesPerSecond(0.0)) links.back().both = add(link.from + "↔" + link.to, link.both);
  }
  std::vector<std::vector<Crossing>> routes(static_cast<std::size_t>(gpus));
  for (std::size_t gpu = 0; gpu < routes.size(); ++gpu) {
    for (const Hop& hop : route_to_dram(topology, static_cast<int>(gpu))) {
      const auto& [forward, backward, both] = links[hop.link];
      routes[gpu].push_back(hop.forward ? Crossing{backward, forward, both} : Crossing{forward, backward, both});
    }
  }
  return routes;
}

}  // namespace outrider
