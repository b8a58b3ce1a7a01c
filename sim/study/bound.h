// Which part of the machine a step waits for: its critical path, summed by part.
#pragma once

#include <string>
#include <vector>

#include "sim/trace/metrics.h"

namespace outrider {

// "GPU", "link", "CPU", "DRAM", "host thread" or "other", and its share of the critical path.
struct BoundPart {
  std::string name;
  double share = 0.0;
};

// Largest first. By where an operation runs; what DRAM slowed most counts as DRAM's, and so do the CPU's operations
// that its reading slowed most where DRAM and not the cores bounds that (`dram_bounds_reads`).
std::vector<BoundPart> bound_parts(const std::vector<Cause>& causes, bool dram_bounds_reads);

}  // namespace outrider
