// The four limits on resident CTAs and the tightest of them.
#include "hwmodels/occupancy.h"

#include "sim/base/check.h"

namespace outrider {
namespace {

constexpr std::int64_t kWarp = 32;
constexpr std::int64_t kSubPartitions = 4;
constexpr std::int64_t kRegisterUnit = 256;     // per warp
constexpr std::int64_t kSharedUnit = 128;       // bytes
constexpr std::int64_t kSharedReserved = 1024;  // bytes per CTA, compute capability 8.0 and up
constexpr std::int64_t kMostThreads = 1024;     // per CTA
constexpr std::int64_t kMostRegisters = 255;    // per thread

constexpr std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }
constexpr std::int64_t round_up(std::int64_t a, std::int64_t unit) { return divide_up(a, unit) * unit; }

// Warps fit per sub-partition, so that a register count just above a quarter's share costs a whole warp in each.
std::int64_t by_registers(const GpuSpec& gpu, const LaunchConfig& launch, std::int64_t warps) {
  const std::int64_t per_warp = round_up(launch.registers_per_thread * kWarp, kRegisterUnit);
  if (per_warp == 0) return gpu.ctas_per_sm;
  // A CTA is accepted only if its warps, dealt evenly, fit the whole register file.
  if (per_warp * round_up(warps, kSubPartitions) > gpu.registers_per_sm) return 0;
  return gpu.registers_per_sm / kSubPartitions / per_warp * kSubPartitions / warps;
}

std::int64_t by_shared_memory(const GpuSpec& gpu, const LaunchConfig& launch) {
  const auto available = static_cast<std::int64_t>(gpu.shared_memory_per_sm.value());
  return available / round_up(launch.shared_bytes + kSharedReserved, kSharedUnit);
}

}  // namespace

Occupancy occupancy(const GpuSpec& gpu, const LaunchConfig& launch) {
  CHECK(launch.threads >= 1 && launch.registers_per_thread >= 0 && launch.shared_bytes >= 0,
        "a CTA of {} threads, {} registers each and {} B of shared memory", launch.threads, launch.registers_per_thread,
        launch.shared_bytes);
  if (launch.threads > kMostThreads) return {0, OccupancyLimit::threads};
  if (launch.registers_per_thread > kMostRegisters) return {0, OccupancyLimit::registers};
  const std::int64_t warps = divide_up(launch.threads, kWarp);
  Occupancy best{gpu.ctas_per_sm, OccupancyLimit::ctas};
  const auto tighten = [&best](std::int64_t ctas, OccupancyLimit limit) {
    if (ctas < best.ctas_per_sm) best = {ctas, limit};
  };
  tighten(gpu.threads_per_sm / kWarp / warps, OccupancyLimit::threads);
  tighten(by_registers(gpu, launch, warps), OccupancyLimit::registers);
  tighten(by_shared_memory(gpu, launch), OccupancyLimit::shared_memory);
  return best;
}

}  // namespace outrider
