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

// Link resources on the platform, by link and direction; `both` is invalid where the link has no cap over both.
struct LinkResources {
  ResourceId forward, backward, both;
};
std::vector<LinkResources> add_links(const Topology& topology, Platform& platform);

}  // namespace outrider
