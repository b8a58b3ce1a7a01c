// CPU kernels as demands: chunks on cores, bytes on DRAM, FLOPs on the core's own units.
#pragma once

#include "hwmodels/profile.h"
#include "sim/engine/demand.h"
#include "sim/graph/op.h"
#include "sim/spec/machine.h"

namespace outrider {

// A parallel-for of U chunks on C cores (one core stays with the host thread). A chunk of q bytes and f FLOPs goes at
//   min( b / q,  e · D / (A · q),  e_ar · p / f )  chunks per second,
// with b one core's streaming rate, D the achievable DRAM bandwidth (measured where the machine file says so, else peak
// × efficiency), A the chunks at once, e the kernel's share of D, p the core's peak arithmetic. Where the machine file
// states a measured attention rate, that is e · D for attention. Before it, fork and join cost a + b · threads. On
// several sockets, memory is taken as interleaved and inter-socket links as wide enough for its share.
class CpuModel {
 public:
  CpuModel(const CpuSpec& cpu, const Profile& profile, Platform& platform);
  Demand demand(const Op& op) const;
  ResourceId dram() const { return dram_; }

 private:
  struct Work {
    double chunks, bytes, flops, dram_rate;
  };
  Demand parallel_for(const Work& work) const;

  CpuSpec cpu_;
  double cores_, dram_rate_, attention_rate_, stream_rate_, core_flops_bf16_;
  Duration fork_join_;
  ResourceId dram_;
  PoolId pool_;
};

}  // namespace outrider
