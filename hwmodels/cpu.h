// CPU kernels as demands: chunks on cores, bytes on DRAM, FLOPs on the core's own units.
#pragma once

#include "hwmodels/profile.h"
#include "sim/engine/demand.h"
#include "sim/graph/op.h"
#include "sim/spec/machine.h"

namespace outrider {

// What crosses between sockets; GPUs hang on the first one.
struct InterSocket {
  double share = 0.0;  // of all bytes; 0: one socket, or a link that the machine file does not state
  ResourceId to_first, from_first;
};

// A parallel-for of U chunks on C cores (one core stays with the host thread). A chunk of q bytes and f FLOPs goes at
//   min( b / q,  e · R / (A · q),  e_ar · p / f )  chunks per second,
// with b one core's streaming rate, R what the cores can read, A the chunks at once, e the kernel's share of R, p the
// core's peak arithmetic. R is DRAM's peak × efficiency; where the machine file states a measured rate M of m cores, R
// is at most M · cores / m: what keeps M below DRAM's rate is taken to lie in the cores. A measured attention rate
// stands for e · R likewise, and for the arithmetic. Before the kernel, fork and join cost a + b · threads. On S
// sockets memory is interleaved: (S − 1) / S of all bytes cross the inter-socket link, a kernel's evenly in both
// directions.
class CpuModel {
 public:
  CpuModel(const CpuSpec& cpu, const Profile& profile, Platform& platform);
  Demand demand(const Op& op) const;
  ResourceId dram() const { return dram_; }
  const InterSocket& inter_socket() const { return inter_socket_; }

 private:
  struct Work {
    double chunks, bytes, flops, dram_rate;
  };
  Demand parallel_for(const Work& work) const;

  CpuSpec cpu_;
  double cores_, attention_rate_, stream_rate_, core_flops_bf16_;
  Duration fork_join_;
  ResourceId dram_;
  InterSocket inter_socket_;
  PoolId pool_;
};

}  // namespace outrider
