// Medians of statements, with the ranges that they span.
#include "calibration/fit/direct_fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string_view>
#include <tuple>

#include "calibration/fit/sample_ops.h"
#include "hwmodels/machine_model.h"
#include "sim/base/statistics.h"

namespace outrider {
namespace {

// A coefficient that samples state each for itself: the median, and the range of them and of their intervals.
struct Statement {
  double value, low, high;
};
void set_directly(Profile& profile, const char* name, const std::vector<Statement>& statements,
                  const std::string& from) {
  if (statements.empty()) return;
  std::vector<double> values;
  Coefficient coefficient{.value = 0.0, .low = std::numeric_limits<double>::infinity(), .high = 0.0, .source = {}};
  for (const Statement& each : statements) {
    values.push_back(each.value);
    coefficient.low = std::min(coefficient.low, each.low);
    coefficient.high = std::max(coefficient.high, each.high);
  }
  coefficient.value = interpolated_quantile(values, 0.5);
  coefficient.source = provenance(from, statements.size());
  profile.coefficients[name] = coefficient;
}

// The interval that the trials of a sample spread over, P10 to P90 about the median: another run may be anywhere in it.
double shortest(const Sample& sample) { return sample.time.median * (1.0 - 0.5 * sample.time.spread); }
double longest(const Sample& sample) { return sample.time.median * (1.0 + 0.5 * sample.time.spread); }

// Rates of the samples with the most threads (or of all), as shares of a peak.
std::vector<Statement> shares_of_peak(const Samples& samples, BytesPerSecond peak) {
  double most = 0.0;
  for (const Sample* sample : samples)
    most = std::max(most, sample->shape.has("threads") ? sample->shape.at("threads") : 0.0);
  std::vector<Statement> shares;
  for (const Sample* sample : samples) {
    if (sample->shape.has("threads") && sample->shape.at("threads") < most) continue;
    const double bytes = sample->shape.at("bytes") / peak.value();
    shares.push_back({bytes / sample->time.median, bytes / longest(*sample), bytes / shortest(*sample)});
  }
  return shares;
}

std::vector<Statement> times_of(const Samples& samples) {
  std::vector<Statement> times;
  for (const Sample* sample : samples) times.push_back({sample->time.median, shortest(*sample), longest(*sample)});
  return times;
}

// Factors of the read rate that writing costs.
std::vector<Statement> write_costs(const Samples& reads, const Samples& writes) {
  std::vector<Statement> costs;
  for (const Sample* write : writes) {
    const std::optional<double> rate = read_rate_of(reads, write->run);
    if (!rate) continue;
    const double ideal = write->shape.at("bytes") / *rate;
    costs.push_back({write->time.median / ideal, shortest(*write) / ideal, longest(*write) / ideal});
  }
  return costs;
}

// What copies at their rate take off the reading rate, per byte copied.
std::vector<Statement> copy_costs(const Samples& reads, const Samples& beside, BytesPerSecond copy_rate) {
  std::vector<Statement> costs;
  for (const Sample* sample : beside) {
    const std::optional<double> alone = read_rate_of(reads, sample->run);
    if (!alone) continue;
    const auto cost = [&](double seconds) {
      return std::max(0.0, (*alone - sample->shape.at("bytes") / seconds) / copy_rate.value());
    };
    costs.push_back({cost(sample->time.median), cost(shortest(*sample)), cost(longest(*sample))});
  }
  return costs;
}

// CPU attention or a gather at s times its time beside copies: they take 1 − 1 ÷ s of what reads for the cores, at R
// bytes per second.
std::vector<Statement> read_costs(const Samples& alone, const Samples& beside, BytesPerSecond copy_rate,
                                  const MachineSpec& machine, const Profile& profile) {
  std::vector<Statement> costs;
  for (const Sample* sample : beside) {
    const auto same = std::find_if(alone.begin(), alone.end(), [&](const Sample* each) {
      return each->run == sample->run && each->shape == sample->shape;
    });
    if (same == alone.end()) continue;
    const double cores = sample->shape.at("threads") * machine.cpu.core_bandwidth.value();
    const double rate = std::min(cores, machine.cpu.dram_bandwidth.value() * profile.value("cpu.dram_efficiency"));
    const auto cost = [&](double seconds) {
      return std::max(0.0, 1.0 - (*same)->time.median / seconds) * rate / copy_rate.value();
    };
    costs.push_back({cost(sample->time.median), cost(shortest(*sample)), cost(longest(*sample))});
  }
  return costs;
}

// What samples take longer than others of the same run, as parts of `share`.
template <class Other>
std::vector<Statement> excesses(const Samples& samples, double share, const Other& other) {
  std::vector<Statement> found;
  for (const Sample* sample : samples) {
    const std::optional<double> less = other(*sample);
    if (!less) continue;
    const auto part = [&](double seconds) { return std::max(0.0, (seconds - *less) * share); };
    found.push_back({part(sample->time.median), part(shortest(*sample)), part(longest(*sample))});
  }
  return found;
}

std::optional<double> time_of_run(const Samples& samples, int run) {
  for (const Sample* sample : samples) {
    if (sample->run == run) return sample->time.median;
  }
  return std::nullopt;
}

std::optional<double> time_of_shape(const Samples& samples, const Sample& like) {
  for (const Sample* sample : samples) {
    if (sample->run == like.run && sample->shape == like.shape) return sample->time.median;
  }
  return std::nullopt;
}

// Beyond a kernel of a graph.
void read_chains(Profile& profile, const std::vector<Sample>& samples) {
  const Samples kernels = of_family(samples, "kernel_chain");
  const auto kernel = [&](const Sample& sample) { return time_of_run(kernels, sample.run); };
  set_directly(profile, "gpu.launch_gap", excesses(of_family(samples, "stream_chain"), 1.0, kernel), "stream_chain");
  set_directly(profile, "gpu.cold_latency", times_of(of_family(samples, "mixed_chain")), "mixed_chain");
  set_directly(profile, "gpu.flag_latency", excesses(of_family(samples, "flag_chain"), 0.5, kernel), "flag_chain");
}

// Units of kernels of which copies branch off, beyond those that none does; and which wait for such, beyond that.
void read_branches(Profile& profile, const std::vector<Sample>& samples) {
  std::vector<Statement> forks, joins;
  for (const char* family : {"branch_chain_h2d", "branch_chain_d2h"}) {
    const auto with = [&](double branches) {
      Samples found = of_family(samples, family);
      std::erase_if(found, [=](const Sample* each) { return each->shape.at("branches") != branches; });
      return found;
    };
    const Samples none = with(0.0), forked = with(1.0);
    for (const Statement& each : excesses(forked, 1.0, [&](const Sample& like) { return time_of_run(none, like.run); }))
      forks.push_back(each);
    for (const Statement& each :
         excesses(with(2.0), 1.0, [&](const Sample& like) { return time_of_run(forked, like.run); }))
      joins.push_back(each);
  }
  set_directly(profile, "gpu.fork_latency", forks, "branch_chain_h2d and branch_chain_d2h");
  set_directly(profile, "gpu.join_latency", joins, "branch_chain_h2d and branch_chain_d2h");
}

// Beyond the same copies while nothing else runs, for each fragment.
void read_loaded_fragments(Profile& profile, const std::vector<Sample>& samples) {
  for (const auto& [name, family, alone] :
       {std::tuple{"link.h2d_loaded_fragment", "copy_h2d_beside_reads", "copy_h2d"},
        std::tuple{"link.d2h_loaded_fragment", "copy_d2h_beside_reads", "copy_d2h"}}) {
    const Samples copies = of_family(samples, alone), beside = of_family(samples, family);
    std::vector<Statement> costs;
    for (const Sample* sample : beside) {
      const auto same = [&](const Sample& like) { return time_of_shape(copies, like); };
      for (const Statement& cost : excesses({sample}, 1.0 / sample->shape.at("count"), same)) costs.push_back(cost);
    }
    set_directly(profile, name, costs, family);
  }
}

}  // namespace

Samples of_family(const std::vector<Sample>& samples, const std::string& family) {
  Samples found;
  for (const Sample& sample : samples) {
    if (sample.family == family && is_trusted(sample)) found.push_back(&sample);
  }
  return found;
}

std::string provenance(const std::string& families, std::size_t samples) {
  return fmt::format("{} samples of {}", samples, families);
}

std::optional<double> read_rate_of(const Samples& reads, int run) {
  std::optional<double> best;
  for (const Sample* read : reads) {
    const double rate = read->shape.at("bytes") / read->time.median;
    if (read->run == run) best = std::max(best.value_or(0.0), rate);
  }
  return best;
}

// Beyond a kernel of a graph that forks and joins, and a copy that nothing waits for, of both hand-overs.
void read_hand_over(Profile& profile, const MachineSpec& machine, const std::vector<Sample>& samples) {
  const MachineModel model(machine, profile);
  const Samples kernels = of_family(samples, "kernel_chain");
  const double branching = profile.value("gpu.fork_latency") + profile.value("gpu.join_latency");
  std::vector<Statement> found;
  for (const char* family : {"copy_chain_h2d", "copy_chain_d2h"}) {
    const Direction direction = std::string_view(family) == "copy_chain_h2d" ? Direction::h2d : Direction::d2h;
    const auto parts = [&](const Sample& sample) -> std::optional<double> {
      const std::optional<double> kernel = time_of_run(kernels, sample.run);
      if (!kernel) return std::nullopt;
      const Op copy = copy_op(direction, sample.shape.at("bytes"), 1.0);
      return *kernel + branching + isolated_duration(model.demand(copy), model.platform()).seconds().value();
    };
    for (const Statement& each : excesses(of_family(samples, family), 0.5, parts)) found.push_back(each);
  }
  set_directly(profile, "link.hand_over", found, "copy_chain_h2d and copy_chain_d2h");
}

void read_directly(Profile& profile, const MachineSpec& machine, const std::vector<Sample>& samples) {
  const Samples hbm = of_family(samples, "hbm_read");
  set_directly(profile, "gpu.hbm_efficiency", shares_of_peak(hbm, machine.gpu.hbm_bandwidth), "hbm_read");
  set_directly(profile, "gpu.hbm_write_cost", write_costs(hbm, of_family(samples, "hbm_write")), "hbm_write");
  set_directly(profile, "gpu.h2d_hbm_cost", copy_costs(hbm, of_family(samples, "read_beside_h2d"), machine.link.h2d),
               "read_beside_h2d");
  set_directly(profile, "gpu.d2h_hbm_cost", copy_costs(hbm, of_family(samples, "read_beside_d2h"), machine.link.d2h),
               "read_beside_d2h");
  set_directly(profile, "gpu.kernel_latency", times_of(of_family(samples, "kernel_chain")), "kernel_chain");
  set_directly(profile, "cpu.dram_efficiency",
               shares_of_peak(of_family(samples, "dram_read"), machine.cpu.dram_bandwidth), "dram_read");
  read_chains(profile, samples);
  read_branches(profile, samples);
  read_loaded_fragments(profile, samples);
  for (const auto& [name, load, rate] : {std::tuple{"cpu.h2d_read_cost", "beside_h2d", machine.link.h2d},
                                         std::tuple{"cpu.d2h_read_cost", "beside_d2h", machine.link.d2h}}) {
    std::vector<Statement> costs;
    for (const std::string work : {"cpu_attend", "cpu_gather"}) {
      const Samples beside = of_family(samples, work + "_" + load);
      const auto more = read_costs(of_family(samples, work), beside, rate, machine, profile);
      costs.insert(costs.end(), more.begin(), more.end());
    }
    set_directly(profile, name, costs, std::string("cpu_attend and cpu_gather ") + load);
  }
}

}  // namespace outrider
