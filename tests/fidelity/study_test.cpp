// Studies: read strictly, run the same on any number of threads, and laid beside a scenario's speed.
#include "fidelity/study.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "fidelity/approximation.h"
#include "fidelity/speed.h"
#include "fidelity/study_reader.h"
#include "sim/trace/claim_metrics.h"
#include "tests/fidelity/heads.h"
#include "tests/support/scenarios.h"

namespace outrider {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

MethodRequest approximate(const std::string& name) {
  const MethodInfo& info = approximation_named(name)->info;
  return {.label = name, .method = name, .preset = "default", .params = resolve_params(info, "default", {})};
}

FidelityStudy small_study() {
  FidelityStudy study;
  study.name = "small";
  study.generator = small_generator();
  study.heads = {head_class(0.3, 0.3, 2.0), head_class(0.1, 0.1, 1.0)};
  study.heads[1].name = "other";
  study.contexts = {1024};
  study.budgets = {{.tokens = 128}, {.share = 0.5}};
  study.methods = {approximate("full_kv"), approximate("top_k"), approximate("magicpig"), approximate("csattention")};
  study.seeds = 2;
  study.steps = 2;
  study.prefill_queries = 128;
  return study;
}

std::vector<double> figures(const FidelityReport& report) {
  std::vector<double> all;
  for (const FidelityRow& row : report.rows) {
    all.insert(all.end(), {row.error.mean, row.error.least, row.error.most, row.mass.mean, row.mass.least,
                           row.mass.most, row.tokens, row.index_bytes, row.kv_bytes, row.state_bytes});
  }
  for (const HeadRow& row : report.heads)
    all.insert(all.end(), {row.shown.sink_share, row.shown.entropy, row.shown.step_cosine, row.shown.block_turnover});
  return all;
}

TEST(Study, GivesTheSameFiguresOnAnyNumberOfThreads) {
  const FidelityStudy study = small_study();
  EXPECT_EQ(figures(run_fidelity(study, {.threads = 1})), figures(run_fidelity(study, {.threads = 3})));
}

TEST(Study, HasARowForEachHeadMethodAndBudget) {
  const FidelityReport report = run_fidelity(small_study(), {.threads = 1});
  ASSERT_EQ(report.heads.size(), 2U);
  ASSERT_EQ(report.rows.size(), 2U * (1U + 3U * 2U)) << "full_kv has no budget";
  EXPECT_EQ(report.rows[0].budget, 1024);
  EXPECT_EQ(report.rows[1].budget, 128);
  EXPECT_EQ(report.rows[2].budget, 512);
  for (const FidelityRow& row : report.rows) {
    EXPECT_LE(row.error.least, row.error.mean);
    EXPECT_GE(row.error.most, row.error.mean);
  }
  EXPECT_LT(report.rows[1].error.least, report.rows[1].error.most) << "seeds differ";
}

TEST(Study, AMethodsFiguresDoNotDependOnTheOthers) {
  FidelityStudy study = small_study();
  const FidelityRow among = run_fidelity(study, {.threads = 1}).rows[5];
  study.methods = {approximate("csattention")};
  EXPECT_EQ(among.label, "csattention");
  EXPECT_EQ(run_fidelity(study, {.threads = 1}).rows[0].error.mean, among.error.mean);
}

TEST(TokenBudget, IsTokensOrPercent) {
  EXPECT_EQ(parse_token_budget("2K")->of(65536), 2048);
  EXPECT_EQ(parse_token_budget("5%")->of(1000), 50);
  EXPECT_EQ(parse_token_budget("4096")->of(1024), 1024) << "no more than there are";
  for (const char* wrong : {"", "0", "-1", "0%", "101%", "x%", "1.5"}) EXPECT_FALSE(parse_token_budget(wrong)) << wrong;
}

std::vector<std::string> problems(const std::string& text) {
  const auto file = std::filesystem::path(testing::TempDir()) / ("fidelity_study_" + std::to_string(::getpid()));
  std::ofstream(file) << text;
  ConfigErrors errors;
  EXPECT_FALSE(read_fidelity_study(file, {}, errors));
  std::vector<std::string> messages;
  for (const ConfigError& each : errors.all()) messages.push_back(each.path + ": expected " + each.expected);
  std::filesystem::remove(file);
  return messages;
}

TEST(StudyReader, ReportsEveryMistakeWithItsPath) {
  EXPECT_THAT(
      problems("name: a\ncontexts: [100]\nbudgets: [5%, none]\nheads:\n"
               "  - {name: h, sink_share: 0.1, recent_share: 2, spread: 1, source: ours}\n"
               "generator: {head_dim: 100, topic: 3}\nmethods: [topk, {method: turbo, set: {bits: 5}}]\n"),
      testing::IsSupersetOf({HasSubstr("contexts[0]: expected"), HasSubstr("budgets: expected tokens"),
                             HasSubstr("heads[0].recent_share: expected"),
                             HasSubstr("generator.head_dim: expected 64, 128"), HasSubstr("generator.topic: expected"),
                             HasSubstr("methods[0]"), HasSubstr("methods[1].set.bits: expected 8, 4, 3 or 2")}));
}

TEST(StudyReader, ReadsTheShippedStudy) {
  const auto file = std::filesystem::path(OUTRIDER_SOURCE_DIR) / "scenarios/fidelity/synthetic.yaml";
  ConfigErrors errors;
  const auto study = read_fidelity_study(file, {{"seeds", "9", "--seeds"}}, errors);
  ASSERT_TRUE(study);
  EXPECT_EQ(study->seeds, 9);
  EXPECT_EQ(study->heads.size(), 4U);
  std::vector<std::string> methods;
  for (const MethodRequest& each : study->methods) methods.push_back(each.method);
  for (const ApproximationEntry& entry : approximations()) EXPECT_THAT(methods, testing::Contains(entry.info.name));
}

TEST(Speed, BudgetsFollowFromAMethodsParameters) {
  EXPECT_EQ(budget_of(request_for("scout"))->of(32768), 2048);
  EXPECT_EQ(budget_of(request_for("arkvale"))->of(32768), 1280) << "40 pages of 32";
  EXPECT_EQ(budget_of(request_for("shadowkv"))->of(32768), 2048 + 48 * 8 + 32);
  // 6.7 % of 32768, rounded down.
  EXPECT_EQ(budget_of(request_for("omnikv"))->of(32768), 2195);
  EXPECT_FALSE(budget_of(request_for("full_kv")));
}

// Sinks and window, 1.8 % of the tokens, and a vector of K and one of V for each of 23.2 % of the clusters of 16.
TEST(Speed, EstimatesCountAgainstTheBudget) {
  EXPECT_NEAR(static_cast<double>(budget_of(request_for("retroinfer"))->of(32768)), 68 + (0.018 + 0.232 / 16.0) * 32768,
              1.0);
}

Scenario speed_scenario() {
  Scenario scenario = small_scenario({"full_kv", "quest", "hgca"});
  scenario.workloads[0].contexts = {1024};
  scenario.methods[1] = request_for("quest", {{"budget_tokens", std::int64_t{128}}});
  return scenario;
}

TEST(Speed, APointHasTheFiguresOfItsMethodBudgetAndContext) {
  const Scenario scenario = speed_scenario();
  const FidelityStudy study = study_of_scenario(small_study(), scenario);
  EXPECT_THAT(study.contexts, ElementsAre(1024));
  EXPECT_EQ(study.generator.step_correlation, scenario.locality.step_correlation);
  const std::vector<SpeedRow> rows = join_speed(run_small(scenario), run_fidelity(study, {.threads = 1}));
  ASSERT_EQ(rows.size(), 3U);
  ASSERT_EQ(rows[0].fidelity.size(), 2U) << "both classes of heads";
  EXPECT_EQ(rows[0].fidelity[0].budget, 1024);
  EXPECT_LT(rows[0].fidelity[0].error.most, 1e-5);
  ASSERT_EQ(rows[1].fidelity.size(), 2U);
  EXPECT_EQ(rows[1].fidelity[0].budget, 128);
  EXPECT_GT(rows[1].fidelity[0].error.mean, 1e-3);
  EXPECT_GT(rows[1].point.tokens_per_s, 0.0);
  EXPECT_TRUE(rows[2].fidelity.empty()) << "hgca has no approximation";
}

// No claim about accuracy is simulated, and what `fidelity` says of a method is the same for every model: heads are
// drawn.
TEST(KnownGap, AccuracyIsNotPredicted) {
  std::vector<std::string> metrics;
  for (const ClaimMetric& metric : claim_metrics()) metrics.emplace_back(metric.name);
  EXPECT_THAT(metrics, testing::Contains("not_simulated"));
  EXPECT_THAT(metrics, testing::Not(testing::Contains(testing::AnyOf("accuracy", "query_cosine"))));
  Scenario scenario = speed_scenario();
  const FidelityReport report = run_fidelity(study_of_scenario(small_study(), scenario), {.threads = 1});
  scenario.model = model_named("llama-3.1-8b");
  EXPECT_EQ(figures(run_fidelity(study_of_scenario(small_study(), scenario), {.threads = 1})), figures(report));
}

}  // namespace
}  // namespace outrider
