// Points on several GPUs of one host: replicas that share DRAM and cores, and nothing else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "sim/study/simulate.h"
#include "tests/support/scenarios.h"

namespace outrider {
namespace {

// A host that nothing ever waits for.
Scenario roomy(std::initializer_list<std::string> methods, std::int64_t gpus) {
  Scenario scenario = small_scenario(methods);
  scenario.machine.gpu_count = gpus;
  scenario.machine.cpu.dram_bandwidth *= 1000.0;
  scenario.machine.cpu.dram_capacity *= 1000.0;
  scenario.machine.cpu.core_bandwidth *= 1000.0;
  scenario.machine.cpu.attention_measured = scenario.machine.cpu.dram_measured = BytesPerSecond(0.0);
  return scenario;
}

PointDetail detail(const Scenario& scenario) {
  return run_point(scenario, assumed_profile(), scenario.methods.front().label, 0, 0);
}

double amount(const Trace& trace, const std::string& name) {
  double sum = 0.0;
  for (std::size_t i = 0; i < trace.resources.size(); ++i) {
    if (trace.resources[i].name == name) sum += trace.amounts[i];
  }
  return sum;
}

TEST(SeveralGpus, ReplicasThatShareNothingTakeExactlyAsLongAsOne) {
  for (const char* method : {"full_kv", "flexgen"}) {
    const PointDetail one = detail(roomy({method}, 1)), three = detail(roomy({method}, 3));
    ASSERT_EQ(three.trace.steps.size(), 3 * one.trace.steps.size()) << method;
    for (std::size_t i = 0; i < three.trace.steps.size(); ++i) {
      const Step &step = three.trace.steps[i], &same = one.trace.steps[i % one.trace.steps.size()];
      EXPECT_EQ(step.begin, same.begin) << method;
      EXPECT_EQ(step.end, same.end) << method;
    }
    EXPECT_EQ(three.result.gpus, 3);
    EXPECT_DOUBLE_EQ(three.result.tokens_per_s, 3.0 * one.result.tokens_per_s) << method;
    EXPECT_DOUBLE_EQ(three.result.tokens_per_s_per_gpu(), one.result.tokens_per_s) << method;
    EXPECT_DOUBLE_EQ(three.result.tpot.value(), one.result.tpot.value()) << method;
    EXPECT_DOUBLE_EQ(three.result.tpot_slowest.value(), one.result.tpot.value()) << method;
    EXPECT_NEAR(three.result.gpu_idle, one.result.gpu_idle, 1e-12) << method;
    ASSERT_EQ(three.result.causes.size(), one.result.causes.size());
    for (std::size_t i = 0; i < one.result.causes.size(); ++i) {
      EXPECT_NEAR(three.result.causes[i].share, one.result.causes[i].share, 1e-12) << method;
    }
  }
}

TEST(SeveralGpus, WithDramAsTheOnlyLimitNReplicasTakeNTimes) {
  // 1 GB/s of DRAM under a link of 25 GB/s: all else hides behind the copies.
  Scenario scenario = roomy({"flexgen"}, 1);
  scenario.machine.cpu.dram_bandwidth = BytesPerSecond(1e9);
  const PointResult one = detail(scenario).result;
  for (const std::int64_t gpus : {2, 5}) {
    scenario.machine.gpu_count = gpus;
    const PointResult several = detail(scenario).result;
    EXPECT_NEAR(several.tpot / one.tpot, static_cast<double>(gpus), 0.01 * static_cast<double>(gpus));
    EXPECT_NEAR(several.tokens_per_s / one.tokens_per_s, 1.0, 0.01);
    EXPECT_EQ(several.causes.front().bottleneck, "DRAM");
  }
}

TEST(SeveralGpus, MoveAsOftenTheBytesOfOne) {
  for (const char* method : {"flexgen", "hgca", "full_kv"}) {
    Scenario scenario = small_scenario({method});
    const Trace one = detail(scenario).trace;
    scenario.machine.gpu_count = 4;
    const Trace four = detail(scenario).trace;
    for (const ResourceInfo& resource : one.resources) {
      if (resource.name == "CPU reads") continue;  // in time, and there are fewer workers
      const double expected = 4.0 * amount(one, resource.name);
      EXPECT_NEAR(amount(four, resource.name), expected, 1e-9 * expected + 1e-6) << method << " " << resource.name;
    }
  }
}

TEST(SeveralGpus, EachSelectsItsOwnBlocks) {
  Scenario scenario = small_scenario({"scout"});
  scenario.machine.gpu_count = 2;
  const PlannedPoint plan = plan_points(scenario, {}).front();
  const Selections selections = draw_selections(scenario, plan, 1);
  ASSERT_EQ(selections.decode.size(), 2u);
  const auto chosen = [&](std::size_t gpu) {
    const BlockSet blocks = selections.decode[gpu].selected(0, 0, 0);
    return std::vector(blocks.begin(), blocks.end());
  };
  EXPECT_NE(chosen(0), chosen(1));
  // The first GPU's are those of a machine with one.
  scenario.machine.gpu_count = 1;
  const Selections of_one = draw_selections(scenario, plan, 1);
  const BlockSet same = of_one.decode[0].selected(0, 0, 0);
  EXPECT_EQ(chosen(0), std::vector(same.begin(), same.end()));
}

TEST(SeveralGpus, TheSharesOfTheirCriticalPathsSumToOneAndLedgersToTheSpans) {
  for (const char* method : {"flexgen", "infinigen", "hgca", "scout"}) {
    Scenario scenario = small_scenario({method});
    scenario.machine.gpu_count = 3;
    const PointDetail point = detail(scenario);
    double shares = 0.0;
    for (const Cause& cause : point.result.causes) {
      shares += cause.share;
      EXPECT_NE(cause.name, kUnexplained) << method;
    }
    EXPECT_NEAR(shares, 1.0, 1e-9) << method;
    Duration spans;
    for (const StepRange range : point.measured) {
      for (std::size_t step = range.first; step < range.last; ++step) {
        for (const Span& span : point.trace.spans_of(point.trace.steps[step])) spans += span.end - span.created;
      }
    }
    EXPECT_EQ(point.result.ledger.total(), spans) << method;
    for (const Utilisation& use : point.result.utilisations) EXPECT_LE(use.share, 1.0 + 1e-9) << use.resource;
  }
}

TEST(SeveralGpus, ShareTheCores) {
  // Attention on the cores is half of what HGCA's GPU waits for: four of them have the cores read all the time.
  Scenario scenario = small_scenario({"hgca"});
  const PointResult one = detail(scenario).result;
  scenario.machine.gpu_count = 4;
  const PointResult four = detail(scenario).result;
  const auto reading = [](const PointResult& point) {
    for (const Utilisation& use : point.utilisations) {
      if (use.resource == "CPU reads") return use.share;
    }
    return 0.0;
  };
  EXPECT_GT(reading(four), 0.9);
  // What the cores do is the same for every token: none can be had beyond what they can read.
  EXPECT_LT(four.tokens_per_s / one.tokens_per_s, 1.0 / reading(one));
  EXPECT_GT(four.tokens_per_s, one.tokens_per_s);
  EXPECT_GT(four.gpu_idle, one.gpu_idle);
  EXPECT_GE(four.tpot_slowest, four.tpot);
}

TEST(SeveralGpus, EachPlansWithItsShareOfDram) {
  Scenario scenario = small_scenario({"flexgen"}, 40);
  scenario.workloads = {workload_of({32768}, {})};
  scenario.workloads[0].max_batch = 100'000;
  const PlannedPoint one = plan_points(scenario, {}).front();
  EXPECT_EQ(one.limit, "DRAM");
  scenario.machine.gpu_count = 4;
  const PlannedPoint four = plan_points(scenario, {}).front();
  EXPECT_EQ(four.limit, "DRAM");
  EXPECT_LE(4 * four.batch, one.batch);
  EXPECT_GT(4 * (four.batch + 1), one.batch);
}

TEST(SeveralGpus, RowsDoNotDependOnThreads) {
  Scenario scenario = small_scenario({"full_kv", "flexgen", "infinigen", "hgca", "scout"});
  scenario.machine.gpu_count = 3;
  const RunReport one = run_small(scenario, 1), four = run_small(scenario, 4);
  ASSERT_EQ(one.points.size(), four.points.size());
  for (std::size_t i = 0; i < one.points.size(); ++i) {
    EXPECT_EQ(one.points[i].fingerprint, four.points[i].fingerprint) << one.points[i].label;
    EXPECT_EQ(one.points[i].tokens_per_s, four.points[i].tokens_per_s) << one.points[i].label;
  }
  EXPECT_THAT(one.caveats, testing::Contains(testing::HasSubstr("each of the machine's 3 GPUs runs its own copy")));
}

TEST(SeveralGpus, APromptIsPrefilledOnOne) {
  Scenario scenario = small_scenario({"flexgen"});
  scenario.workloads[0].prefill = true;
  const PointResult one = detail(scenario).result;
  scenario.machine.gpu_count = 4;
  EXPECT_EQ(detail(scenario).result.ttft, one.ttft);
}

}  // namespace
}  // namespace outrider
