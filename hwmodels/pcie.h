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
  ResourceId cpu_reads;
  double cpu_read_cost = 0.0;  // seconds of the cores' reading that a byte of the copy displaces
  InterSocket inter_socket;
};

// A copy moves its bytes over its direction of the link, the cap over both directions, every link of its route, DRAM
// and HBM at once. Paths:
//   copy engine   n fragments one after another on the direction's engine: latency + n · t(fragment), t from the
//                 measured surface. (On one H200, rows of copies that take 100 us and more follow this within 0.1 % in
//                 the median, 9 % at P90, 26 % at worst.) The engine's time is a resource: copies of different streams
//                 take turns fragment by fragment, so each gets an equal share of it
//   batched       the same with the batched surface, which must be there
//   SM zero-copy  CTAs on SM slots load over the link, each at the measured rate per CTA
//   pageable      at the staging rate, whatever the path and fragment
// What the host thread pays to issue copies is an op of its own.
class PcieModel {
 public:
  PcieModel(const LinkSpec& link, const Topology& topology, const Profile& profile, Platform& platform);
  Demand demand(const CopyShape& shape, const CopyEnds& ends) const;

 private:
  double engine_seconds(const CopyShape& shape) const;
  Demand zero_copy(const CopyShape& shape, const CopyEnds& ends) const;
  void use_path(Demand& demand, const CopyShape& shape, const CopyEnds& ends, double bytes) const;

  LinkSpec link_;
  TransferSurface h2d_, d2h_, batched_, per_cta_;
  Duration latency_;
  double copy_weight_;  // of shared resources, against a kernel's 1 at the same rate
  ResourceId h2d_link_, d2h_link_, both_;
  ResourceId h2d_engine_, d2h_engine_;
  std::vector<Hop> route_;
  std::vector<LinkResources> links_;
};

}  // namespace outrider
