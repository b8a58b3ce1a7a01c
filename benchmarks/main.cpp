// Runs the benchmarks, then sets our rates against every peer's of the same run.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <map>
#include <string>
#include <vector>

namespace outrider {
namespace {

// A name such as hold/SimGrid/1000: workload, engine, size.
struct Entry {
  std::string workload, engine, size;
};

Entry parted(const std::string& name) {
  const std::size_t first = name.find('/'), last = name.rfind('/');
  if (first == last) return {name, "", ""};
  return {name.substr(0, first), name.substr(first + 1, last - first - 1), name.substr(last + 1)};
}

// Keeps rates while the console shows them; a median over repetitions replaces single runs.
class RateReporter : public benchmark::ConsoleReporter {
 public:
  void ReportRuns(const std::vector<Run>& runs) override {
    ConsoleReporter::ReportRuns(runs);
    for (const Run& run : runs) {
      const auto rate = run.counters.find("items_per_second");
      const bool median = run.aggregate_name == "median";
      if (rate == run.counters.end() || run.error_occurred || (run.run_type == Run::RT_Aggregate && !median)) continue;
      const Entry entry = parted(run.run_name.function_name + "/" + run.run_name.args);
      rates_[{entry.workload, entry.size}][entry.engine] = rate->second;
    }
  }

  void print_ratios() const {
    fmt::print("\n{:<10}{:>9}  {:<24}{:>14}{:>14}{:>9}\n", "workload", "size", "peer", "ours M/s", "peer M/s", "ratio");
    for (const auto& [key, engines] : rates_) {
      const auto ours = engines.find("outrider");
      if (ours == engines.end()) continue;
      for (const auto& [engine, rate] : engines) {
        if (engine == "outrider") continue;
        fmt::print("{:<10}{:>9}  {:<24}{:>14.3f}{:>14.4f}{:>8.1f}x\n", key.workload, key.size, engine,
                   ours->second * 1e-6, rate * 1e-6, ours->second / rate);
      }
    }
  }

 private:
  struct Key {
    std::string workload, size;
    bool operator<(const Key& other) const {
      if (workload != other.workload) return workload < other.workload;
      return size.size() != other.size.size() ? size.size() < other.size.size() : size < other.size;
    }
  };
  std::map<Key, std::map<std::string, double>> rates_;
};

}  // namespace
}  // namespace outrider

int main(int count, char** arguments) {
  benchmark::Initialize(&count, arguments);
  if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 2;
  outrider::RateReporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  reporter.print_ratios();
  for (const char* absent : {OUTRIDER_ABSENT_PEERS}) {
    if (*absent != '\0')
      fmt::print("{} is not installed and was left out (make bench-dependencies installs it)\n", absent);
  }
  benchmark::Shutdown();
  return 0;
}
