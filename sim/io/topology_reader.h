// The interconnect of a machine file: nodes, links, and that every GPU has one route to memory.
#pragma once

#include "sim/io/yaml_reader.h"
#include "sim/spec/machine.h"

namespace outrider {

// Requires gpu_count >= 1. Refuses unknown names, second routes between two nodes, and GPUs without a route to the
// first dram node.
Topology read_topology(Section section, std::int64_t gpu_count);

}  // namespace outrider
