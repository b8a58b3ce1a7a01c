// Dispatch of ops to the models of their part of the machine.
#include "hwmodels/machine_model.h"

#include "hwmodels/host.h"
#include "sim/base/check.h"

namespace outrider {

std::vector<MachineModel::Device> MachineModel::devices_of(const MachineSpec& machine, const Profile& profile,
                                                           Platform& platform) {
  const std::vector<std::vector<Crossing>> routes = add_routes(machine.topology, machine.gpu_count, platform);
  std::vector<Device> devices;
  for (const std::vector<Crossing>& route : routes) {
    const std::size_t first = platform.resources.size();
    GpuModel gpu(machine.gpu, profile, platform);
    PcieModel pcie(machine.link, route, profile, platform);
    for (std::size_t i = first; i < platform.resources.size(); ++i) {
      platform.resources[i].replica = static_cast<std::int16_t>(devices.size());
    }
    devices.push_back({std::move(gpu), std::move(pcie)});
  }
  return devices;
}

MachineModel::MachineModel(const MachineSpec& machine, const Profile& profile)
    : host_(machine.host),
      launch_costs_(launch_costs(profile, machine.gpu.l2)),
      devices_(devices_of(machine, profile, platform_)),
      cpu_(machine, profile, platform_),
      ranges_(profile),
      errors_(profile) {
  platform_.signals = signals_of(profile);
  for (const Device& device : devices_) hbm_.push_back(device.gpu.hbm());
  const std::size_t lanes = devices_.size() * kLanesPerDevice - 1;  // the last one is none
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    const auto each = static_cast<Lane>(lane % kLanesPerDevice);
    platform_.lanes.emplace_back(each == Lane::none ? std::string_view() : to_string(each));
  }
}

Demand MachineModel::demand(const Op& op) const {
  Demand demand = model_demand(op);
  if (errors_.empty()) return demand;
  if (const std::optional<OpSizes> sizes = sizes_of(op)) demand.lengthen(errors_.factor(*sizes));
  return demand;
}

Demand MachineModel::model_demand(const Op& op) const {
  const std::size_t device = device_of(op.lane);
  CHECK(device < devices_.size(), "a {} on GPU {} of {}", to_string(op.family), device, devices_.size());
  const auto& [gpu, pcie] = devices_[device];
  switch (kind_of(op.family)) {
    case OpKind::gpu_kernel:
      return gpu.demand(op);
    case OpKind::cpu_kernel:
      return cpu_.demand(op);
    case OpKind::copy: {
      const auto* shape = std::get_if<CopyShape>(&op.shape);
      CHECK(shape != nullptr, "a {} without the shape of a copy", to_string(op.family));
      return pcie.demand(*shape, {.hbm = gpu.hbm(),
                                  .dram = cpu_.dram(),
                                  .sm_slots = gpu.sm_slots(),
                                  .cta_shares = gpu.stream_cta_shares(),
                                  .hbm_cost = gpu.copy_cost(shape->direction),
                                  .most_hbm_share = pcie.rate() * gpu.most_copy_share(),
                                  .cpu_reads = cpu_.reads(),
                                  .cpu_read_cost = cpu_.copy_cost(shape->direction),
                                  .inter_socket = cpu_.inter_socket(static_cast<std::int64_t>(device))});
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
  add_launch_costs(launch_costs_, graph, hbm_, demands);
  set_parties(graph, demands);
  return demands;
}

}  // namespace outrider
