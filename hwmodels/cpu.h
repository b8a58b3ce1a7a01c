// CPU kernels as demands: chunks on cores, bytes on DRAM, FLOPs on the cores' own units.
#pragma once

#include "hwmodels/profile.h"
#include "sim/engine/demand.h"
#include "sim/graph/op.h"
#include "sim/spec/machine.h"

namespace outrider {

// What crosses between sockets, as seen from one: the first, where a single GPU hangs.
struct InterSocket {
  double share = 0.0;  // of all bytes; 0: one socket, or a link that the machine file does not state
  ResourceId inward, outward;
};

// A parallel-for of C workers (one core stays with the host thread of each GPU). Its items are dealt out evenly: a
// chunk each where there are fewer items than workers, else a multiple of C, so that no worker waits in a last wave. A
// chunk of q bytes and f FLOPs takes
//   q / b + f / (e_ar · p)  seconds,
// with b one core's streaming rate and p the core's peak arithmetic: a core's loads and arithmetic do not hide behind
// each other. (On the H200's host, attention of 1 to 8 query heads by 16 threads follows this within 3 %.) All kernels
// together share two more resources: the time of what reads for the workers, at R = min(C · b, M), of which a kernel of
// efficiency e takes q / (e · R), and a copied byte what it displaces; and DRAM itself, shared with copies. M is DRAM's
// peak × efficiency; where the machine file states a rate measured on m cores, M is that rate · C / m, at most DRAM's:
// what keeps it below is taken to lie in the cores. A measured attention rate stands for e · R likewise, and for the
// arithmetic. Before the kernel, fork and join cost a + b · threads. Attention takes some microseconds of its own and
// some for each part that a core has one after another: a KV head of a sequence is one, or is split as kernels split
// it. Tokens that lie one by one each take a core some time of their own, for every KV head. A gather by a host thread
// is no parallel-for: it runs on that thread's own core, at e · b, and shares only DRAM with the workers. A look-up in
// hash tables takes a core a time for each bucket that it opens, whose lines lie anywhere in DRAM, and one for each
// token in it, whose count is raised in a cache. On S sockets memory is interleaved: (S − 1) / S of all bytes cross the
// inter-socket link, a kernel's evenly in both directions.
class CpuModel {
 public:
  CpuModel(const MachineSpec& machine, const Profile& profile, Platform& platform);
  Demand demand(const Op& op) const;
  ResourceId dram() const { return dram_; }
  // Seen from the socket of a GPU. They are dealt out evenly, in order.
  InterSocket inter_socket(std::int64_t gpu) const;
  ResourceId reads() const { return reads_; }
  // DRAM, and not the cores, bounds what the workers read.
  bool dram_bounds_reads() const { return workers_ * cpu_.core_bandwidth.value() >= dram_rate_; }
  // Time of the workers' reading that a byte of a copy over the link displaces.
  double copy_cost(Direction direction) const { return direction == Direction::h2d ? h2d_cost_ : d2h_cost_; }

 private:
  struct Work {
    double items, bytes, flops;
    double beginning = 0.0;  // seconds of a core beside these
    double efficiency = 1.0;
  };
  Demand parallel_for(const Work& work) const;
  Demand look_up_hashes(const StreamShape& shape) const;
  Demand by_host(double bytes) const;
  void use_memory(Demand& demand, double bytes) const;  // of a unit
  double parts_of_a_worker(double heads, double tokens) const;

  CpuSpec cpu_;
  std::int64_t gpus_;
  double workers_;
  double dram_rate_, read_rate_, attention_efficiency_, stream_efficiency_, adam_efficiency_, gather_piece_;
  double core_flops_;                                            // reached, per second
  double h2d_cost_, d2h_cost_;                                   // seconds of reading per byte copied
  double attention_latency_, attention_part_, attention_token_;  // seconds
  double hash_bucket_, hash_token_;                              // seconds
  Duration fork_join_;
  ResourceId dram_, reads_, arithmetic_;
  InterSocket inter_socket_;
  PoolId pool_;
};

}  // namespace outrider
