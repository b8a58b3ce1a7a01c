// The list of microbenchmarks and the loop over it.
#include "calibration/benches/microbench.h"

#include <algorithm>
#include <chrono>

#include "calibration/benches/cpu_microbenches.h"
#include "calibration/benches/gpu_probe.h"
#include "calibration/samples/families.h"
#include "sim/base/check.h"

namespace outrider {
namespace {

StopRule rule_of(Effort effort) {
  return effort == Effort::quick ? StopRule{.precision = 0.01, .least = 9, .most = 150, .budget = 0.8}
                                 : StopRule{.precision = 0.005, .least = 11, .most = 300, .budget = 3.0};
}

// Samples are read back by these names.
void check_shape(const Microbench& bench, const std::vector<FamilyInfo>& known) {
  const auto found =
      std::find_if(known.begin(), known.end(), [&](const auto& each) { return each.name == bench.family; });
  CHECK(found != known.end(), "{} is measured and no family", bench.family);
  std::string names;
  for (const auto& [name, value] : bench.shape.fields()) names += (names.empty() ? "" : " ") + name;
  CHECK(names == found->shape, "{} is measured by {}, and its shape is {}", bench.family, names, found->shape);
}

bool wanted(const Microbench& bench, const std::vector<std::string>& only) {
  return only.empty() || std::find(only.begin(), only.end(), bench.family) != only.end();
}

// Adds the time since the last call, or since it was made.
class Stopwatch {
 public:
  void lap(double& seconds) {
    const auto now = std::chrono::steady_clock::now();
    seconds += std::chrono::duration<double>(now - last_).count();
    last_ = now;
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

// Touches memory, wakes what sleeps, and goes on until clocks are where steady work has them.
void warm_up(Experiment& experiment) {
  constexpr int kTrials = 10;
  constexpr double kSeconds = 0.02, kMost = 0.3;
  Stopwatch watch;
  double spent = 0.0;
  for (int i = 0; (i < kTrials || spent < kSeconds) && (i == 0 || spent < kMost); ++i) {
    experiment.trial();
    watch.lap(spent);
  }
}

Sample measured(const Microbench& bench, const MeasureOptions& options, MeasureTimes& times) {
  Stopwatch watch;
  const std::unique_ptr<Experiment> experiment = bench.prepare();
  watch.lap(times.preparing);
  warm_up(*experiment);
  watch.lap(times.warming);
  const auto trial = [&experiment] { return experiment->trial(); };
  const Measurement time = measure(trial, rule_of(options.effort));
  watch.lap(times.trials);
  return {options.run, bench.family, bench.shape, time};
}

}  // namespace

MicrobenchSet microbenches(const HostFacts& facts, Effort effort) {
  auto arena = std::make_unique<CpuArena>(facts, effort);
  MicrobenchSet set{.list = cpu_microbenches(facts, effort, *arena), .memory = {}};
  for (Microbench& bench : gpu_microbenches(facts, effort, *arena)) set.list.push_back(std::move(bench));
  set.memory = std::move(arena);
  return set;
}

MeasureReport run_microbenches(const std::vector<Microbench>& list, const std::vector<Sample>& present,
                               const MeasureOptions& options) {
  MeasureReport report;
  std::vector<const Microbench*> todo;
  const std::vector<FamilyInfo> known = families();
  for (const Microbench& bench : list) {
    if (!wanted(bench, options.only)) continue;
    if (!bench.waived.empty()) {
      report.waived.push_back(bench);
      continue;
    }
    check_shape(bench, known);
    const auto same = std::find_if(present.begin(), present.end(), [&](const Sample& sample) {
      return sample.run == options.run && sample.family == bench.family && sample.shape == bench.shape;
    });
    if (same == present.end()) {
      todo.push_back(&bench);
    } else {
      ++report.resumed;
      report.samples.push_back(*same);
    }
  }
  for (const Microbench* bench : todo) {
    if (options.progress) options.progress(report.measured, todo.size());
    if (options.stop && options.stop()) {
      report.stopped = true;
      break;
    }
    const Sample sample = measured(*bench, options, report.times);
    append_samples(options.samples, {sample});
    report.unsettled += sample.time.settled ? 0 : 1;
    report.discarded += static_cast<std::size_t>(sample.time.discarded);
    ++report.measured;
    report.samples.push_back(sample);
  }
  return report;
}

}  // namespace outrider
