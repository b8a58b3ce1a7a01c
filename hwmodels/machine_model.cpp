// Dispatch of ops to the models of their part of the machine.
#include "hwmodels/machine_model.h"

#include "hwmodels/host.h"
#include "sim/base/check.h"

namespace outrider {

MachineModel::MachineModel(const MachineSpec& machine, const Profile& profile)
    : host_(machine.host),
      launch_gap_(ceil_to_ticks(Seconds(profile.value("gpu.launch_gap")))),
      gpu_(machine.gpu, profile, platform_),
      pcie_(machine.link, machine.topology, profile, platform_),
      cpu_(machine.cpu, profile, platform_),
      ranges_(profile) {
  platform_.signals = signals_of(profile);
  for (int lane = 0; lane < kLanesPerDevice; ++lane) {
    if (static_cast<Lane>(lane) != Lane::none) platform_.lanes.emplace_back(to_string(static_cast<Lane>(lane)));
  }
}

Demand MachineModel::demand(const Op& op) const {
  switch (kind_of(op.family)) {
    case OpKind::gpu_kernel:
      return gpu_.demand(op);
    case OpKind::cpu_kernel:
      return cpu_.demand(op);
    case OpKind::copy: {
      const auto* shape = std::get_if<CopyShape>(&op.shape);
      CHECK(shape != nullptr, "a {} without the shape of a copy", to_string(op.family));
      return pcie_.demand(*shape, {.hbm = gpu_.hbm(),
                                   .dram = cpu_.dram(),
                                   .sm_slots = gpu_.sm_slots(),
                                   .cta_shares = gpu_.stream_cta_shares(),
                                   .hbm_cost = gpu_.copy_cost(shape->direction),
                                   .most_hbm_share = pcie_.rate() * gpu_.most_copy_share(),
                                   .cpu_reads = cpu_.reads(),
                                   .cpu_read_cost = cpu_.copy_cost(shape->direction),
                                   .inter_socket = cpu_.inter_socket()});
    }
    case OpKind::host_step: {
      const auto* shape = std::get_if<HostShape>(&op.shape);
      CHECK(shape != nullptr, "a {} without a count", to_string(op.family));
      return host_demand(host_, op.family, *shape);
    }
    case OpKind::barrier:
      break;
  }
  return {};
}

std::vector<Demand> MachineModel::demands(const TaskGraph& graph) const {
  std::vector<Demand> demands;
  demands.reserve(graph.size());
  for (const Op& op : graph.ops()) demands.push_back(demand(op));
  const std::vector<bool> one_by_one = launched_one_by_one(graph);
  for (std::size_t i = 0; i < demands.size(); ++i) {
    if (one_by_one[i]) demands[i].latency += launch_gap_;
  }
  set_parties(graph, demands);
  return demands;
}

}  // namespace outrider
