// The parties of the engine's signals are kernels, copies and CPU kernels.
#include "hwmodels/signals.h"

#include <algorithm>

#include "sim/base/check.h"

namespace outrider {
namespace {

// A later one outweighs the others where a barrier waits for several.
enum Party : std::uint8_t { kAtOnce, kCpu, kKernel, kCopy };

Party party_of(const Op& op) {
  switch (kind_of(op.family)) {
    case OpKind::gpu_kernel:
      return kKernel;
    case OpKind::copy:
      return std::get<CopyShape>(op.shape).path == CopyPath::sm_zero_copy ? kKernel : kCopy;
    case OpKind::cpu_kernel:
      return kCpu;
    case OpKind::host_step:
    case OpKind::barrier:
      break;
  }
  return kAtOnce;
}

}  // namespace

Signals signals_of(const Profile& profile) {
  const Duration hand_over = ceil_to_ticks(Seconds(profile.value("link.hand_over")));
  const Duration flag = ceil_to_ticks(Seconds(profile.value("gpu.flag_latency")));
  Signals signals;
  const auto both_ways = [&](Party one, Party other, Duration takes) {
    signals.time[one][other] = signals.time[other][one] = takes;
  };
  both_ways(kKernel, kCopy, hand_over);
  both_ways(kKernel, kCpu, flag);
  both_ways(kCopy, kCpu, flag + hand_over);
  return signals;
}

void set_parties(const TaskGraph& graph, std::span<Demand> demands) {
  CHECK(demands.size() == graph.size(), "{} demands for {} ops", demands.size(), graph.size());
  for (std::size_t i = 0; i < demands.size(); ++i) {
    Demand& demand = demands[i];
    demand.ends_as = demand.waits_as = party_of(graph.op(OpId(i)));
    if (kind_of(graph.op(OpId(i)).family) != OpKind::barrier) continue;
    for (const OpId dependency : graph.dependencies(OpId(i)))
      demand.ends_as = std::max(demand.ends_as, demands[dependency.index()].ends_as);
  }
}

}  // namespace outrider
