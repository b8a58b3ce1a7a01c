// Which points a scenario plans, in which order, and the batch that memory gives each.
#include "sim/study/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/scenarios.h"

namespace outrider {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using Tier = MemoryUse::Tier;

double needed(const PlannedPoint& plan, bool hbm, std::int64_t batch) {
  double sum = 0.0;
  for (const MemoryUse& use : plan.memory) {
    if ((use.tier == Tier::hbm) == hbm)
      sum += use.fixed.value() + static_cast<double>(batch) * use.per_sequence.value();
  }
  return sum;
}

bool holds(const Scenario& scenario, const PlannedPoint& plan, std::int64_t batch) {
  return needed(plan, true, batch) <= scenario.machine.gpu.hbm_capacity.value() &&
         needed(plan, false, batch) <= scenario.machine.cpu.dram_capacity.value();
}

Scenario whole_model(const std::string& model, std::initializer_list<std::string> methods) {
  Scenario scenario = small_scenario(methods);
  scenario.model = model_named(model);
  return scenario;
}

TEST(Plan, RowsGoByWorkloadContextBatchThenMethod) {
  Scenario scenario = small_scenario({"full_kv", "hgca"});
  scenario.workloads = {workload_of({1024, 2048}, {1, 2}), workload_of({4096}, {})};
  scenario.workloads[1].name = "other";
  scenario.workloads[1].methods = {"hgca"};
  std::vector<std::string> rows;
  for (const PlannedPoint& plan : plan_points(scenario, {})) {
    rows.push_back(plan.workload->name + " " + std::to_string(plan.context) + " " + std::to_string(plan.given_batch) +
                   " " + plan.request->label);
  }
  EXPECT_THAT(rows, testing::ElementsAre("decode 1024 1 full_kv", "decode 1024 1 hgca", "decode 1024 2 full_kv",
                                         "decode 1024 2 hgca", "decode 2048 1 full_kv", "decode 2048 1 hgca",
                                         "decode 2048 2 full_kv", "decode 2048 2 hgca", "other 4096 0 hgca"));
}

TEST(Plan, LabelsPickRowsWithoutChangingTheirOrder) {
  const Scenario scenario = small_scenario({"full_kv", "hgca", "scout"});
  const auto plans = plan_points(scenario, {"scout", "full_kv"});
  ASSERT_EQ(plans.size(), 2u);
  EXPECT_EQ(plans[0].request->label, "full_kv");
  EXPECT_EQ(plans[1].request->label, "scout");
}

TEST(Plan, FullKvsAutomaticBatchIsWhatHbmHolds) {
  // (0.9·80 GB − 29 536 614 400 B) ÷ (163 840 B · (32768 + 4) tokens) = 7.9: 7 sequences.
  const Scenario scenario = whole_model("qwen3-14b", {"full_kv"});
  const PlannedPoint plan = plan_point(scenario, scenario.methods[0], scenario.workloads[0], 32768, 0);
  EXPECT_EQ(plan.batch, 7);
  EXPECT_EQ(plan.limit, "HBM");
  EXPECT_TRUE(plan.automatic_batch);
}

TEST(Plan, TheAutomaticBatchIsTheLargestThatFits) {
  for (const char* model : {"qwen3-14b", "qwen3-30b-a3b"}) {
    Scenario scenario = whole_model(model, {"full_kv", "flexgen", "infinigen", "hgca", "scout"});
    scenario.workloads = {workload_of({4096, 32768, 131072}, {})};
    scenario.workloads[0].max_batch = 1000;
    int limited = 0;
    for (const PlannedPoint& plan : plan_points(scenario, {})) {
      SCOPED_TRACE(std::string(model) + " " + plan.request->label + " " + std::to_string(plan.context));
      EXPECT_TRUE(plan.batch == 0 || holds(scenario, plan, plan.batch));
      if (plan.limit == "max_batch") {
        EXPECT_EQ(plan.batch, 1000);
        continue;
      }
      ++limited;
      EXPECT_FALSE(holds(scenario, plan, plan.batch + 1));
      if (plan.batch == 0) continue;
      // The tier that is named is the one that the next sequence would overflow.
      const bool hbm = needed(plan, true, plan.batch + 1) > scenario.machine.gpu.hbm_capacity.value();
      const bool dram = needed(plan, false, plan.batch + 1) > scenario.machine.cpu.dram_capacity.value();
      EXPECT_TRUE(plan.limit == "HBM" ? hbm : plan.limit == "DRAM" && dram) << plan.limit;
    }
    EXPECT_GE(limited, 5) << "memory must bound some points for this test to say anything";
  }
}

TEST(Plan, BatchedCopiesNeedALinkThatStatesThem) {
  Scenario scenario = small_scenario({});
  scenario.methods = {request_for("scout", {{"block_copies", std::string("batched")}})};
  const auto plan = [&] { return plan_point(scenario, scenario.methods[0], scenario.workloads[0], 8192, 1); };
  scenario.machine.link.batched_h2d.clear();
  EXPECT_FALSE(plan().fits());
  EXPECT_EQ(plan().limit, "block_copies: batched needs link.batched_h2d in the machine file");
  scenario.machine.link.batched_h2d = scenario.machine.link.copy_engine_h2d;
  EXPECT_TRUE(plan().fits());
}

TEST(Plan, TheServingLimitBoundsTheAutomaticBatch) {
  Scenario scenario = small_scenario({"full_kv"});
  scenario.workloads[0].max_batch = 5;
  const PlannedPoint plan = plan_point(scenario, scenario.methods[0], scenario.workloads[0], 1024, 0);
  EXPECT_EQ(plan.batch, 5);
  EXPECT_EQ(plan.limit, "max_batch");
}

TEST(Plan, WhereMemoryHoldsJustTheServingLimitTheLimitIsNamed) {
  // 7 sequences fit, as above, and no more are served.
  Scenario scenario = whole_model("qwen3-14b", {"full_kv"});
  scenario.workloads[0].max_batch = 7;
  const PlannedPoint plan = plan_point(scenario, scenario.methods[0], scenario.workloads[0], 32768, 0);
  EXPECT_EQ(plan.batch, 7);
  EXPECT_EQ(plan.limit, "max_batch");
}

TEST(Plan, MoreMemoryNeverShrinksTheBatchAndLongerContextNeverGrowsIt) {
  Scenario scenario = whole_model("qwen3-14b", {"full_kv", "flexgen", "infinigen", "hgca", "scout"});
  Scenario larger = scenario;
  larger.machine.gpu.hbm_capacity *= 1.5;
  larger.machine.cpu.dram_capacity *= 1.5;
  for (const MethodRequest& request : scenario.methods) {
    std::int64_t before = 1'000'000'000;
    for (const std::int64_t context : {4096, 16384, 65536}) {
      const std::int64_t batch = plan_point(scenario, request, scenario.workloads[0], context, 0).batch;
      EXPECT_LE(batch, before) << request.label;
      EXPECT_GE(plan_point(larger, request, scenario.workloads[0], context, 0).batch, batch) << request.label;
      before = batch;
    }
  }
}

TEST(Plan, AGivenBatchIsTakenOrRefusedWhole) {
  const Scenario scenario = whole_model("qwen3-14b", {"full_kv"});
  const PlannedPoint fits = plan_point(scenario, scenario.methods[0], scenario.workloads[0], 32768, 7);
  EXPECT_EQ(fits.batch, 7);
  EXPECT_EQ(fits.limit, "given");
  EXPECT_FALSE(fits.automatic_batch);
  const PlannedPoint refused = plan_point(scenario, scenario.methods[0], scenario.workloads[0], 32768, 8);
  EXPECT_FALSE(refused.fits());
  EXPECT_EQ(refused.given_batch, 8);
  // 8 GB + 29.5 GB + 8·5.37 GB of 80 GB.
  EXPECT_THAT(refused.limit, StartsWith("HBM: needs 80.5 GB, has 80.0 GB; largest: KV cache 43.0 GB, weights 29.5 GB"));
}

TEST(Plan, AModelThatDoesNotFitSaysWhatOverflows) {
  // DeepSeek-V3's weights alone are 671 GB; its batch is given or automatic.
  const Scenario scenario = whole_model("deepseek-v3", {"full_kv", "flexgen", "infinigen", "hgca", "scout"});
  for (const MethodRequest& request : scenario.methods) {
    for (const std::int64_t given : {0, 4}) {
      const PlannedPoint plan = plan_point(scenario, request, scenario.workloads[0], 8192, given);
      EXPECT_FALSE(plan.fits()) << request.label;
      EXPECT_THAT(plan.limit, StartsWith("HBM: needs ")) << request.label;
      EXPECT_THAT(plan.limit, HasSubstr("has 80.0 GB; largest: weights 67")) << request.label;
    }
  }
}

TEST(Plan, AContextShorterThanABlockIsRefusedNotSimulated) {
  const Scenario scenario = small_scenario({"full_kv", "scout"});
  const PlannedPoint plan = plan_point(scenario, scenario.methods[1], scenario.workloads[0], 31, 0);
  EXPECT_FALSE(plan.fits());
  EXPECT_EQ(plan.limit, "a context of 31 tokens is shorter than a block of 32");
  EXPECT_TRUE(plan_point(scenario, scenario.methods[1], scenario.workloads[0], 32, 0).fits());
  EXPECT_TRUE(plan_point(scenario, scenario.methods[0], scenario.workloads[0], 1, 0).fits());
  EXPECT_FALSE(run_point(scenario, assumed_profile(), "scout", 16, 2).result.fits);
}

TEST(Plan, DramBoundsMethodsThatKeepTheirCacheThere) {
  // 0.9·64 GB ÷ (163 840 B · 131 076 tokens = 21.5 GB) = 2 sequences.
  Scenario scenario = whole_model("qwen3-14b", {"scout"});
  scenario.machine.cpu.dram_capacity = Bytes(64e9);
  const PlannedPoint plan = plan_point(scenario, scenario.methods[0], scenario.workloads[0], 131072, 0);
  EXPECT_EQ(plan.batch, 2);
  EXPECT_EQ(plan.limit, "DRAM");
  EXPECT_THAT(plan_point(scenario, scenario.methods[0], scenario.workloads[0], 131072, 3).limit, StartsWith("DRAM: "));
}

}  // namespace
}  // namespace outrider
