// Design points per second of a sweep, beside a run for each of them; more points must not cost more each.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>

#include "hwmodels/profile_reader.h"
#include "sim/io/scenario_reader.h"
#include "sim/methods/method.h"
#include "sim/study/run.h"
#include "sim/study/sweep.h"

namespace outrider {
namespace {

namespace fs = std::filesystem;

const fs::path kLibrary = fs::path(OUTRIDER_SOURCE_DIR) / "scenarios";

// One point of the paper's comparison, on as many kinds of HBM.
std::vector<ScenarioOverride> settings(std::size_t index) {
  return {{"methods", "[scout]"},
          {"workloads", "[{name: decode, contexts: [32K], batches: [16], decode_steps: 8, prefill: false}]"},
          {"machine.gpu.hbm_bandwidth", fmt::format("{} GB/s", 2000 + index)}};
}

std::variant<DesignPoint, DesignErrors> read_point(std::size_t index, InputFiles& inputs) {
  ConfigErrors errors;
  const std::vector<MethodInfo> catalog = method_infos();
  auto scenario = read_scenario({.file = kLibrary / "paper/scoutattention.yaml",
                                 .library = kLibrary,
                                 .overrides = settings(index),
                                 .with_claims = false},
                                catalog, inputs, errors);
  auto profile = scenario ? read_profile(scenario->profile, errors) : std::nullopt;
  if (!profile) return DesignErrors{to_string(errors.all().front())};
  return DesignPoint{.scenario = std::move(*scenario), .profile = std::move(*profile)};
}

void sweep(benchmark::State& state) {
  const auto points = static_cast<std::size_t>(state.range(0));
  const fs::path file = fs::temp_directory_path() / fmt::format("outrider_sweep_bench_{}", ::getpid());
  SweepTask task;
  task.points = points;
  task.threads = 1;
  task.make_reader = [] {
    return [inputs = InputFiles()](std::size_t index) mutable { return read_point(index, inputs); };
  };
  task.identity = [](const DesignPoint&, const PlannedPoint&) { return std::string(); };
  task.figures = [](const PointResult& result) { return fmt::format("{}", result.tokens_per_s); };
  for (auto _ : state) {
    fs::remove(file);
    SweepJournal journal({.file = file, .study = {}, .points = points, .resume = false});
    PointCache cache(std::nullopt);
    const auto done = run_sweep(task, journal, cache);
    if (const auto* errors = std::get_if<DesignErrors>(&done)) return state.SkipWithError(errors->front().c_str());
  }
  fs::remove(file);
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(points));
}
BENCHMARK(sweep)->Name("sweep/outrider")->Arg(8)->Arg(64)->Unit(benchmark::kMillisecond);

void run_each(benchmark::State& state) {
  const auto points = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    for (std::size_t i = 0; i < points; ++i) {
      InputFiles inputs;
      const auto point = read_point(i, inputs);
      if (const auto* errors = std::get_if<DesignErrors>(&point)) return state.SkipWithError(errors->front().c_str());
      const auto& [scenario, profile, digest] = std::get<DesignPoint>(point);
      benchmark::DoNotOptimize(run_scenario(scenario, profile, {.labels = {}, .threads = 1, .progress = {}}));
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(points));
}
BENCHMARK(run_each)->Name("sweep/a run each")->Arg(8)->Arg(64)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace outrider
