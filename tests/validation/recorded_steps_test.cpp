// Predicted decode steps of full_kv and flexgen against the wall time of steps recorded on the H200 machine through
// PyTorch. The profile was fitted to microbenchmarks of our own on other machines of this kind.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "hwmodels/profile_reader.h"
#include "sim/base/statistics.h"
#include "sim/io/scenario_reader.h"
#include "sim/study/run.h"

namespace outrider {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = OUTRIDER_SOURCE_DIR;

struct RecordedStep {
  std::string model;
  std::int64_t batch = 0, context = 0;
  double seconds = 0.0;
};

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  std::stringstream stream(line);
  for (std::string cell; std::getline(stream, cell, ',');) cells.push_back(cell);
  return cells;
}

// The rows of one attention kernel; a point that was recorded twice has the later run's.
std::vector<RecordedStep> recorded(const std::string& file, const std::string& attention) {
  std::ifstream stream(kRoot / "calibration/data/h200-16c/pytorch" / file);
  std::string line;
  std::getline(stream, line);
  EXPECT_EQ(line.substr(0, line.find(",kv_buffers")), "run,model,batch,context,attention") << file;
  std::map<std::tuple<std::string, std::int64_t, std::int64_t>, double> steps;
  while (std::getline(stream, line)) {
    const std::vector<std::string> cells = cells_of(line);
    if (cells.size() != 10 || cells[4] != attention) continue;
    steps[{cells[1], std::stoll(cells[2]), std::stoll(cells[3])}] = std::stod(cells[8]);
  }
  std::vector<RecordedStep> rows;
  for (const auto& [key, seconds] : steps)
    rows.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key), seconds});
  return rows;
}

// A scenario of one model and method on every context and batch. Memory is as large as it takes: where the caches of
// all layers did not fit, layers shared some.
RunReport predicted(const std::string& method, const std::string& model) {
  const fs::path file = fs::path(testing::TempDir()) / fmt::format("recorded_steps_{}_{}.yaml", method, model);
  std::ofstream(file) << fmt::format(
      "name: recorded\nmodel: {}\nmachine: h200-16c\nmethods: [{}]\nworkloads:\n  - name: steps\n"
      "    contexts: [4K, 8K, 16K, 32K]\n    batches: [1, 2, 4, 8, 16, 32, 64]\n    decode_steps: 2\n"
      "    warmup_steps: 1\n    prefill: false\n",
      model, method);
  ConfigErrors errors;
  auto scenario =
      read_scenario({.file = file, .library = kRoot / "scenarios", .overrides = {}}, method_infos(), errors);
  fs::remove(file);
  const auto profile = scenario ? read_profile(scenario->profile, errors) : std::nullopt;
  for (const ConfigError& error : errors.all()) ADD_FAILURE() << to_string(error);
  if (scenario) scenario->machine.gpu.hbm_capacity = scenario->machine.cpu.dram_capacity = Bytes(1e13);
  return profile ? run_scenario(*scenario, *profile, {}) : RunReport{};
}

std::vector<double> errors_of(const std::string& method, const std::vector<RecordedStep>& steps) {
  std::map<std::string, RunReport> reports;
  std::vector<double> errors;
  for (const RecordedStep& step : steps) {
    if (!reports.contains(step.model)) reports.emplace(step.model, predicted(method, step.model));
    for (const PointResult& point : reports.at(step.model).points) {
      if (point.fits && point.batch == step.batch && point.context == step.context)
        errors.push_back(std::abs(point.tpot.value() / step.seconds - 1.0));
    }
  }
  return errors;
}

TEST(RecordedSteps, FullKvIsPredictedWithinAFewPercentOverSevenModels) {
  const std::vector<double> errors = errors_of("full_kv", recorded("full_kv.csv", "cudnn"));
  ASSERT_EQ(errors.size(), 191u);
  EXPECT_LT(nearest_quantile(errors, 0.5), 0.02);
  EXPECT_LT(nearest_quantile(errors, 0.9), 0.045);
  EXPECT_LT(nearest_quantile(errors, 1.0), 0.07);
}

TEST(RecordedSteps, FlexGenIsPredictedWithinAFewPercentOverFourModels) {
  const std::vector<double> errors = errors_of("flexgen", recorded("flexgen.csv", "triton"));
  ASSERT_EQ(errors.size(), 36u);
  EXPECT_LT(nearest_quantile(errors, 0.5), 0.025);
  EXPECT_LT(nearest_quantile(errors, 0.9), 0.03);
  EXPECT_LT(nearest_quantile(errors, 1.0), 0.06);
}

}  // namespace
}  // namespace outrider
