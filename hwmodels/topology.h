// Routes of the interconnect: which links a copy between a GPU and DRAM crosses.
#pragma once

#include <vector>

#include "sim/engine/demand.h"
#include "sim/spec/machine.h"

namespace outrider {

// One link crossed, and whether along its own direction.
struct Hop {
  std::size_t link = 0;
  bool forward = true;
};

// The route from the n-th gpu node to the first dram node; empty without a topology. Requires that a route exists.
std::vector<Hop> route_to_dram(const Topology& topology, int gpu);

// A link on the way between a GPU and DRAM: what bytes cross in either direction, and its cap over both, invalid where
// it has none.
struct Crossing {
  ResourceId to_gpu, from_gpu, both;
};

// Adds the topology's links to the platform, once each; returns the links on each GPU's way.
std::vector<std::vector<Crossing>> add_routes(const Topology& topology, std::int64_t gpus, Platform& platform);

}  // namespace outrider
