// CTAs that one SM holds at once, from a kernel's launch configuration: what the CUDA occupancy API answers.
#pragma once

#include <cstdint>

#include "sim/spec/machine.h"

namespace outrider {

// What a CTA of a kernel occupies.
struct LaunchConfig {
  std::int64_t threads = 0;
  std::int64_t registers_per_thread = 0;
  std::int64_t shared_bytes = 0;  // static and dynamic, without what the system reserves
};

enum class OccupancyLimit : std::uint8_t { none, registers, shared_memory, threads, ctas };

struct Occupancy {
  std::int64_t ctas_per_sm = 0;  // 0: the configuration does not fit at all
  OccupancyLimit limit = OccupancyLimit::none;
};

// As cudaOccupancyMaxActiveBlocksPerMultiprocessor for compute capability 8.0 and up (cuda_occupancy.h of the CUDA
// toolkit): warps are dealt to 4 sub-partitions that own a quarter of the registers each; registers are allocated per
// warp in units of 256; shared memory per CTA in units of 128 bytes after 1 KiB for the system. The whole of the SM's
// shared memory is taken as available, as the driver's default carve-out grants it. Requires threads >= 1.
Occupancy occupancy(const GpuSpec& gpu, const LaunchConfig& launch);

}  // namespace outrider
