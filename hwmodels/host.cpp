// Costs of host steps.
#include "hwmodels/host.h"

#include "sim/base/check.h"

namespace outrider {
namespace {

Seconds cost_of(const HostSpec& host, Family family) {
  switch (family) {
    case Family::launch_kernel:
      return host.kernel_launch;
    case Family::launch_copy:
      return host.copy_launch;
    case Family::launch_graph:
      return host.graph_launch;
    case Family::synchronize:
      return host.synchronize;
    case Family::dispatch_pool:
      return host.pool_dispatch;
    case Family::schedule_step:
      return host.step_overhead;
    default:
      break;
  }
  CHECK(false, "{} is not a host step", to_string(family));
  return Seconds(0.0);
}

}  // namespace

Demand host_demand(const HostSpec& host, Family family, const HostShape& shape) {
  Demand demand;
  demand.latency = ceil_to_ticks(cost_of(host, family) * shape.count);
  return demand;
}

}  // namespace outrider
