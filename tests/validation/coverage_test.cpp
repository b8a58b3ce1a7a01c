// Intervals of step times against what was measured: no profile was fitted to these steps.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "hwmodels/profile_reader.h"
#include "sim/io/scenario_reader.h"
#include "sim/study/intervals.h"
#include "sim/study/run.h"
#include "validation/golden.h"

namespace outrider {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = OUTRIDER_SOURCE_DIR;

struct Measured {
  const char* scenario;
  std::vector<const char*> files;  // of one machine each
};
const std::vector<Measured> kMeasured = {
    {"h200-qwen3-14b",
     {"h200-16c/validation/qwen3-14b/steps.csv", "h200-16c/validation/qwen3-14b/steps-2.csv",
      "h200-16c/validation/qwen3-14b/steps-3.csv"}},
    {"h200-llama-3.1-8b",
     {"h200-16c/validation/llama-3.1-8b/steps.csv", "h200-16c/validation/llama-3.1-8b/steps-2.csv",
      "h200-16c/validation/llama-3.1-8b/steps-3.csv"}},
    {"h200-systems", {"h200-16c/validation/systems/steps.csv"}},
    {"cpu-2c", {"cpu-2c/validation/cpu-2c/steps.csv"}},
    {"cpu-2c-dispatch", {"cpu-2c/validation/dispatch/steps.csv"}},
};

struct Coverage {
  int inside = 0, all = 0;
};

void count(const RunReport& report, const std::vector<RecordedStep>& steps, Coverage& coverage) {
  for (const RecordedStep& step : steps) {
    for (std::size_t i = 0; i < report.points.size(); ++i) {
      const PointResult& row = report.points[i];
      const bool meant = row.label == step.point.label && row.workload == step.point.workload &&
                         row.context == step.point.context && row.batch == step.point.batch;
      if (!meant || !row.fits) continue;
      const auto interval =
          interval_of(report, i, [](const RunReport&, const PointResult& p) { return p.tpot.value(); });
      const bool inside = interval->low <= step.measured_s && step.measured_s <= interval->high;
      ++coverage.all;
      coverage.inside += inside ? 1 : 0;
      if (inside) continue;
      fmt::print("outside: {} {:.4g} ms, predicted {:.4g} to {:.4g}\n", to_string(step.point), 1e3 * step.measured_s,
                 1e3 * interval->low, 1e3 * interval->high);
    }
  }
}

TEST(Coverage, NinetyPercentIntervalsHoldNineInTenMeasuredSteps) {
  constexpr int kDraws = 40;
  Coverage coverage;
  for (const Measured& each : kMeasured) {
    ConfigErrors errors;
    const auto scenario = read_scenario(kRoot / "scenarios/validation" / (std::string(each.scenario) + ".yaml"),
                                        method_infos(), {}, errors);
    ASSERT_TRUE(scenario) << each.scenario;
    const auto profile = read_profile(scenario->profile, errors);
    ASSERT_TRUE(profile) << each.scenario;
    const RunReport report = run_scenario(*scenario, *profile, {.draws = kDraws});
    for (const char* file : each.files) {
      const auto steps = read_recorded_steps(kRoot / "calibration/data" / file, errors);
      ASSERT_TRUE(steps) << file;
      count(report, *steps, coverage);
    }
  }
  ASSERT_GT(coverage.all, 100);
  const double share = static_cast<double>(coverage.inside) / coverage.all;
  fmt::print("{} of {} inside, {:.1f} %\n", coverage.inside, coverage.all, 100.0 * share);
  EXPECT_GE(share, 0.85);
  EXPECT_LE(share, 0.95);
}

}  // namespace
}  // namespace outrider
