// Reading of machine figures off samples.
#include "calibration/fit/measured_machine.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "sim/base/statistics.h"
#include "sim/io/quantities.h"

namespace outrider {
namespace {

double median_of(const std::vector<double>& values) { return interpolated_quantile(values, 0.5); }

// To five digits: more would be noise.
double rounded(double value) { return *parse_number(fmt::format("{:.5g}", value)); }

// Figures taken from samples, noted with where they come from.
class Measured {
 public:
  Measured(MachineSpec& machine, const std::vector<Sample>& samples) : machine_(machine), samples_(samples) {}

  // Bytes ÷ time of the family's samples that qualify, as their median; 0 where there are none. `refused`: of those
  // that are too noisy to be trusted.
  double rate(const std::string& family, const std::function<bool(const SampleShape&)>& qualifies,
              bool refused = false) const {
    std::vector<double> rates;
    for (const Sample& sample : samples_) {
      if (sample.family == family && is_trusted(sample) != refused && qualifies(sample.shape))
        rates.push_back(sample.shape.at("bytes") / sample.time.median);
    }
    return rates.empty() ? 0.0 : median_of(rates);
  }

  double best_rate(const std::string& family) const {
    double best = 0.0;
    for (const Sample& sample : samples_) {
      if (sample.family == family && is_trusted(sample))
        best = std::max(best, sample.shape.at("bytes") / sample.time.median);
    }
    return best;
  }

  // What one CTA gathers per second, by fragment; times rise with it.
  std::vector<TransferPoint> by_one_cta(const std::string& family) const {
    std::map<double, std::vector<double>> times;
    for (const Sample& sample : samples_) {
      if (sample.family == family && is_trusted(sample) && sample.shape.at("ctas") == 1.0)
        times[sample.shape.at("fragment")].push_back(sample.time.median / sample.shape.at("count"));
    }
    std::vector<TransferPoint> points;
    for (const auto& [fragment, seconds] : times)
      points.push_back({Bytes(fragment), BytesPerSecond(rounded(fragment / median_of(seconds)))});
    return points;
  }

  void set_rate(const char* path, BytesPerSecond& figure, double rate, const std::string& source) {
    if (rate <= 0.0) return;
    figure = BytesPerSecond(rounded(rate));
    machine_.sources[path] = source;
  }

  // What this machine does noisily is nearer to it than what another does: then the source says so.
  void set_rate_of_reads(const char* path, BytesPerSecond& figure,
                         const std::function<bool(const SampleShape&)>& qualifies, const std::string& source) {
    const double trusted = rate("dram_read", qualifies), noisy = rate("dram_read", qualifies, true);
    set_rate(path, figure, trusted > 0.0 ? trusted : noisy,
             trusted > 0.0 ? source : std::string(kNoisySource) + source);
  }

  void set_cost(const char* path, Seconds& figure, const std::string& family) {
    std::vector<double> times, settled;
    for (const Sample& sample : samples_) {
      if (sample.family != family || !is_trusted(sample)) continue;
      times.push_back(sample.time.median);
      if (sample.time.settled) settled.push_back(sample.time.median);
    }
    if (!settled.empty()) times = settled;
    if (times.empty()) return;
    figure = Seconds(rounded(median_of(times)));
    machine_.sources[path] = fmt::format("measured: {}", family);
  }

  // One fragment's time in a row of copies: the geometric mean over rows of at least 32, since a few dozen copies
  // follow each other faster than hundreds do; where there are none, in the longest row.
  std::vector<TransferPoint> surface(const std::string& family) const {
    constexpr double kLongRow = 32.0;
    std::map<double, std::map<double, std::vector<double>>> paces;  // by fragment and count: its part of a row's time
    for (const Sample& sample : samples_) {
      if (sample.family != family || !is_trusted(sample)) continue;
      const double count = sample.shape.at("count");
      paces[sample.shape.at("fragment")][count].push_back(sample.time.median / count);
    }
    std::vector<TransferPoint> points;
    double least = 0.0;
    for (const auto& [fragment, by_count] : paces) {
      double logs = 0.0, rows = 0.0;
      for (const auto& [count, times] : by_count) {
        if (count < kLongRow && count < by_count.rbegin()->first) continue;
        logs += std::log(median_of(times));
        rows += 1.0;
      }
      least = std::max(least, std::exp(logs / rows));  // a larger copy takes no less
      points.push_back({Bytes(fragment), BytesPerSecond(rounded(fragment / least))});
    }
    return points;
  }

