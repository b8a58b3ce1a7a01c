// What this host's DRAM gives at the moment: machines of one kind differ, and so does one that is shared, from hour to
// hour. The fit takes the ceiling of each run from that run, and validation that of each point from just before it.
#pragma once

#include <cstdint>
#include <vector>

#include "hwmodels/machine_model.h"
#include "kernels/cpu/pages.h"
#include "kernels/cpu/thread_pool.h"

namespace outrider {

class DramReads {
 public:
  // Takes 1 GiB of memory. Throws std::runtime_error where there is none.
  DramReads();

  // Bytes per second that all processors read together, the median of some passes; a third of a second or so.
  BytesPerSecond rate();

 private:
  ThreadPool pool_;
  Pages memory_;
  std::vector<std::uint64_t> sums_;  // of chunks, so that no read can be left out
};

// What a host gave steps that it executed; 0: as profile and machine have it.
struct HostState {
  BytesPerSecond dram_read{};    // to reads of all its processors
  std::int64_t cpu_workers = 0;  // threads of the CPU lane

  bool operator==(const HostState&) const = default;
};

// The machine with that for the ceiling of DRAM, and so many cores to attend.
MachineModel model_of_host(const MachineSpec& machine, const Profile& profile, const HostState& host);

}  // namespace outrider
