// What would help most: each part of the machine made twice as good, one at a time, and the point simulated again.
#include <algorithm>

#include "sim/study/run.h"

namespace outrider {
namespace {

struct Upgrade {
  const char* change;
  void (*apply)(MachineSpec& machine);
};

void scale_points(std::vector<TransferPoint>& points, double factor) {
  for (TransferPoint& point : points) point.rate *= factor;
}

void double_link(MachineSpec& machine) {
  LinkSpec& link = machine.link;
  for (BytesPerSecond* rate : {&link.h2d, &link.d2h, &link.bidirectional, &link.zero_copy, &link.pageable})
    *rate *= 2.0;
  for (auto* points : {&link.copy_engine_h2d, &link.copy_engine_d2h, &link.batched_h2d, &link.zero_copy_per_cta})
    scale_points(*points, 2.0);
  for (TopologyLink& each : machine.topology.links) {
    for (BytesPerSecond* rate : {&each.forward, &each.backward, &each.both}) *rate *= 2.0;
  }
}

// What was measured on all cores below DRAM's rate is taken to lie in the cores, and rises with them.
void double_cores_speed(MachineSpec& machine) {
  CpuSpec& cpu = machine.cpu;
  for (BytesPerSecond* rate : {&cpu.core_bandwidth, &cpu.dram_measured, &cpu.attention_measured}) *rate *= 2.0;
  cpu.flops_per_cycle_bf16 *= 2.0;
}

void halve_host_costs(MachineSpec& machine) {
  HostSpec& host = machine.host;
  for (Seconds* cost : {&host.kernel_launch, &host.copy_launch, &host.graph_launch, &host.synchronize,
                        &host.pool_dispatch, &host.step_overhead}) {
    *cost *= 0.5;
  }
}

constexpr Upgrade kUpgrades[] = {
    {"HBM bandwidth ×2 and latency ÷2",
     [](MachineSpec& machine) {
       machine.gpu.hbm_bandwidth *= 2.0;
       machine.gpu.hbm_latency *= 0.5;
     }},
    {"GPU arithmetic ×2",
     [](MachineSpec& machine) {
       for (FlopsPerSecond& peak : machine.gpu.peak) peak *= 2.0;
     }},
    {"host link ×2 (rates of every copy size)", double_link},
    {"DRAM bandwidth ×2", [](MachineSpec& machine) { machine.cpu.dram_bandwidth *= 2.0; }},
    {"CPU cores ×2", [](MachineSpec& machine) { machine.cpu.cores *= 2; }},
    {"CPU cores and DRAM bandwidth ×2",
     [](MachineSpec& machine) {
       machine.cpu.cores *= 2;
       machine.cpu.dram_bandwidth *= 2.0;
     }},
    {"speed of each CPU core ×2 (reads and arithmetic)", double_cores_speed},
    {"host thread costs ÷2", halve_host_costs},
};

}  // namespace

std::vector<WhatIf> what_would_help(const Scenario& scenario, const Profile& profile, const std::string& label,
                                    std::int64_t context, std::int64_t batch) {
  const PointDetail today = run_point(scenario, profile, label, context, batch);
  std::vector<WhatIf> answers;
  if (!today.result.fits) return answers;
  for (const Upgrade& upgrade : kUpgrades) {
    Scenario changed = scenario;
    upgrade.apply(changed.machine);
    const PointDetail then = run_point(changed, profile, label, today.result.context, today.result.batch);
    answers.push_back({upgrade.change, then.result.tokens_per_s / today.result.tokens_per_s});
  }
  std::stable_sort(answers.begin(), answers.end(),
                   [](const WhatIf& a, const WhatIf& b) { return a.speedup > b.speedup; });
  return answers;
}

}  // namespace outrider
