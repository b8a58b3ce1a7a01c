// The explicit list of what can be measured, and its execution.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "calibration/benches/stop_rule.h"
#include "calibration/samples/host_facts.h"
#include "calibration/samples/sample.h"

namespace outrider {

// What is set up for a shape, and repeated.
class Experiment {
 public:
  virtual ~Experiment() = default;
  virtual Trial trial() = 0;
};

// Makes something run beside an experiment.
using WrapExperiment = std::function<std::unique_ptr<Experiment>(std::unique_ptr<Experiment> wrapped)>;

struct Microbench {
  std::string family;
  SampleShape shape;
  std::string waived{};  // why it cannot run here; empty where it can
  std::function<std::unique_ptr<Experiment>()> prepare{};
};

// Microbenchmarks with the memory that they share.
struct BenchMemory {
  virtual ~BenchMemory() = default;
};
struct MicrobenchSet {
  std::vector<Microbench> list;
  std::unique_ptr<BenchMemory> memory;
};

enum class Effort { full, quick };

// In the order of execution; families that need what this host lacks appear once, waived.
MicrobenchSet microbenches(const HostFacts& facts, Effort effort);

struct MeasureOptions {
  std::filesystem::path samples;    // appended to; what it already has of this run is not measured again
  std::vector<std::string> only{};  // families; empty: all
  Effort effort = Effort::full;
  int run = 1;
  std::function<void(std::size_t done, std::size_t all)> progress{};
  std::function<bool()> stop{};  // asked between measurements: true ends the run, which can be resumed
};

// Wall time of a run, by what it was spent on.
struct MeasureTimes {
  double preparing = 0.0, warming = 0.0, trials = 0.0;  // seconds
};

struct MeasureReport {
  std::vector<Sample> samples;     // of this run, old and new
  std::vector<Microbench> waived;  // one for each family
  std::size_t measured = 0, resumed = 0, unsettled = 0, discarded = 0;
  bool stopped = false;
  MeasureTimes times{};
};

// Throws std::runtime_error where samples cannot be written.
MeasureReport run_microbenches(const std::vector<Microbench>& list, const std::vector<Sample>& present,
                               const MeasureOptions& options);

}  // namespace outrider
