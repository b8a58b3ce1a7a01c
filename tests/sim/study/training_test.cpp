// Points of training: tokens per second, what does not fit, what binds, and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/study/plan.h"
#include "tests/support/scenarios.h"

namespace outrider {
namespace {

using testing::HasSubstr;

Scenario training_of(std::size_t layers, const std::map<std::string, ParamValue>& set, std::int64_t micro_batches = 1) {
  Scenario scenario = small_scenario({});
  scenario.model = model_named("llama-2-7b");
  scenario.model.layers.resize(layers);
  scenario.machine = machine_named("b200-56c");
  scenario.methods = {request_for("train_step", set)};
  Workload workload = workload_of({4096}, {2});
  workload.name = "step";
  workload.kind = WorkloadKind::training;
  workload.decode_steps = 2;
  workload.warmup_steps = 0;
  workload.micro_batches = micro_batches;
  scenario.workloads = {workload};
  return scenario;
}
const std::map<std::string, ParamValue> kOffloaded = {{"optimizer", std::string("dram")}};

PointResult only_point(const Scenario& scenario) { return run_small(scenario).points.front(); }
double of_part(const PointResult& point, const std::string& name) {
  for (const BoundPart& part : point.parts) {
    if (part.name == name) return part.share;
  }
  return 0.0;
}

TEST(Training, AStepsTokensAreThoseOfAllMicroBatches) {
  for (const std::int64_t micro_batches : {1, 3}) {
    const PointResult point = only_point(training_of(4, {}, micro_batches));
    EXPECT_EQ(point.kind, WorkloadKind::training);
    EXPECT_NEAR(point.tokens_per_s * point.tpot.value(), 2.0 * 4096.0 * static_cast<double>(micro_batches), 1e-6);
  }
}

TEST(Training, TheOptimizerInDramBindsShortSteps) {
  // Adam moves 28 B a parameter, slower than 8192 tokens are differentiated; with 32 micro-batches it hides.
  const PointResult resident = only_point(training_of(4, {})), offloaded = only_point(training_of(4, kOffloaded));
  EXPECT_EQ(resident.parts.front().name, "GPU");
  EXPECT_EQ(offloaded.parts.front().name, "DRAM");
  EXPECT_GT(offloaded.tpot, resident.tpot);
  Scenario few_cores = training_of(4, kOffloaded);
  few_cores.machine.cpu.cores = 8;
  EXPECT_EQ(only_point(few_cores).parts.front().name, "CPU");
  const PointResult long_steps = only_point(training_of(4, kOffloaded, 32));
  EXPECT_EQ(long_steps.parts.front().name, "GPU");
  EXPECT_LT(of_part(long_steps, "DRAM"), of_part(offloaded, "DRAM"));
  double sum = 0.0;
  for (const BoundPart& part : offloaded.parts) sum += part.share;
  EXPECT_NEAR(sum, 1.0, 1e-9);
}

TEST(Training, ClippingByTheGlobalNormCostsTheOverlap) {
  std::map<std::string, ParamValue> clipped = kOffloaded;
  clipped["clipping"] = true;
  EXPECT_GT(only_point(training_of(4, clipped, 8)).tpot, only_point(training_of(4, kOffloaded, 8)).tpot);
}

TEST(Training, ASlowLinkBindsWhatAdamDoesNot) {
  Scenario scenario = training_of(4, kOffloaded);
  LinkSpec& link = scenario.machine.link;
  for (auto* points : {&link.copy_engine_h2d, &link.copy_engine_d2h}) {
    for (TransferPoint& point : *points) point.rate *= 0.05;
  }
  EXPECT_EQ(only_point(scenario).parts.front().name, "link");
}

TEST(Training, WhatDoesNotFitNamesTheLargestConsumers) {
  Scenario scenario = training_of(32, {{"checkpointing", true}});
  scenario.machine = machine_named("a100-80gb-pcie-36c");
  const PointResult point = only_point(scenario);
  EXPECT_FALSE(point.fits);
  EXPECT_THAT(point.limit, HasSubstr("HBM: needs"));
  EXPECT_THAT(point.limit, HasSubstr("Adam's moments 53.9 GB, FP32 master weights 27.0 GB"));
}

TEST(Training, CheckpointsAllowLargerBatches) {
  const auto batch = [](bool checkpointing) {
    Scenario scenario = training_of(32, {{"optimizer", std::string("dram")}, {"checkpointing", checkpointing}});
    return plan_point(scenario, scenario.methods[0], scenario.workloads[0], 4096, 0).batch;
  };
  EXPECT_GT(batch(true), 2 * batch(false));
}

TEST(Training, FormatsWithoutUnitsDoNotRunUnlessAsked) {
  const std::string fp4 = "fp4";
  const auto on_h200 = [](Scenario scenario) {
    scenario.machine = machine_named("h200-16c");
    return only_point(scenario);
  };
  const PointResult refused = on_h200(training_of(4, {{"ffn_forward", fp4}}));
  EXPECT_FALSE(refused.fits);
  EXPECT_THAT(refused.limit, HasSubstr("has no units for fp4 products"));
  const PointResult asked = on_h200(training_of(4, {{"ffn_forward", fp4}, {"missing_units", std::string("bf16")}}));
  EXPECT_TRUE(asked.fits);
  EXPECT_THAT(asked.notes, testing::Contains(HasSubstr("fp4 products at the rate of bf16")));
}

TEST(Training, StepsThatDifferByFormatAreNoTrend) {
  Scenario scenario = training_of(4, {{"target", std::string("fp8")}, {"target_share", 0.5}});
  scenario.workloads[0].decode_steps = 12;
  const PointResult point = only_point(scenario);
  EXPECT_LT(point.step_p5, 0.9 * point.step_p95);
  EXPECT_FALSE(point.trends);
}

}  // namespace
}  // namespace outrider
