// What a study cannot be asked: models over several GPUs, other starts of replicas (rows of DEVIATIONS.md).
#include <gtest/gtest.h>

#include "sim/study/simulate.h"
#include "tests/support/scenarios.h"

namespace outrider {
namespace {

// DeepSeek-V3's 671 GB would fit eight H200s, and fit none of them.
TEST(KnownGap, NoModelIsSplitOverGpus) {
  Scenario scenario = small_scenario({"full_kv"});
  scenario.model = model_named("deepseek-v3");
  scenario.machine = machine_named("h200x8-112c");
  EXPECT_LT(weight_bytes(scenario.model).value(), 8.0 * 0.9 * scenario.machine.gpu.hbm_capacity.value());
  EXPECT_FALSE(plan_points(scenario, {}).front().fits());
}

TEST(KnownGap, ReplicasBeginTogether) {
  Scenario scenario = small_scenario({"scout"});
  scenario.machine.gpu_count = 3;
  const Trace trace = run_point(scenario, assumed_profile(), "scout", 0, 0).trace;
  for (std::size_t replica = 0; replica < 3; ++replica)
    EXPECT_EQ(of_replica(trace, replica).steps.front().begin, trace.steps.front().begin);
}

TEST(KnownGap, APromptIsPrefilledAloneOnOneGpu) {
  Scenario scenario = small_scenario({"flexgen"});
  scenario.workloads[0].prefill = true;
  const auto first_token = [&] { return run_point(scenario, assumed_profile(), "flexgen", 0, 0).result.ttft; };
  const auto alone = first_token();
  scenario.machine.gpu_count = 4;
  EXPECT_EQ(first_token(), alone);
  scenario.workloads[0].batches = {1};
  EXPECT_EQ(first_token(), alone) << "whatever the batch";
}

}  // namespace
}  // namespace outrider
