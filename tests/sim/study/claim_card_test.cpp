// The card on small scenarios: which assumption it finds, and what it says where none is at fault.
#include "sim/study/claim_card.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/scenarios.h"

namespace outrider {
namespace {

using testing::HasSubstr;

Claim claim_of(const std::string& id, double value) {
  Claim claim;
  claim.id = id;
  claim.metric = "throughput_ratio";
  claim.method = "hgca";
  claim.baseline = "full_kv";
  claim.workload = "decode";
  claim.context = 8192;
  claim.batch = 8;
  claim.value = value;
  return claim;
}

// Full attention beside attention on the CPU, whose cores decide the ratio.
Scenario scenario_with(std::int64_t cores) {
  Scenario scenario = small_scenario({"full_kv", "hgca"});
  scenario.machine.cpu.cores = cores;
  return scenario;
}

double ratio_with(std::int64_t cores) {
  Scenario scenario = scenario_with(cores);
  scenario.claims = {claim_of("ratio", 1.0)};
  return run_small(scenario).claims[0].predicted;
}

// What a reader does with "machine.cpu.cores" and with parameters of methods.
std::optional<StudyInputs> reread(const Scenario& scenario, const Assumption& assumption, std::string& refusal) {
  StudyInputs inputs{.scenario = scenario, .profile = assumed_profile()};
  if (assumption.path == "machine.cpu.cores") {
    inputs.scenario.machine.cpu.cores = std::stoll(assumption.value);
    return inputs;
  }
  refusal = assumption.path + ": no such thing";
  return assumption.path.starts_with("methods.") ? std::optional(inputs) : std::nullopt;
}

ClaimCard card_of(const Scenario& scenario, int threads = 1, int draws = 0) {
  return claim_card({.scenario = scenario,
                     .profile = assumed_profile(),
                     .draws = draws,
                     .threads = threads,
                     .reread = [&](const Assumption& assumption, std::string& refusal) {
                       return reread(scenario, assumption, refusal);
                     }});
}

TEST(ClaimCard, FindsTheWrongAssumption) {
  // What is "published" is what four cores give; the scenario wrongly takes 36.
  Scenario scenario = scenario_with(36);
  scenario.claims = {claim_of("ratio", ratio_with(4))};
  scenario.claims[0].unknown = {{.path = "machine.cpu.cores", .values = {"48", "4", "16"}, .why = "not stated"}};
  const ClaimCard card = card_of(scenario);
  ASSERT_FALSE(card.report.claims[0].holds);
  const CardRow& row = card.rows[0];
  ASSERT_TRUE(row.deciding);
  EXPECT_EQ(row.tried[*row.deciding].assumption.path, "machine.cpu.cores");
  EXPECT_EQ(row.tried[*row.deciding].assumption.value, "4");
  EXPECT_TRUE(row.tried[*row.deciding].result.holds);
  EXPECT_DOUBLE_EQ(row.tried[*row.deciding].result.predicted, scenario.claims[0].value);
  ASSERT_TRUE(row.range);
  EXPECT_DOUBLE_EQ(row.range->low, scenario.claims[0].value);
  EXPECT_GE(row.range->high, card.report.claims[0].predicted);
}

TEST(ClaimCard, VariesUncertainParametersOnlyWhereAClaimDoesNotHold) {
  Scenario scenario = scenario_with(36);
  const double predicted = ratio_with(36);
  scenario.claims = {claim_of("holds", predicted), claim_of("differs", 10.0 * predicted)};
  const ClaimCard card = card_of(scenario);
  EXPECT_TRUE(card.rows[0].tried.empty());
  EXPECT_FALSE(card.rows[0].deciding);
  EXPECT_FALSE(card.rows[0].range);
  std::vector<std::string> paths;
  for (const TriedAssumption& tried : card.rows[1].tried) paths.push_back(tried.assumption.path);
  EXPECT_THAT(paths, testing::Contains("methods.hgca.set.window_of"));  // inferred
  EXPECT_THAT(paths, testing::Contains("methods.full_kv.set.launch"));
  EXPECT_THAT(paths, testing::Not(testing::Contains("methods.hgca.set.window_share")));  // read in the paper
  EXPECT_FALSE(card.rows[1].deciding) << "the reader of this test changes nothing";
}

TEST(ClaimCard, WhatTheScenarioSetsIsNotVaried) {
  Scenario scenario = scenario_with(36);
  scenario.methods[1] = request_for("hgca", {{"launch", std::string("eager")}});
  scenario.claims = {claim_of("differs", 100.0)};
  const ClaimCard card = card_of(scenario);
  ASSERT_FALSE(card.rows[0].tried.empty());
  for (const TriedAssumption& tried : card.rows[0].tried) EXPECT_NE(tried.assumption.path, "methods.hgca.set.launch");
}

TEST(ClaimCard, SaysWhatRefusedAValue) {
  Scenario scenario = scenario_with(36);
  scenario.claims = {claim_of("ratio", ratio_with(36))};
  scenario.claims[0].unknown = {{.path = "machine.nothing", .values = {"1"}, .why = "a typo"}};
  const CardRow row = card_of(scenario).rows[0];
  ASSERT_EQ(row.tried.size(), 1u);
  EXPECT_FALSE(row.tried[0].result.available);
  EXPECT_THAT(row.tried[0].result.note, HasSubstr("machine.nothing"));
}

TEST(ClaimCard, PointsAreThoseOfTheClaimsWhateverTheWorkloadLists) {
  Scenario scenario = scenario_with(36);
  scenario.claims = {claim_of("elsewhere", 1.0), claim_of("again", 2.0)};
  scenario.claims[0].context = scenario.claims[1].context = 4096;
  scenario.claims[0].batch = scenario.claims[1].batch = 2;
  const ClaimCard card = card_of(scenario);
  ASSERT_EQ(card.report.points.size(), 2u);
  EXPECT_EQ(card.report.points[0].context, 4096);
  EXPECT_EQ(card.report.points[0].batch, 2);
  EXPECT_TRUE(card.report.claims[0].available);
}

TEST(ClaimCard, DoesNotDependOnThreads) {
  Scenario scenario = scenario_with(36);
  scenario.claims = {claim_of("ratio", 0.01)};
  scenario.claims[0].unknown = {{.path = "machine.cpu.cores", .values = {"4", "16"}, .why = "not stated"}};
  const ClaimCard one = card_of(scenario, 1, 8), three = card_of(scenario, 3, 8);
  ASSERT_TRUE(one.report.claims[0].interval && three.report.claims[0].interval);
  EXPECT_EQ(one.report.claims[0].interval->low, three.report.claims[0].interval->low);
  EXPECT_EQ(one.report.claims[0].interval->high, three.report.claims[0].interval->high);
  EXPECT_EQ(one.rows[0].deciding, three.rows[0].deciding);
  ASSERT_EQ(one.rows[0].tried.size(), three.rows[0].tried.size());
  for (std::size_t i = 0; i < one.rows[0].tried.size(); ++i)
    EXPECT_EQ(one.rows[0].tried[i].result.predicted, three.rows[0].tried[i].result.predicted);
}

}  // namespace
}  // namespace outrider