 private:
  MachineSpec& machine_;
  const std::vector<Sample>& samples_;
};

// Where copies of one size alone were measured: what a copy costs beside its bytes stays as on the machine's own link.
std::vector<TransferPoint> at_rate(std::vector<TransferPoint> points, BytesPerSecond own, BytesPerSecond rate) {
  for (TransferPoint& point : points) {
    const double bytes = point.fragment.value();
    const double cost = std::max(0.0, bytes / point.rate.value() - bytes / own.value());
    point.rate = BytesPerSecond(rounded(bytes / (cost + bytes / rate.value())));
  }
  return points;
}

void set_link(MachineSpec& machine, Measured& measured) {
  LinkSpec& link = machine.link;
  const auto any = [](const SampleShape&) { return true; };
  const LinkSpec own = link;
  for (const auto& [family, points, rate, path] :
       {std::tuple{"copy_h2d", &link.copy_engine_h2d, &link.h2d, "link.h2d"},
        std::tuple{"copy_d2h", &link.copy_engine_d2h, &link.d2h, "link.d2h"}}) {
    std::vector<TransferPoint> surface = measured.surface(family);
    if (surface.empty()) continue;
    const auto fastest =
        std::max_element(surface.begin(), surface.end(), [](const auto& a, const auto& b) { return a.rate < b.rate; });
    measured.set_rate(path, *rate, fastest->rate.value(), fmt::format("measured: {}, the fastest copies", family));
    const bool up = points == &link.copy_engine_h2d;
    std::string& source = machine.sources[up ? "link.copy_engine_h2d" : "link.copy_engine_d2h"];
    if (surface.size() > 1) {
      *points = std::move(surface);
      source = fmt::format("measured: {}", family);
    } else {
      const bool as_up = up || own.copy_engine_d2h.empty();
      *points = as_up ? at_rate(own.copy_engine_h2d, own.h2d, *rate) : at_rate(own.copy_engine_d2h, own.d2h, *rate);
      source = fmt::format("the machine file's cost per copy, at the measured rate of {}", family);
    }
  }
  measured.set_rate("link.bidirectional", link.bidirectional, measured.rate("copy_both", any), "measured: copy_both");
  const auto large = [](const SampleShape& shape) { return shape.at("fragment") >= 4.0e6; };
  measured.set_rate("link.pageable", link.pageable, measured.rate("copy_h2d_pageable", large),
                    "measured: copy_h2d_pageable");
  std::vector<TransferPoint> batched = measured.surface("copy_h2d_batched");
  if (!batched.empty()) {
    link.batched_h2d = std::move(batched);
    machine.sources["link.batched_h2d"] = "measured: copy_h2d_batched";
  }
  measured.set_rate("link.zero_copy", link.zero_copy, measured.best_rate("gather_h2d"),
                    "measured: gather_h2d, the fastest");
  std::vector<TransferPoint> one_cta = measured.by_one_cta("gather_h2d");
  if (one_cta.empty()) return;
  link.zero_copy_per_cta = std::move(one_cta);
  machine.sources["link.zero_copy_per_cta"] = "measured: gather_h2d, one CTA";
}

void set_host(MachineSpec& machine, Measured& measured) {
  HostSpec& host = machine.host;
  measured.set_cost("host.kernel_launch", host.kernel_launch, "launch_kernel");
  measured.set_cost("host.copy_launch", host.copy_launch, "launch_copy");
  measured.set_cost("host.graph_launch", host.graph_launch, "launch_graph");
  measured.set_cost("host.synchronize", host.synchronize, "synchronize");
  measured.set_cost("host.pool_dispatch", host.pool_dispatch, "dispatch_pool");
}

}  // namespace

MachineSpec measured_machine(MachineSpec machine, const HostFacts& facts, const std::vector<Sample>& samples,
                             bool datasheet_known) {
  Measured measured(machine, samples);
  CpuSpec& cpu = machine.cpu;
  const auto one = [](const SampleShape& shape) { return shape.at("threads") == 1.0; };
  const auto all = [&](const SampleShape& shape) {
    return shape.at("threads") == static_cast<double>(facts.processors);
  };
  if (datasheet_known) {
    measured.set_rate("cpu.core_bandwidth", cpu.core_bandwidth, measured.rate("dram_read", one),
                      "measured: dram_read, one thread");
  } else {
    measured.set_rate_of_reads("cpu.core_bandwidth", cpu.core_bandwidth, one, "measured: dram_read, one thread");
    measured.set_rate_of_reads("cpu.dram_bandwidth", cpu.dram_bandwidth, all,
                               "measured: dram_read, all threads; the datasheet's peak is not known");
    cpu.name = facts.cpu;
    cpu.cores = facts.processors;
    cpu.sockets = 1;
    cpu.inter_socket = BytesPerSecond(0.0);
    cpu.dram_capacity = Bytes(facts.memory_bytes);
    for (const char* path : {"cpu.cores", "cpu.dram_capacity"}) machine.sources[path] = "this host";
  }
  cpu.measured_cores = 0;
  cpu.dram_measured = cpu.attention_measured = BytesPerSecond(0.0);
  set_link(machine, measured);
  set_host(machine, measured);
  return machine;
}

}  // namespace outrider
