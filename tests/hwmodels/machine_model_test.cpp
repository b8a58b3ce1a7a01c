// Kernels stay within rooflines, CPU attention runs at the measured rate, host steps cost what the machine says.
#include "tests/hwmodels/machines.h"

namespace outrider {
namespace {

Op product(double rows, std::int64_t n, std::int64_t k) {
  return op_of(Family::gemm, GemmShape{.rows = rows, .n = n, .k = k});
}
TEST(MachineModel, NoGemmBeatsItsWeightsOrItsFlops) {
  for (const char* name : {"h200-16c", "a100-80gb-pcie-36c"}) {
    const MachineSpec machine = machine_named(name);
    const MachineModel model(machine, assumed_profile());
    const double peak = machine.gpu.peak[static_cast<std::size_t>(DataType::bf16)].value();
    for (const double rows : {1.0, 40.0, 129.0, 4096.0}) {
      for (const std::int64_t n : {128, 5120, 34816}) {
        const double weights = 2.0 * static_cast<double>(n) * 5120.0;
        const double least = std::max(weights / machine.gpu.hbm_bandwidth.value(), rows * weights / peak);
        EXPECT_GT(seconds_alone(model, product(rows, n, 5120)), least) << name << " " << rows << " " << n;
      }
    }
  }
}
TEST(MachineModel, MoreTokensAreNeverFaster) {
  const MachineModel model(machine_named("h200-16c"), assumed_profile());
  for (const Family family : {Family::attend_dense, Family::attend_sparse, Family::cpu_attend}) {
    double before = 0.0;
    for (double tokens = 32.0; tokens < 1e5; tokens *= 1.7) {
      const double now = seconds_alone(model, op_of(family, decode_attention(40.0, tokens)));
      EXPECT_GE(now, before) << to_string(family) << " at " << tokens;
      before = now;
    }
  }
}
TEST(MachineModel, MoreSequencesAreNeverFaster) {
  const MachineModel model(machine_named("a100-80gb-pcie-36c"), assumed_profile());
  for (const Family family : {Family::attend_dense, Family::cpu_attend}) {
    double before = 0.0;
    for (double sequences = 1.0; sequences <= 128.0; ++sequences) {
      const double now = seconds_alone(model, op_of(family, decode_attention(sequences, 2048.0)));
      EXPECT_GE(now, before) << to_string(family) << " at " << sequences;
      before = now;
    }
  }
}
TEST(MachineModel, CpuAttentionOnThePapersHostRunsAtTheMeasuredRate) {
  const MachineModel model(machine_named("a100-80gb-pcie-36c"), assumed_profile());
  const AttentionShape shape = decode_attention(40.0, 2048.0);
  const Op op = op_of(Family::cpu_attend, shape);
  const double seconds = seconds_alone(model, op) - model.demand(op).latency.seconds().value();
  EXPECT_NEAR(cached_bytes(shape) / seconds, 100e9 * 35.0 / 36.0, 1e6);  // one of 36 cores stays with the host thread
}
TEST(MachineModel, AHostStepCostsItsCountTimesTheMachinesFigure) {
  const MachineSpec machine = machine_named("h200-16c");
  const Demand demand = MachineModel(machine, assumed_profile()).demand(op_of(Family::launch_copy, HostShape{1000.0}));
  EXPECT_EQ(demand.latency, ceil_to_ticks(1000.0 * machine.host.copy_launch));
}
TEST(MachineModel, KernelsWithoutWorkTakeTheirLatency) {
  const MachineModel model(machine_named("h200-16c"), assumed_profile());
  for (const Op& op : {product(0.0, 0, 5120), op_of(Family::norm_rope, StreamShape{}),
                       op_of(Family::attend_sparse, decode_attention(40.0, 0.0)),
                       op_of(Family::cpu_attend, decode_attention(40.0, 0.0))}) {
    EXPECT_EQ(model.demand(op).units, 0) << to_string(op.family);
    EXPECT_GT(seconds_alone(model, op), 0.0);
  }
}
// 272 tiles on 132 SMs would be waves of 132 + 132 + 8; spread evenly, the product takes its bytes ÷ rate. Activations
// add (34816 + 5120) · 2 B to 356 MB of weights: 0.03 %.
TEST(MachineModel, AWeightStreamingGemmHasNoRaggedLastWave) {
  const MachineSpec machine = machine_named("h200-16c");
  const Profile profile = assumed_profile();
  const MachineModel model(machine, profile);
  const Op op = product(1.0, 34816, 5120);
  const double rate = machine.gpu.hbm_bandwidth.value() * profile.value("gpu.hbm_efficiency") *
                      profile.value("gpu.gemm_hbm_efficiency");
  EXPECT_NEAR((seconds_alone(model, op) - model.demand(op).latency.seconds().value()) * rate / (2.0 * 34816.0 * 5120.0),
              1.0, 0.001);
}
// 100 GB/s of attention on 36 cores is below what DRAM gives (204.8 GB/s × efficiency), so the cores set it.
TEST(MachineModel, MeasuredCpuAttentionGrowsWithCoresUntilDramIsFull) {
  MachineSpec machine = machine_named("a100-80gb-pcie-36c");
  const Profile profile = assumed_profile();
  const Op op = op_of(Family::cpu_attend, decode_attention(512.0, 8192.0));
  const double before = seconds_alone(MachineModel(machine, profile), op);
  machine.cpu.dram_bandwidth *= 2.0;
  EXPECT_DOUBLE_EQ(seconds_alone(MachineModel(machine, profile), op), before);
  machine.cpu.cores *= 2;
  EXPECT_NEAR(before / seconds_alone(MachineModel(machine, profile), op), 71.0 / 35.0, 0.01);
  machine.cpu.dram_bandwidth *= 0.5;
  const double full = 204.8e9 * profile.value("cpu.dram_efficiency");
  EXPECT_NEAR(before / seconds_alone(MachineModel(machine, profile), op), full / (100e9 * 35.0 / 36.0), 0.01);
}
// A kernel that takes all of HBM beside a copy to the GPU keeps HBM less the copy's rate × what a copied byte
// displaces.
TEST(MachineModel, ACopyToTheGpuDisplacesMoreHbmTrafficThanItsBytes) {
  const MachineSpec machine = machine_named("h200-16c");
  const Profile profile = assumed_profile();
  const MachineModel model(machine, profile);
  const CopyShape up{.direction = Direction::h2d, .fragments = 1.0, .fragment = Bytes(1e9)};
  const CopyShape down{.direction = Direction::d2h, .fragments = 1.0, .fragment = Bytes(1e9)};
  const auto hbm_use = [&](const Op& op) {
    double used = 0.0;
    const Demand demand = model.demand(op);
    for (const Use& use : demand.used()) {
      if (model.platform().resources[use.resource.index()].name == "HBM") used += use.amount;
    }
    return used;
  };
  EXPECT_DOUBLE_EQ(hbm_use(op_of(Family::copy_h2d, up)), 1e9 * profile.value("gpu.h2d_hbm_cost"));
  EXPECT_DOUBLE_EQ(hbm_use(op_of(Family::copy_d2h, down)), 1e9 * profile.value("gpu.d2h_hbm_cost"));
}

}  // namespace
}  // namespace outrider
