// Figures of whole runs against the traces they are read off, and runs against each other.
#include "sim/study/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <mutex>

#include "sim/io/scenario_reader.h"
#include "sim/study/claims.h"
#include "sim/study/parallel.h"
#include "tests/support/scenarios.h"

namespace outrider {
namespace {

PointDetail detail(const Scenario& scenario, const std::string& label) {
  return run_point(scenario, assumed_profile(), label, 0, 0);
}

void expect_same(const PointResult& a, const PointResult& b) {
  EXPECT_EQ(a.label, b.label);
  EXPECT_EQ(a.context, b.context);
  EXPECT_EQ(a.batch, b.batch);
  EXPECT_EQ(a.fingerprint, b.fingerprint) << a.label;
  EXPECT_EQ(a.tokens_per_s, b.tokens_per_s) << a.label;
  EXPECT_EQ(a.ttft, b.ttft) << a.label;
  EXPECT_EQ(a.gpu_idle, b.gpu_idle) << a.label;
  EXPECT_EQ(a.facts.cpu_ratio_by_step, b.facts.cpu_ratio_by_step) << a.label;
  EXPECT_EQ(a.facts.link_bytes_per_step, b.facts.link_bytes_per_step) << a.label;
  ASSERT_EQ(a.utilisations.size(), b.utilisations.size());
  for (std::size_t i = 0; i < a.utilisations.size(); ++i) EXPECT_EQ(a.utilisations[i].share, b.utilisations[i].share);
  ASSERT_EQ(a.causes.size(), b.causes.size());
  for (std::size_t i = 0; i < a.causes.size(); ++i) EXPECT_EQ(a.causes[i].time, b.causes[i].time);
}

TEST(ParallelFor, DoesEveryIndexOnce) {
  for (const int threads : {0, 1, 3, 64}) {
    std::vector<std::atomic<int>> done(17);
    parallel_for(done.size(), threads, [&](std::size_t i) { ++done[i]; });
    for (const auto& count : done) EXPECT_EQ(count.load(), 1) << threads;
    parallel_for(0, threads, [&](std::size_t) { ADD_FAILURE() << "nothing to do"; });
  }
}

TEST(Run, RowsDoNotDependOnThreads) {
  Scenario scenario = small_scenario({"full_kv", "flexgen", "infinigen", "hgca", "scout"});
  scenario.workloads = {workload_of({4096, 8192}, {2, 4}), workload_of({4096}, {})};
  scenario.workloads[1].name = "automatic";
  scenario.workloads[1].max_batch = 3;
  scenario.workloads[0].prefill = true;
  const RunReport one = run_small(scenario, 1), four = run_small(scenario, 4);
  ASSERT_EQ(one.points.size(), 25u);
  ASSERT_EQ(four.points.size(), 25u);
  for (std::size_t i = 0; i < one.points.size(); ++i) expect_same(one.points[i], four.points[i]);
}

TEST(Run, ARowDoesNotDependOnWhatElseIsRun) {
  // Selections are drawn once for the widest batch of a group; every narrower point sees a prefix of them.
  Scenario all = small_scenario({"infinigen", "scout"});
  all.workloads = {workload_of({8192}, {2, 6})};
  Scenario alone = small_scenario({"scout"});
  alone.workloads = {workload_of({8192}, {2})};
  const RunReport many = run_small(all), few = run_small(alone);
  ASSERT_EQ(many.points[1].label, "scout");
  expect_same(many.points[1], few.points[0]);
  expect_same(many.points[1], run_point(all, assumed_profile(), "scout", 8192, 2).result);
}

TEST(Run, ThroughputIsBatchOverMeanStepTime) {
  Scenario scenario = small_scenario({"full_kv"});
  scenario.workloads[0].warmup_steps = 2;
  const PointDetail point = detail(scenario, "full_kv");
  ASSERT_EQ(point.trace.steps.size(), 5u);
  ASSERT_EQ(point.measured.size(), 1u);
  EXPECT_EQ(point.measured[0].first, 2u);
  EXPECT_EQ(point.measured[0].last, 5u);
  // Three measured steps: tokens/s = 8 ÷ (whole ÷ 3).
  const double whole = (point.trace.steps[4].end - point.trace.steps[2].begin).seconds().value();
  EXPECT_DOUBLE_EQ(point.result.tpot.value(), whole / 3.0);
  EXPECT_DOUBLE_EQ(point.result.tokens_per_s, 8.0 * 3.0 / whole);
  EXPECT_LE(point.result.step_p5, point.result.tpot);
  EXPECT_GE(point.result.step_p95, point.result.tpot);
}

TEST(Run, SharesOfTheCriticalPathSumToOneAndLedgersToTheSpans) {
  for (const char* label : {"full_kv", "flexgen", "infinigen", "hgca", "scout"}) {
    const PointDetail point = detail(small_scenario({label}), label);
    double shares = 0.0;
    for (const Cause& cause : point.result.causes) shares += cause.share;
    EXPECT_NEAR(shares, 1.0, 1e-9) << label;
    Duration spans;
    for (std::size_t step = point.measured[0].first; step < point.measured[0].last; ++step) {
      for (const Span& span : point.trace.spans_of(point.trace.steps[step])) spans += span.end - span.created;
    }
    EXPECT_EQ(point.result.ledger.total(), spans) << label;
  }
}

TEST(Run, GpuIdleIsTheTimeOffTheComputeStream) {
  const PointDetail point = detail(small_scenario({"hgca"}), "hgca");
  const Duration busy = busy_time(point.trace, lane_id(Lane::compute), point.measured[0]);
  const Duration whole = elapsed(point.trace, point.measured[0]);
  EXPECT_NEAR(point.result.gpu_idle, 1.0 - busy.seconds() / whole.seconds(), 1e-12);
  EXPECT_GT(point.result.gpu_idle, 0.0);
}

TEST(Run, UtilisationIsBytesOverCapacityAndTime) {
  // FlexGen's h2d link: L·B·(S + t)·kv per step for t = 0 … 3, that is 4·8·(8192 + 1.5)·4096 B on average.
  const PointDetail point = detail(small_scenario({"flexgen"}), "flexgen");
  const double bytes = 4.0 * 8.0 * 8193.5 * 4096.0;
  const double seconds = elapsed(point.trace, {0, 4}).seconds().value();
  int found = 0;
  for (const Utilisation& use : point.result.utilisations) {
    EXPECT_GE(use.share, 0.0) << use.resource;
    EXPECT_LE(use.share, 1.0 + 1e-9) << use.resource;
    if (use.resource != "link h2d") continue;
    ++found;
    EXPECT_NEAR(use.amount_per_step, bytes, 1e-6 * bytes);
    EXPECT_NEAR(use.share, 4.0 * bytes / 25e9 / seconds, 1e-6);
    EXPECT_EQ(use.unit, "B");
  }
  EXPECT_EQ(found, 1);
}

TEST(Run, PrefillIsChargedWhereAskedFor) {
  // Four layers of one prompt's KV, 4·8192·4096 B, go to the host under FlexGen; with FullKV they stay.
  Scenario scenario = small_scenario({"flexgen", "full_kv"});
  EXPECT_DOUBLE_EQ(run_small(scenario).points[0].ttft.value(), 0.0);
  scenario.workloads[0].prefill = true;
  const RunReport report = run_small(scenario);
  EXPECT_NEAR(report.points[0].prefill_bytes - report.points[1].prefill_bytes, 4.0 * 8192.0 * 4096.0, 1.0);
  // At least the FLOPs of the layers' products at the peak: 2·8192 tokens · 4 · 330 301 440 weights ÷ 312 TFLOP/s.
  const double least = 2.0 * 8192.0 * 4.0 * 330'301'440.0 / 312e12;
  for (const PointResult& point : report.points) {
    EXPECT_GT(point.ttft.value(), least) << point.label;
    EXPECT_LT(point.ttft.value(), 20.0 * least) << point.label;
  }
}

TEST(Run, APointThatDoesNotFitHasNoFiguresButItsReason) {
  Scenario scenario = small_scenario({"full_kv", "scout"});
  scenario.workloads = {workload_of({8192}, {100'000})};
  for (const PointResult& point : run_small(scenario).points) {
    EXPECT_FALSE(point.fits);
    EXPECT_EQ(point.batch, 0);
    EXPECT_EQ(point.given_batch, 100'000);
    EXPECT_EQ(point.tokens_per_s, 0.0);
    EXPECT_THAT(point.limit, testing::HasSubstr("needs "));
    EXPECT_TRUE(point.causes.empty());
  }
}

TEST(Run, ClaimsAreJudgedInTheirOrder) {
  Scenario scenario = small_scenario({"full_kv", "flexgen"});
  for (const char* baseline : {"full_kv", "scout"}) {
    Claim claim;
    claim.id = std::string("over ") + baseline;
    claim.metric = "throughput_ratio";
    claim.method = "flexgen";
    claim.baseline = baseline;
    claim.workload = "decode";
    claim.context = 8192;
    claim.batch = 8;
    claim.value = 1.0;
    claim.relation = "at_most";
    scenario.claims.push_back(claim);
  }
  const RunReport report = run_small(scenario);
  ASSERT_EQ(report.claims.size(), 2u);
  EXPECT_TRUE(report.claims[0].available);
  EXPECT_DOUBLE_EQ(report.claims[0].predicted, report.points[1].tokens_per_s / report.points[0].tokens_per_s);
  EXPECT_TRUE(report.claims[0].holds) << "streaming the cache is no faster than having it";
  EXPECT_FALSE(report.claims[1].available) << "scout was not run";
}

TEST(Run, ProgressCountsEveryPointOnce) {
  Scenario scenario = small_scenario({"full_kv", "hgca"});
  scenario.workloads = {workload_of({1024, 2048}, {1})};
  std::vector<std::size_t> seen;
  run_scenario(scenario, assumed_profile(),
               {.labels = {}, .threads = 3, .progress = [&](std::size_t done, std::size_t all) {
                  EXPECT_EQ(all, 4u);
                  seen.push_back(done);
                }});
  EXPECT_THAT(seen, testing::ElementsAre(1, 2, 3, 4));
}

// Every metric that can be judged can be written in a scenario file, and nothing else.
TEST(Run, ScenarioFilesAcceptExactlyTheMetricsThatAreJudged) {
  const auto folder = std::filesystem::path(testing::TempDir()) / "outrider_claim_metrics";
  std::filesystem::create_directories(folder);
  const auto read = [&](std::string_view metric) {
    const auto file = folder / "claims.yaml";
    std::ofstream(file) << "name: trial\nmodel: qwen3-8b\nmachine: h200-16c\nmethods: [full_kv, scout]\n"
                           "locality: scout\nworkloads:\n  - {name: w, contexts: [8K], batches: [4, 8]}\nclaims:\n"
                           "  - {id: c, text: t, method: scout, baseline: full_kv, workload: w, context: 8K, batch: 8, "
                           "baseline_batch: 4, value: 1, source: s, metric: "
                        << metric << "}\n";
    ConfigErrors errors;
    const auto scenario = read_scenario(
        {.file = file, .library = std::filesystem::path(OUTRIDER_SOURCE_DIR) / "scenarios"}, method_infos(), errors);
    return scenario.has_value() ? std::string() : texts(errors);
  };
  for (const ClaimMetric& metric : claim_metrics()) EXPECT_EQ(read(metric.name), "") << metric.name;
  EXPECT_THAT(read("speed"), testing::HasSubstr("metric"));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace outrider
