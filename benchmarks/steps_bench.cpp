// Whole decode steps per second: graph, demands, engine and metrics of shipped methods, on one thread.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <filesystem>

#include "hwmodels/profile_reader.h"
#include "sim/io/scenario_reader.h"
#include "sim/methods/method.h"
#include "sim/study/run.h"

namespace outrider {
namespace {

void decode_steps(benchmark::State& state, const std::string& method) {
  const std::filesystem::path library = std::filesystem::path(OUTRIDER_SOURCE_DIR) / "scenarios";
  ConfigErrors errors;
  const std::vector<ScenarioOverride> narrowed = {{"methods", "[" + method + "]"}};
  const auto scenario = read_scenario(
      {.file = library / "examples/steps.yaml", .library = library, .overrides = narrowed}, method_infos(), errors);
  const auto profile = scenario ? read_profile(scenario->profile, errors) : std::nullopt;
  if (!profile) {
    state.SkipWithError(errors.all().empty() ? "no profile" : to_string(errors.all().front()).c_str());
    return;
  }
  const Workload& workload = scenario->workloads.front();
  for (auto _ : state)
    benchmark::DoNotOptimize(run_scenario(*scenario, *profile, {.labels = {}, .threads = 1, .progress = {}}));
  state.SetItemsProcessed(state.iterations() * (workload.decode_steps + workload.warmup_steps));
}
BENCHMARK_CAPTURE(decode_steps, full_kv, "full_kv")->Name("steps/full_kv");
BENCHMARK_CAPTURE(decode_steps, scout, "scout")->Name("steps/scout");

}  // namespace
}  // namespace outrider
