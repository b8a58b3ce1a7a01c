// Where predictions of recorded points err by more than noise, and what was never measured (rows of DEVIATIONS.md).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "hwmodels/profile_reader.h"
#include "sim/base/statistics.h"
#include "sim/io/csv_table.h"
#include "sim/io/scenario_reader.h"
#include "sim/methods/method.h"
#include "validation/golden.h"

namespace outrider {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = OUTRIDER_SOURCE_DIR;

constexpr const char* kQwen = "h200-qwen3-14b";
constexpr const char* kLlama = "h200-llama-3.1-8b";

// The recorded steps of a shipped scenario, in calibration/data.
struct Recorded {
  std::string scenario, folder;
  std::string file = "steps.csv";
};
Recorded on_h200(const std::string& scenario, const std::string& file) {
  return {scenario, "h200-16c/validation/" + scenario.substr(std::string("h200-").size()), file};
}

// Signed errors of the points that are meant, predicted now with what each host's DRAM gave; positive is too slow a
// prediction. Sorted.
template <class Meant>
std::vector<double> errors_of(const std::vector<Recorded>& all, Meant meant) {
  std::vector<double> found;
  ConfigErrors errors;
  for (const Recorded& each : all) {
    const auto scenario = read_scenario({.file = kRoot / "scenarios/validation" / (each.scenario + ".yaml"),
                                         .library = kRoot / "scenarios",
                                         .overrides = {}},
                                        method_infos(), errors);
    const auto profile = scenario ? read_profile(scenario->profile, errors) : std::nullopt;
    const auto steps = read_recorded_steps(kRoot / "calibration/data" / each.folder / each.file, errors);
    if (!profile || !steps) continue;
    for (const RecordedStep& step : *steps) {
      if (!meant(step.point)) continue;
      const auto predicted = predicted_step(*scenario, *profile, step.point, step.host);
      EXPECT_TRUE(predicted.has_value()) << to_string(step.point);
      found.push_back(predicted.value_or(0.0) / step.measured_s - 1.0);
    }
  }
  for (const ConfigError& error : errors.all()) ADD_FAILURE() << to_string(error);
  EXPECT_FALSE(found.empty());
  std::sort(found.begin(), found.end());
  return found;
}

TEST(KnownGap, ScoutOfManySequencesIsPredictedTooQuick) {
  const std::vector<double> errors =
      errors_of({on_h200(kQwen, "steps.csv"), on_h200(kLlama, "steps.csv")},
                [](const PointKey& point) { return point.label.starts_with("scout") && point.batch == 64; });
  EXPECT_LT(nearest_quantile(errors, 0.5), -0.03);
  EXPECT_LT(errors.back(), 0.0);
}

TEST(KnownGap, FullKvOfOneSequenceIsPredictedTooSlow) {
  const std::vector<double> errors =
      errors_of({on_h200(kLlama, "steps.csv"), on_h200(kLlama, "steps-2.csv"), on_h200(kLlama, "steps-3.csv")},
                [](const PointKey& point) { return point.label == "full_kv" && point.batch == 1; });
  EXPECT_GT(nearest_quantile(errors, 0.5), 0.03);
  EXPECT_GT(errors.front(), 0.0);
}

// The second machine's DRAM was kept busy by others, more and less from one second to the next.
TEST(KnownGap, WhatABusyHostsDramGivesIsKnownRoughly) {
  const std::vector<double> errors = errors_of({on_h200(kLlama, "steps-2.csv")}, [](const PointKey& point) {
    return point.label.starts_with("infinigen-") || point.label == "hgca";
  });
  EXPECT_GT(errors.back(), 0.15);
}

// 64 parts of 32 tokens a layer on two cores. Samples had 1,536 tokens a sequence and more, whose parts take longer.
TEST(KnownGap, ShortPartsOfCpuAttentionArePredictedTooSlow) {
  const std::vector<double> errors =
      errors_of({{"cpu-2c-dispatch", "cpu-2c/validation/dispatch"}}, [](const PointKey&) { return true; });
  EXPECT_GT(errors.front(), 1.0);
}

// What the operations of a step took is known from steps alone that took longer for it.
TEST(KnownGap, TimingOperationsLengthensSteps) {
  std::vector<double> ratios;
  ConfigErrors errors;
  for (const Recorded& each : {on_h200(kQwen, "steps-4.csv"), on_h200(kLlama, "steps-4.csv")}) {
    const auto table =
        read_csv_table(kRoot / "calibration/data" / each.folder / each.file, {"measured_s", "timed_s"}, errors);
    ASSERT_TRUE(table.has_value());
    for (const CsvRow& row : table->rows) {
      if (!row.cells[0].empty()) ratios.push_back(std::stod(row.cells[1]) / std::stod(row.cells[0]));
    }
  }
  EXPECT_GT(nearest_quantile(ratios, 0.5), 1.01);
}

// The goal of a fit is 10 % at P90.
TEST(KnownGap, SomeFamiliesAreFittedWorseThanTheGoal) {
  ConfigErrors errors;
  const auto profile = read_profile(kRoot / "calibration/data/h200-16c/profile.yaml", errors);
  ASSERT_TRUE(profile && profile->fit);
  std::set<std::string> missing;
  for (const FamilyResiduals& family : profile->fit->residuals) {
    if (family.p90 > 0.1) missing.insert(family.family);
  }
  EXPECT_THAT(missing, testing::UnorderedElementsAre("attend_quantised", "complete", "copy_d2h", "cpu_attend",
                                                     "cpu_attend_tokens", "cpu_gather", "cpu_hash_lookup", "fork_join",
                                                     "lookup", "score_blocks", "select_top_k"));
}

// Machines that were measured have their samples in calibration/data; for all others profiles are assumed or another's.
TEST(KnownGap, MostMachinesWereNeverMeasured) {
  std::set<std::string> unmeasured;
  for (const auto& file : fs::directory_iterator(kRoot / "scenarios/machines")) {
    const std::string name = file.path().stem().string();
    if (!fs::exists(kRoot / "calibration/data" / name / "samples.csv")) unmeasured.insert(name);
  }
  EXPECT_THAT(unmeasured,
              testing::UnorderedElementsAre("a100-80gb-pcie-36c", "b200-56c", "gb200-36c", "gh200-72c", "h100-sxm-64c",
                                            "h200x8-112c", "l20-64c", "rtx-4090-16c", "t4-8c", "a10g-8c", "a10g-32c",
                                            "a6000-12c", "h100x2-as-one-64c"));
}

}  // namespace
}  // namespace outrider
