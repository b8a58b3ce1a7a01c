// Reading of topologies: a forest of named nodes, checked link by link.
#include "sim/io/topology_reader.h"

#include <fmt/format.h>

#include <algorithm>

namespace outrider {
namespace {

// Groups of connected nodes, merged link by link; a link within a group closes a cycle.
class Connected {
 public:
  explicit Connected(std::size_t nodes) : group_(nodes) {
    for (std::size_t i = 0; i < nodes; ++i) group_[i] = i;
  }
  bool together(std::size_t a, std::size_t b) const { return group_[a] == group_[b]; }
  void join(std::size_t a, std::size_t b) {
    const std::size_t from = group_[a], to = group_[b];
    std::replace(group_.begin(), group_.end(), from, to);
  }

 private:
  std::vector<std::size_t> group_;
};

std::vector<std::string> read_nodes(Section& section, Topology& topology) {
  const std::vector<std::string> kinds = {"gpu", "switch", "root_port", "socket", "dram"};
  std::vector<std::string> names;
  for (Section& item : section.sections({"nodes", "what the links connect"}, true)) {
    const std::string name = item.text("name");
    topology.nodes.push_back({name, item.choice("kind", kinds)});
    item.finish();
    if (std::find(names.begin(), names.end(), name) != names.end())
      item.complain("name", "a name of its own", "'" + name + "' again");
    names.push_back(name);
  }
  return names;
}

std::optional<std::size_t> read_end(Section& item, Key key, const std::vector<std::string>& names) {
  const std::string name = item.text(key);
  const auto found = std::find(names.begin(), names.end(), name);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  if (!name.empty())
    item.complain(key.name, "the name of a node", "'" + shortened(name) + "'", nearest_of(name, names));
  return std::nullopt;
}

// Returns whether all links could be placed.
bool read_links(Section& section, Topology& topology, const std::vector<std::string>& names, Connected& connected) {
  bool all_placed = true;
  for (Section& item : section.sections({"links", "each between two nodes; together they form a tree"}, true)) {
    const auto from = read_end(item, "from", names);
    const auto to = read_end(item, "to", names);
    const TopologyLink rates{
        .from = from ? names[*from] : "",
        .to = to ? names[*to] : "",
        .forward = BytesPerSecond(item.quantity({"forward", "from → to"}, Dimension::bytes_per_second)),
        .backward = BytesPerSecond(item.quantity({"backward", "to → from"}, Dimension::bytes_per_second)),
        .both = BytesPerSecond(
            item.quantity_or({"both", "cap on the sum of both directions"}, Dimension::bytes_per_second, 0.0))};
    item.finish();
    topology.links.push_back(rates);
    all_placed = all_placed && from && to;
    if (!from || !to) continue;
    if (connected.together(*from, *to))
      item.complain("to", "one route between any two nodes", "a link that closes a cycle");
    connected.join(*from, *to);
  }
  return all_placed;
}

std::vector<std::size_t> nodes_of(const Topology& topology, const std::string& kind) {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < topology.nodes.size(); ++i) {
    if (topology.nodes[i].kind == kind) found.push_back(i);
  }
  return found;
}

}  // namespace

Topology read_topology(Section section, std::int64_t gpu_count) {
  Topology topology;
  const std::vector<std::string> names = read_nodes(section, topology);
  Connected connected(names.size());
  const bool all_placed = read_links(section, topology, names, connected);
  section.finish();
  const std::vector<std::size_t> gpus = nodes_of(topology, "gpu"), drams = nodes_of(topology, "dram");
  if (static_cast<std::int64_t>(gpus.size()) != gpu_count) {
    section.complain("nodes", fmt::format("as many gpu nodes as gpu_count, {}", gpu_count),
                     fmt::format("{}", gpus.size()));
  }
  if (drams.empty()) section.complain("nodes", "a dram node", "none");
  for (const std::size_t gpu : gpus) {
    if (drams.empty() || !all_placed || connected.together(gpu, drams.front())) continue;
    section.complain("links", fmt::format("a route from '{}' to '{}'", names[gpu], names[drams.front()]), "none");
  }
  return topology;
}

}  // namespace outrider
