// The workloads that every engine is given alike.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/base/random.h"

namespace outrider {

// Hold: pop the earliest event, call its handler, schedule it again an exponential increment later; the number of
// pending events stays.
inline constexpr std::size_t kIncrements = 1 << 16;
inline constexpr double kMeanIncrementPs = 1e9;

inline const std::vector<std::int64_t>& hold_increments() {  // in picoseconds
  static const std::vector<std::int64_t> increments = [] {
    RandomStream random(1);
    std::vector<std::int64_t> drawn(kIncrements);
    for (std::int64_t& each : drawn) each = 1 + static_cast<std::int64_t>(random.exponential(kMeanIncrementPs));
    return drawn;
  }();
  return increments;
}

// Events that an engine which runs by itself is asked for at a time.
inline constexpr std::int64_t kHoldBatch = 10'000;

// Fluid: streams over 8 leaf links, a root port and DRAM; each starts its next transfer when the last has ended.
inline constexpr std::size_t kLeaves = 8;
inline constexpr double kLeafRate = 25e9, kRootRate = 100e9, kDramRate = 200e9;  // B/s
inline double transfer_bytes(RandomStream& random) { return 1e6 * (1.0 + random.uniform()); }

}  // namespace outrider
