// The hardware models of one machine together: from its spec and profile to a Platform, and from any op to its Demand.
#pragma once

#include "hwmodels/cpu.h"
#include "hwmodels/gpu.h"
#include "hwmodels/op_sizes.h"
#include "hwmodels/pcie.h"
#include "hwmodels/profile.h"
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
  // The sizes that the profile was fitted to.
  const SampledRanges& ranges() const { return ranges_; }

 private:
  Platform platform_;  // filled by the models below, in their order
  HostSpec host_;
  GpuModel gpu_;
  PcieModel pcie_;
  CpuModel cpu_;
  SampledRanges ranges_;
};

}  // namespace outrider
