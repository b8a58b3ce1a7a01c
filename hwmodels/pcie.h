// Copies between host memory and HBM as demands on the host link.
#pragma once

#include <vector>

#include "hwmodels/cpu.h"
#include "hwmodels/profile.h"
#include "hwmodels/topology.h"
#include "hwmodels/transfer_surface.h"
#include "sim/engine/demand.h"
#include "sim/graph/op.h"
#include "sim/spec/machine.h"

namespace outrider {

// What a copy touches besides the link.
struct CopyEnds {
  ResourceId hbm, dram;
  PoolId sm_slots;
  std::int64_t cta_shares = 1;  // of an SM, per zero-copy CTA
  double hbm_cost = 1.0;        // HBM read traffic that a byte of the copy displaces
  double most_hbm_share = 0.0;  // of achievable HBM traffic that a copy at the link's rate displaces, either way
  ResourceId cpu_reads;
  double cpu_read_cost = 0.0;  // seconds of the cores' reading that a byte of the copy displaces
  InterSocket inter_socket;
};

// A copy moves its bytes over its direction of the link, the cap over both directions, every link of its route, DRAM
// and HBM at once. Paths:
//   copy engine   n fragments one after another on the direction's engine: latency + n · t(fragment), t from the
//                 measured surface. (On one H200, rows of copies that take 100 us and more follow this within 0.1 % in
//                 the median, 9 % at P90, 26 % at worst.) An engine takes copies in the order in which they become
//                 ready: a copy on another stream waits until all of those before it have ended (on one H200, 64 KiB
//                 behind 128 fragments of 128 KiB end with the last of them, on whatever stream). A paced
//                 copy waits for nobody and shares the engine's time with whoever has the turn
//   batched       the same with the batched surface, which must be there
//   SM zero-copy  CTAs on SM slots load over the link, each at the measured rate per CTA
//   pageable      at the staging rate, whatever the path and fragment
// While kernels keep HBM full, each fragment takes some microseconds longer (d), since the engine's own accesses queue
// there: n fragments of t seconds in all run at  x = t / (t + n · d)  of their pace, whatever the kernels lose to them.
// Batched and pageable copies count as one fragment there.
// Elsewhere copies share what is full as all do, in proportion to their pace: on one H200's host, copies of 55 GB/s
// beside CPU attention ran at 43 to 46.
// What the host thread pays to issue copies is an op of its own.
class PcieModel {
 public:
  // `route`: what else lies between the GPU and DRAM.
  PcieModel(const LinkSpec& link, std::vector<Crossing> route, const Profile& profile, Platform& platform);
  Demand demand(const CopyShape& shape, const CopyEnds& ends) const;
  double rate() const { return link_.h2d.value(); }  // of the link, bytes per second

 private:
  double engine_seconds(const CopyShape& shape) const;
  double weight(const CopyShape& shape, const CopyEnds& ends, double seconds) const;
  Demand zero_copy(const CopyShape& shape, const CopyEnds& ends) const;
  void use_path(Demand& demand, const CopyShape& shape, const CopyEnds& ends, double bytes) const;

  LinkSpec link_;
  TransferSurface h2d_, d2h_, batched_, per_cta_;
  Duration latency_;
  double h2d_loaded_, d2h_loaded_;  // seconds
  ResourceId h2d_link_, d2h_link_, both_;
  // One copy at a time, and that copy's time.
  struct Engine {
    ResourceId time;
    PoolId turn;
  };
  Engine h2d_engine_, d2h_engine_;
  std::vector<Crossing> route_;
};

}  // namespace outrider
