// The hardware models of one machine together: from its spec and profile to a Platform, and from any op to its Demand.
// Each GPU has HBM, SMs, arithmetic, copy engines, a link and lanes of its own: what an op's lane says. All share DRAM,
// the cores, and the links of the topology where their routes meet.
#pragma once

#include <vector>

#include "hwmodels/cpu.h"
#include "hwmodels/gpu.h"
#include "hwmodels/launches.h"
#include "hwmodels/op_sizes.h"
#include "hwmodels/pcie.h"
#include "hwmodels/profile.h"
#include "hwmodels/signals.h"
#include "hwmodels/uncertainty.h"
#include "sim/engine/demand.h"
#include "sim/graph/op.h"
#include "sim/spec/machine.h"

namespace outrider {

class MachineModel {
 public:
  MachineModel(const MachineSpec& machine, const Profile& profile);

  const Platform& platform() const { return platform_; }
  // Pure: depends on the op and this model only.
  Demand demand(const Op& op) const;
  // Of every op of a graph, with what depends on how ops follow each other: signals, and what starting a kernel takes.
  std::vector<Demand> demands(const TaskGraph& graph) const;
  bool dram_bounds_cpu_reads() const { return cpu_.dram_bounds_reads(); }
  // The sizes that the profile was fitted to.
  const SampledRanges& ranges() const { return ranges_; }

 private:
  // With what only this GPU has.
  struct Device {
    GpuModel gpu;
    PcieModel pcie;
  };
  Demand model_demand(const Op& op) const;  // without the error of a drawn profile
  static std::vector<Device> devices_of(const MachineSpec& machine, const Profile& profile, Platform& platform);

  Platform platform_;  // filled by the models below, in their order
  HostSpec host_;
  LaunchCosts launch_costs_;
  std::vector<Device> devices_;
  std::vector<ResourceId> hbm_;  // of each device
  CpuModel cpu_;
  SampledRanges ranges_;
  OpErrors errors_;
};

}  // namespace outrider
