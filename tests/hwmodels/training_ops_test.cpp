// Times of what only training does: attention of many prompts and its backward, FP4 products, Adam on GPU and CPU.
#include "tests/hwmodels/machines.h"

namespace outrider {
namespace {

AttentionShape prompts(std::int64_t sequences, double tokens_each) {
  return {.sequences = sequences,
          .kv_heads = 32,
          .q_heads = 32,
          .head_dim = 128,
          .v_head_dim = 128,
          .tokens = static_cast<double>(sequences) * tokens_each,
          .longest = tokens_each};
}

double amount_on(const MachineModel& model, const Op& op, const std::string& name) {
  const Demand demand = model.demand(op);
  double amount = 0.0;
  for (const Use& use : demand.used()) {
    if (model.platform().resources[use.resource.index()].name == name)
      amount += use.amount * static_cast<double>(demand.units);
  }
  return amount;
}

double flops(const Op& op) {
  return amount_on(MachineModel(machine_named("h200-16c"), assumed_profile()), op, "SM bf16");
}

TEST(TrainingOps, ACausalPromptAttendsToHalfOfTheScores) {
  // 32 heads, 4096²/2 pairs, two products of 128 channels.
  const double pairs = 4096.0 * 4096.0 / 2.0;
  AttentionShape shape = prompts(1, 4096.0);
  EXPECT_NEAR(flops(op_of(Family::prefill_attend, shape)), 2.0 * 32.0 * pairs * 256.0, 1e3);
  shape.causal = false;
  EXPECT_NEAR(flops(op_of(Family::prefill_attend, shape)), 4.0 * 32.0 * pairs * 256.0, 1e3);
}

TEST(TrainingOps, SequencesOfABatchDoNotSeeEachOther) {
  const double one = flops(op_of(Family::prefill_attend, prompts(1, 2048.0)));
  EXPECT_NEAR(flops(op_of(Family::prefill_attend, prompts(8, 2048.0))), 8.0 * one, 1e3);
}

TEST(TrainingOps, AttentionsBackwardIsFiveProductsToTheForwardsTwo) {
  const AttentionShape shape = prompts(4, 4096.0);
  const double forward = flops(op_of(Family::prefill_attend, shape));
  EXPECT_NEAR(flops(op_of(Family::attend_backward, shape)), 2.5 * forward, 1e3);
}

TEST(TrainingOps, LargeProductsOfFewerBitsAreFasterByPeakAndEfficiency) {
  // B200, assumed: 0.7 · 2250 TFLOP/s in 16 bits, 0.72 · 4500 in FP8, 0.6 · 9000 in FP4.
  const MachineModel model(machine_named("b200-56c"), assumed_profile());
  const auto seconds = [&](DataType type) {
    return seconds_alone(model, op_of(Family::gemm, GemmShape{.rows = 65536.0, .n = 16384, .k = 16384, .type = type}));
  };
  EXPECT_NEAR(seconds(DataType::bf16) / seconds(DataType::fp8), 0.72 * 4500.0 / (0.7 * 2250.0), 0.01);
  EXPECT_NEAR(seconds(DataType::fp8) / seconds(DataType::fp4), 0.6 * 9000.0 / (0.72 * 4500.0), 0.01);
}

TEST(TrainingOps, AGradientsProductTakesWhatTheForwardsOfItsShapeTakes) {
  const MachineModel model(machine_named("h200-16c"), assumed_profile());
  const GemmShape shape{.rows = 4096.0, .n = 11008, .k = 16384};
  const double forward = seconds_alone(model, op_of(Family::gemm, shape));
  EXPECT_DOUBLE_EQ(seconds_alone(model, op_of(Family::gemm_wgrad, shape)), forward);
  EXPECT_DOUBLE_EQ(seconds_alone(model, op_of(Family::gemm_dgrad, shape)), forward);
}

StreamShape adam(double parameters) {
  return {
      .read = Bytes(14.0 * parameters), .write = Bytes(14.0 * parameters), .flops = Flops(0.0), .items = parameters};
}

TEST(TrainingOps, AdamOnTheGpuIsBoundByHbm) {
  // H200, assumed: 4800 GB/s · 0.95 · 0.94; a byte written counts as hbm_write_cost read.
  const Profile profile = assumed_profile();
  const MachineModel model(machine_named("h200-16c"), profile);
  const double bytes = 14.0 * 1e9 * (1.0 + profile.value("gpu.hbm_write_cost"));
  EXPECT_NEAR(seconds_alone(model, op_of(Family::adam, adam(1e9))), bytes / (4800e9 * 0.95 * 0.94), 2e-5);
}

TEST(TrainingOps, AdamOnTheCpuIsBoundByDramWhereCoresAreMany) {
  // 28 B a parameter at 358.4 GB/s · 0.8 · 0.8 with 55 workers of 12 GB/s; by one core where there are two.
  MachineSpec machine = machine_named("b200-56c");
  const Op op = op_of(Family::cpu_adam, adam(1e9));
  EXPECT_NEAR(seconds_alone(MachineModel(machine, assumed_profile()), op), 28e9 / (358.4e9 * 0.64), 1e-3);
  machine.cpu.cores = 2;
  EXPECT_NEAR(seconds_alone(MachineModel(machine, assumed_profile()), op), 28e9 / (12e9 * 0.8), 1e-3);
}

}  // namespace
}  // namespace outrider
