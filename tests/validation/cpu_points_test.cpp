// Some of the CPU's validation points executed on whatever runs the tests, two cores or more and no GPU: how long they
// take says little there, but they must run to their end, in order, and compute what is right.
#include <gtest/gtest.h>

#include <filesystem>

#include "hwmodels/profile_reader.h"
#include "sim/io/scenario_reader.h"
#include "validation/measure_point.h"

namespace outrider {
namespace {

const std::filesystem::path kRoot = OUTRIDER_SOURCE_DIR;

Scenario shipped(const std::string& file) {
  ConfigErrors errors;
  auto scenario =
      read_scenario({.file = kRoot / "scenarios/validation" / file, .library = kRoot / "scenarios", .overrides = {}},
                    method_infos(), errors);
  for (const ConfigError& error : errors.all()) ADD_FAILURE() << to_string(error);
  return scenario.value_or(Scenario{});
}

// The scenario's smaller points, cut to some layers.
void measure_small_points(const std::string& file, std::vector<MeasuredPoint>& points) {
  Scenario scenario = shipped(file);
  scenario.model.layers.resize(3);
  ConfigErrors errors;
  const auto profile = read_profile(scenario.profile, errors);
  ASSERT_TRUE(profile.has_value());
  for (const PlannedPoint& plan : plan_points(scenario, {})) {
    if (plan.context * plan.batch > 8192) continue;
    points.push_back(measure_point(scenario, *profile, plan, draw_selections(scenario, plan, 1),
                                   {.repeats = 2, .operations = false, .cpu_workers = 1}));
  }
}

void expect_every_op_ran_in_order(const MeasuredPoint& point) {
  const Trace &ran = point.executed, &simulated = point.simulated;
  ASSERT_EQ(ran.steps.size(), 3u);
  ASSERT_EQ(ran.spans.size(), simulated.spans.size());
  for (std::size_t i = 0; i < ran.spans.size(); ++i) {
    EXPECT_EQ(ran.names[ran.spans[i].name], simulated.names[simulated.spans[i].name]);
    const std::string& name = ran.names[ran.spans[i].name];
    const bool works = name == "cpu_attend" || name == "cpu_gather";
    EXPECT_EQ(ran.spans[i].work > Duration(), works || name != "barrier") << name << " " << i;
  }
  EXPECT_FALSE(ran.edges.empty());
  for (const auto& [before, after] : ran.edges)
    EXPECT_LE(ran.spans[before.index()].end, ran.spans[after.index()].start);
}

TEST(CpuPoints, RunToTheirEndWithoutAGpuAndComputeWhatIsRight) {
  std::vector<MeasuredPoint> points;
  for (const char* file : {"cpu-2c.yaml", "cpu-2c-dispatch.yaml"}) measure_small_points(file, points);
  ASSERT_EQ(points.size(), 7u);
  std::vector<ResultRequest> requests;
  for (const MeasuredPoint& point : points) {
    SCOPED_TRACE(point.predicted.label + " " + std::to_string(point.predicted.context));
    ASSERT_EQ(point.impossible, "");
    expect_every_op_ran_in_order(point);
    // As a check of units only: what else the machine does, and what machine it is, is not known.
    EXPECT_GT(point.measured, point.predicted.tpot / 100.0);
    EXPECT_LT(point.measured, point.predicted.tpot * 1000.0);
    ASSERT_TRUE(point.attention.has_value());
    requests.push_back({.label = point.predicted.label, .context = point.predicted.context, .shape = *point.attention});
  }
  const std::vector<CheckedResult> results = check_all_results(requests);
  EXPECT_FALSE(results.empty());
  for (const CheckedResult& each : results) EXPECT_TRUE(each.check.passes()) << each.label << ": " << each.check.what;
}

}  // namespace
}  // namespace outrider
