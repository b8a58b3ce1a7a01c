// What would help most: the ranking of upgrades, and that it finds the bottleneck.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "tests/support/scenarios.h"

namespace outrider {
namespace {

std::vector<WhatIf> answers_for(const Scenario& scenario, const std::string& label, std::int64_t batch = 0) {
  return what_would_help(scenario, assumed_profile(), label, 0, batch);
}

std::map<std::string, double> by_change(const std::vector<WhatIf>& answers) {
  std::map<std::string, double> speedups;
  for (const WhatIf& answer : answers) speedups[answer.change] = answer.speedup;
  return speedups;
}

TEST(WhatIf, RanksByGainAndLosesNothing) {
  const std::vector<WhatIf> answers = answers_for(small_scenario({"scout"}), "scout");
  ASSERT_EQ(answers.size(), 8u);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (i > 0) { EXPECT_LE(answers[i].speedup, answers[i - 1].speedup); }
    EXPECT_GT(answers[i].speedup, 0.9) << answers[i].change;
    EXPECT_LT(answers[i].speedup, 2.05) << answers[i].change << ": twice one part is at most twice the whole";
  }
}

TEST(WhatIf, FlexGenWantsALinkAndNothingElse) {
  // Streaming the cache at 25 GB/s against reading it at 1.9 TB/s: the link is nearly the whole step, and twice the
  // link nearly halves it.
  Scenario scenario = small_scenario({"flexgen"});
  scenario.workloads[0].contexts = {32768};
  const std::vector<WhatIf> answers = answers_for(scenario, "flexgen");
  ASSERT_FALSE(answers.empty());
  EXPECT_EQ(answers[0].change, "host link ×2 (rates of every copy size)");
  EXPECT_GT(answers[0].speedup, 1.8);
  EXPECT_LT(answers[1].speedup, 1.1);
}

TEST(WhatIf, FullKvDoesNotCareForLinkOrCpu) {
  const auto speedups = by_change(answers_for(small_scenario({"full_kv"}), "full_kv"));
  EXPECT_GT(speedups.at("HBM bandwidth ×2 and latency ÷2"), 1.2);
  EXPECT_NEAR(speedups.at("DRAM bandwidth ×2"), 1.0, 1e-3);
  EXPECT_NEAR(speedups.at("CPU cores ×2"), 1.0, 1e-9);
  EXPECT_NEAR(speedups.at("host link ×2 (rates of every copy size)"), 1.0, 0.02);
}

TEST(WhatIf, HgcaWantsItsCpu) {
  // Its CPU attends three quarters of the budget of every sequence in every layer.
  Scenario scenario = small_scenario({"hgca"});
  scenario.workloads[0].batches = {64};
  const auto answers = answers_for(scenario, "hgca");
  ASSERT_FALSE(answers.empty());
  EXPECT_EQ(answers[0].change, "CPU cores and DRAM bandwidth ×2");
  EXPECT_GT(answers[0].speedup, 1.4);
}

TEST(WhatIf, HoldsTheBatchThatMemoryGives) {
  // An automatic batch stays what it is today, so that upgrades are compared at equal load.
  Scenario scenario = small_scenario({"flexgen"});
  scenario.workloads = {workload_of({8192}, {})};
  scenario.workloads[0].max_batch = 6;
  Scenario given = scenario;
  given.workloads[0].batches = {6};
  const auto automatic = by_change(answers_for(scenario, "flexgen")), fixed = by_change(answers_for(given, "flexgen"));
  EXPECT_EQ(automatic, fixed);
}

TEST(WhatIf, SaysNothingOfAPointThatDoesNotFit) {
  EXPECT_TRUE(answers_for(small_scenario({"full_kv"}), "full_kv", 100'000).empty());
}

}  // namespace
}  // namespace outrider
