// How figures move when the load or the machine does: relations that hold whatever the coefficients are.
#include <gtest/gtest.h>

#include "tests/support/scenarios.h"

namespace outrider {
namespace {

constexpr const char* kMethods[] = {"full_kv", "flexgen", "infinigen", "hgca", "scout"};

PointResult run_one(const Scenario& scenario) { return run_small(scenario).points.at(0); }
double tokens_per_s(const Scenario& scenario) { return run_one(scenario).tokens_per_s; }

// The link by a factor, in every figure of it.
void scale_link(MachineSpec& machine, double factor) {
  LinkSpec& link = machine.link;
  for (BytesPerSecond* rate : {&link.h2d, &link.d2h, &link.bidirectional, &link.zero_copy, &link.pageable})
    *rate *= factor;
  for (auto* points : {&link.copy_engine_h2d, &link.copy_engine_d2h, &link.batched_h2d, &link.zero_copy_per_cta}) {
    for (TransferPoint& point : *points) point.rate *= factor;
  }
}

// Recalls run beside the step: where they meet its copies and kernels depends on every rate, so that a faster part may
// cost scout a little. Without them nothing may.
Scenario without_recall(Scenario scenario) {
  if (scenario.methods[0].method == "scout") scenario.methods = {request_for("scout", {{"periodic_recall", false}})};
  return scenario;
}
constexpr double kRecallMeetings = 0.02;

TEST(MetamorphicProperty, MoreContextIsNotFaster) {
  for (const char* method : kMethods) {
    double before = 1e300;
    for (const std::int64_t context : {2048, 4096, 8192, 16384, 32768}) {
      Scenario scenario = small_scenario({method});
      scenario.locality = kStill;  // so that contexts do not differ in what they happen to miss
      scenario.workloads[0].contexts = {context};
      const double now = tokens_per_s(scenario);
      EXPECT_LE(now, before * 1.0001) << method << " " << context;
      before = now;
    }
  }
}

TEST(MetamorphicProperty, ALargerBatchThatFitsIsNoSlowerInTokens) {
  for (const char* method : {"full_kv", "flexgen", "hgca", "scout"}) {
    double before = 0.0;
    for (std::int64_t batch = 1; batch <= 40; ++batch) {
      Scenario scenario = without_recall(small_scenario({method}));
      scenario.locality = kStill;  // so that batches do not differ in what they happen to miss
      scenario.workloads[0].batches = {batch};
      const double now = tokens_per_s(scenario);
      EXPECT_GE(now, before * 0.999) << method << " " << batch;
      before = now;
    }
  }
}

TEST(MetamorphicProperty, AFasterLinkIsNoSlower) {
  for (const char* method : kMethods) {
    double before = 0.0;
    for (const double factor : {0.5, 1.0, 2.0, 4.0}) {
      Scenario scenario = without_recall(small_scenario({method}));
      scale_link(scenario.machine, factor);
      const double now = tokens_per_s(scenario);
      EXPECT_GE(now, before * 0.9999) << method << " " << factor;
      if (std::string(method) == "flexgen" && before > 0.0) { EXPECT_GT(now, 1.2 * before) << factor; }
      before = now;
    }
  }
}

TEST(MetamorphicProperty, MoreCpuIsFasterWhereTheCpuAttends) {
  for (const char* method : {"hgca", "scout"}) {
    Scenario scenario = without_recall(small_scenario({method}));
    scenario.workloads[0].batches = {32};
    const double before = tokens_per_s(scenario);
    scenario.machine.cpu.cores *= 2;
    EXPECT_GT(tokens_per_s(scenario), before) << method;
    scenario.machine.cpu.dram_bandwidth *= 2.0;
    EXPECT_GT(tokens_per_s(scenario), before) << method;
  }
}

TEST(MetamorphicProperty, RecallsLoseLittleToAFasterLinkOrCpu) {
  Scenario scenario = small_scenario({"scout"});
  scenario.workloads[0].batches = {32};
  const double before = tokens_per_s(scenario);
  Scenario linked = scenario;
  scale_link(linked.machine, 2.0);
  EXPECT_GE(tokens_per_s(linked), before * (1.0 - kRecallMeetings));
  scenario.machine.cpu.cores *= 2;
  EXPECT_GE(tokens_per_s(scenario), before * (1.0 - kRecallMeetings));
}

TEST(MetamorphicProperty, AFasterHbmIsNoSlower) {
  for (const char* method : kMethods) {
    Scenario scenario = small_scenario({method});
    const double before = tokens_per_s(scenario);
    scenario.machine.gpu.hbm_bandwidth *= 2.0;
    EXPECT_GE(tokens_per_s(scenario), before * 0.9999) << method;
  }
}

TEST(MetamorphicProperty, ABudgetOfTheWholeContextSelectsEverything) {
  for (const char* method : {"scout", "infinigen"}) {
    Scenario scenario = small_scenario({});
    scenario.methods = {request_for(method, {{"budget_tokens", std::int64_t{8192}}})};
    const PointResult point = run_one(scenario);
    EXPECT_DOUBLE_EQ(point.facts.turnover, 0.0) << method;
    EXPECT_DOUBLE_EQ(point.facts.cpu_ratio, 0.0) << method;
  }
}

TEST(MetamorphicProperty, ALargerBudgetIsNotFaster) {
  for (const char* method : {"hgca", "scout"}) {
    double before = 1e300;
    for (const std::int64_t budget : {512, 1024, 2048, 4096}) {
      Scenario scenario = small_scenario({});
      scenario.locality = kStill;
      scenario.methods = {request_for(method, {{"budget_tokens", budget}})};
      const double now = tokens_per_s(scenario);
      EXPECT_LE(now, before * 1.0001) << method << " " << budget;
      before = now;
    }
  }
}

TEST(MetamorphicProperty, MoreLayersTakeProportionallyLonger) {
  // step = outside + layers · each: the step from 4 to 8 layers costs twice that from 4 to 6.
  for (const char* method : {"full_kv", "hgca"}) {
    const auto step = [&](std::size_t layers) { return run_one(small_scenario({method}, layers)).tpot.value(); };
    const double four = step(4);
    EXPECT_NEAR((step(8) - four) / (step(6) - four), 2.0, 0.02) << method;
  }
}

TEST(MetamorphicProperty, TheSeedChangesOnlyMethodsThatSelect) {
  for (const char* method : kMethods) {
    Scenario scenario = small_scenario({method});
    const PointResult one = run_one(scenario);
    scenario.seed = 2;
    const PointResult two = run_one(scenario);
    const bool selects = std::string(method) == "scout" || std::string(method) == "infinigen";
    EXPECT_EQ(one.fingerprint != two.fingerprint, selects) << method;
    // Other blocks, not other amounts of work: within a tenth of each other.
    EXPECT_NEAR(two.tokens_per_s / one.tokens_per_s, 1.0, 0.1) << method;
  }
}

TEST(MetamorphicProperty, FasterDriftIsNotFaster) {
  for (const char* method : {"scout", "infinigen"}) {
    double before = 1e300;
    for (const double correlation : {0.9999, 0.99, 0.9}) {
      Scenario scenario = small_scenario({method});
      scenario.locality = {"test", correlation, 0.0, 0.0};
      const PointResult point = run_one(scenario);
      EXPECT_LE(point.tokens_per_s, before * 1.001) << method << " " << correlation;
      before = point.tokens_per_s;
    }
  }
}

}  // namespace
}  // namespace outrider
