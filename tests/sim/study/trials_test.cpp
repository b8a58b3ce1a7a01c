// What a study tries for systems that measure before they decide: the fastest share, and with it the batch.
#include "sim/study/trials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/study/simulate.h"
#include "tests/support/scenarios.h"

namespace outrider {
namespace {

Scenario scenario_of(const char* method, const char* model, std::vector<std::int64_t> batches) {
  Scenario scenario = small_scenario({method});
  scenario.model = model_named(model);
  scenario.model.layers.resize(4);
  scenario.workloads = {workload_of({2048}, std::move(batches))};
  return scenario;
}

MachineModel machine_of(const Scenario& scenario) { return {scenario.machine, assumed_profile()}; }

double rate(const Scenario& scenario, const PlannedPoint& plan) {
  return simulate_point(scenario, machine_of(scenario), plan, {}, {}).result.tokens_per_s;
}

PlannedPoint settled_point(const Scenario& scenario) {
  return settled(scenario, machine_of(scenario), plan_points(scenario, {}), 1).front();
}

// Inputs of h·s bytes in place of 2·Hk·d·s: half as many with as many KV heads as query heads, so that some are worth
// it; more with few, where none is.
TEST(Trials, KvprComputesAgainWhereInputsAreFewerBytesThanKv) {
  const PlannedPoint many = settled_point(scenario_of("kvpr", "llama-2-7b", {32}));
  EXPECT_GT(many.params.number("recomputed_share"), 0.0);
  const PlannedPoint few = settled_point(scenario_of("kvpr", "llama-3.1-8b", {32}));
  EXPECT_EQ(few.params.number("recomputed_share"), 0.0);
}

TEST(Trials, NoShareThatWasTriedIsFaster) {
  for (const char* method : {"kvpr", "neo"}) {
    for (const std::int64_t batch : {0, 64}) {
      const Scenario scenario =
          scenario_of(method, "llama-2-7b", batch > 0 ? std::vector{batch} : std::vector<std::int64_t>{});
      const TriedParam& tried = entry_of(method).tried.front();
      const double chosen = rate(scenario, settled_point(scenario));
      for (const double value : tried.values) {
        MethodRequest request = scenario.methods.front();
        request.params.set(tried.name, value);
        const PlannedPoint other = plan_point(scenario, request, scenario.workloads.front(), 2048, batch);
        if (other.fits()) { EXPECT_LE(rate(scenario, other), 1.0001 * chosen) << method << " " << value; }
      }
    }
  }
}

// Beside 2.14 GB of weights and a tenth kept, room for two requests of 17 MB each: those on the CPU add to them.
TEST(Trials, MemoryDecidesTheBatchOfEachShare) {
  Scenario scenario = scenario_of("neo", "llama-2-7b", {});
  scenario.machine.gpu.hbm_capacity = Bytes(2.43e9);
  scenario.workloads.front().contexts = {256};
  const PlannedPoint neo = settled_point(scenario);
  const PlannedPoint alone = plan_point(scenario, scenario.methods.front(), scenario.workloads.front(), 256, 0);
  EXPECT_EQ(alone.batch, 2);
  EXPECT_GT(neo.params.number("cpu_share"), 0.0);
  EXPECT_GT(neo.batch, alone.batch);
  EXPECT_THAT(simulate_point(scenario, machine_of(scenario), neo, {}, {}).result.notes,
              testing::Contains(testing::HasSubstr("the fastest of 72 tried")));
}

TEST(Trials, WhatIsGivenIsNotTried) {
  Scenario scenario = scenario_of("neo", "llama-2-7b", {8});
  scenario.methods = {request_for("neo", {{"cpu_share", 0.25}, {"first_share", 0.5}})};
  EXPECT_EQ(settled_point(scenario).tried, "");
  scenario.methods = {request_for("neo", {{"cpu_share", 0.25}})};
  const PlannedPoint plan = settled_point(scenario);
  EXPECT_EQ(plan.params.number("cpu_share"), 0.25);
  EXPECT_THAT(plan.tried, testing::HasSubstr("the fastest of 6 tried"));
}

TEST(Trials, WhereNothingFitsThePlanSaysWhy) {
  Scenario scenario = scenario_of("neo", "llama-2-7b", {});
  scenario.machine.gpu.hbm_capacity = Bytes(1e9);
  const PlannedPoint plan = settled_point(scenario);
  EXPECT_FALSE(plan.fits());
  EXPECT_NE(plan.limit, "");
}

TEST(Trials, ResultsDoNotDependOnTheNumberOfThreads) {
  const Scenario scenario = scenario_of("neo", "llama-2-7b", {});
  const RunReport one = run_small(scenario, 1), two = run_small(scenario, 2);
  EXPECT_EQ(one.points.front().fingerprint, two.points.front().fingerprint);
  EXPECT_EQ(one.points.front().notes, two.points.front().notes);
}

// What a system finds on a better machine may be another share: never a slower one.
TEST(Trials, SeveralGpusAreTriedTogether) {
  Scenario scenario = scenario_of("neo", "llama-2-7b", {64});
  scenario.machine.gpu_count = 2;
  const PlannedPoint two = settled_point(scenario);
  EXPECT_TRUE(two.fits());
  const double chosen = rate(scenario, two);
  MethodRequest request = scenario.methods.front();
  request.params.set("cpu_share", 0.5);
  EXPECT_GE(chosen, rate(scenario, plan_point(scenario, request, scenario.workloads.front(), 2048, 64)));
}

}  // namespace
}  // namespace outrider
