// Stages of the fit, each with its coefficients and families.
#include "calibration/fit/profile_fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <tuple>

#include "calibration/fit/direct_fit.h"
#include "calibration/fit/fit.h"
#include "calibration/fit/sample_ops.h"
#include "hwmodels/machine_model.h"
#include "sim/base/check.h"
#include "sim/base/statistics.h"

namespace outrider {
namespace {

// Coefficients that are fitted together, over all samples of the families, by the models' own times.
struct Stage {
  std::vector<std::string> coefficients, families;
};

const std::vector<Stage>& stages() {
  static const std::vector<Stage> all = {
      {{"link.copy_latency"}, {"copy_h2d", "copy_d2h"}},
      {{"gpu.gemm_hbm_efficiency", "gpu.gemm_arithmetic_efficiency", "gpu.gemm_latency"}, {"gemm"}},
      {{"gpu.attention_hbm_efficiency", "gpu.attention_latency", "gpu.attention_split_latency",
        "gpu.attention_bytes_in_flight"},
       {"attend_dense"}},
      {{"gpu.sparse_attention_hbm_efficiency"}, {"attend_sparse"}},
      {{"gpu.quantised_attention_hbm_efficiency", "gpu.quantised_attention_codes_per_flop",
        "gpu.quantised_attention_latency"},
       {"attend_quantised"}},
      {{"gpu.gemm_fp8_hbm_efficiency", "gpu.gemm_fp8_arithmetic_efficiency", "gpu.gemm_fp8_latency"}, {"gemm_fp8"}},
      {{"gpu.score_hbm_efficiency", "gpu.score_latency", "gpu.score_bytes_in_flight"}, {"score_blocks"}},
      {{"gpu.digest_hbm_efficiency", "gpu.digest_latency", "gpu.digest_bytes_in_flight"}, {"build_digest"}},
      {{"gpu.select_latency", "gpu.select_stage", "gpu.select_score"}, {"select_top_k"}},
      {{"gpu.residency_latency", "gpu.residency_row"}, {"residency_diff"}},
      {{"gpu.stream_hbm_efficiency", "gpu.stream_latency", "gpu.l2_speedup"}, {"elementwise"}},
      {{"gpu.merge_latency"}, {"merge_lse"}},
      {{"gpu.quantise_numbers_per_flop", "gpu.quantise_latency"}, {"quantise"}},
      {{"gpu.lookup_list", "gpu.lookup_bytes_in_flight"}, {"lookup"}},
      {{"gpu.feature_hbm_efficiency", "gpu.feature_latency"}, {"features"}},
      {{"gpu.completion_latency", "gpu.completion_bytes_in_flight"}, {"complete"}},
      {{"gpu.adam_hbm_efficiency", "gpu.adam_latency"}, {"adam"}},
      {{"cpu.attention_dram_efficiency", "cpu.arithmetic_efficiency", "cpu.attention_latency", "cpu.attention_part",
        "cpu.fork_join", "cpu.fork_join_per_doubling"},
       {"cpu_attend", "fork_join"}},
      {{"cpu.stream_dram_efficiency", "cpu.gather_piece"}, {"cpu_gather"}},
      {{"cpu.attention_token"}, {"cpu_attend_tokens"}},
      {{"cpu.hash_bucket", "cpu.hash_token"}, {"cpu_hash_lookup"}},
  };
  return all;
}

// Coefficients of ceilings that each run states for itself.
using Ceilings = std::map<std::string, std::map<int, double>>;

Ceilings ceilings_of(const MachineSpec& machine, const std::vector<Sample>& samples) {
  Ceilings ceilings;
  for (const auto& [name, family, peak] :
       {std::tuple{"gpu.hbm_efficiency", "hbm_read", machine.gpu.hbm_bandwidth},
        std::tuple{"cpu.dram_efficiency", "dram_read", machine.cpu.dram_bandwidth}}) {
    std::map<int, double>& of_runs = ceilings[name];
    const Samples reads = of_family(samples, family);
    for (const Sample* read : reads) of_runs[read->run] = *read_rate_of(reads, read->run) / peak.value();
  }
  return ceilings;
}

class StageFit {
 public:
  StageFit(const Stage& stage, Profile& profile, const MachineSpec& machine, const Ceilings& ceilings,
           const std::vector<Sample>& samples)
      : stage_(stage), profile_(profile), machine_(machine), ceilings_(ceilings), first_(samples.data()) {
    for (const std::string& family : stage.families) {
      for (const Sample* sample : of_family(samples, family)) samples_.push_back(sample);
    }
  }

  // There are more samples than coefficients, and the samples say something of these.
  bool possible() { return samples_.size() > stage_.coefficients.size() && depends(); }

  std::size_t size() const { return samples_.size(); }

  const Samples& samples() const { return samples_; }

  void run(std::vector<FamilyResiduals>& residuals, std::vector<SampleError>& errors,
           const std::function<void(double share)>& progress) {
    FitProblem problem;
    problem.groups = shapes();
    for (const std::string& name : stage_.coefficients) problem.start.push_back(profile_.value(name));
    for (const Sample* sample : samples_) problem.measured.push_back(sample->time.median);
    problem.drift = drift();
    problem.predict = [this](std::span<const double> theta) { return times(theta); };
    Fit found = fit(problem, {.progress = progress});
    keep_shares(found);
    for (std::size_t i = 0; i < stage_.coefficients.size(); ++i) {
      profile_.coefficients[stage_.coefficients[i]] = {
          found.theta[i], found.low[i], found.high[i],
          provenance(fmt::format("{}", fmt::join(stage_.families, " and ")), samples_.size())};
    }
    for (const std::string& family : stage_.families) residuals.push_back(residuals_of(family, found));
    for (std::size_t i = 0; i < samples_.size(); ++i) {
      errors.push_back({.sample = static_cast<std::size_t>(samples_[i] - first_),
                        .predicted = samples_[i]->time.median * (1.0 + found.errors[i]),
                        .error = found.errors[i],
                        .held_out = found.held_out_errors[i]});
    }
  }

 private:
  // Kernels cannot have more of DRAM or HBM than there is.
  void keep_shares(Fit& found) const {
    for (std::size_t i = 0; i < stage_.coefficients.size(); ++i) {
      const std::string& name = stage_.coefficients[i];
      if (!name.ends_with("dram_efficiency") && !name.ends_with("hbm_efficiency")) continue;
      for (double* each : {&found.theta[i], &found.low[i], &found.high[i]}) *each = std::min(*each, 1.0);
    }
  }

  // What repeats of one shape vary by, all shapes may vary by together from run to run: σ of the median sample's
  // trials, of which P90 − P10 is 2.56. What DRAM gives to CPU kernels moves further from one run to the next than
  // within one, on hosts that are shared: by 5 to 10 % on both machines whose data are shipped.
  double drift() const {
    constexpr double kLeastOfCpu = 0.05;
    std::vector<double> spreads;
    bool cpu = false;
    for (const Sample* sample : samples_) {
      spreads.push_back(sample->time.spread);
      cpu = cpu || sample->family.starts_with("cpu_attend");
    }
    return std::max(interpolated_quantile(spreads, 0.5) / 2.56, cpu ? kLeastOfCpu : 0.0);
  }

  // A number for each different shape of a family.
  std::vector<std::size_t> shapes() const {
    std::map<std::pair<std::string, std::string>, std::size_t> numbers;
    std::vector<std::size_t> groups;
    for (const Sample* sample : samples_)
      groups.push_back(numbers.try_emplace({sample->family, sample->shape.text()}, numbers.size()).first->second);
    return groups;
  }

  // Twice the coefficients changes some time by more than measurements of it vary: large copies, say, tell nothing of a
  // copy's latency.
  bool depends() {
    constexpr double kLeastChange = 0.01;
    std::vector<double> theta;
    for (const std::string& name : stage_.coefficients) theta.push_back(profile_.value(name));
    const std::vector<double> before = theta, alone = times(before);
    for (double& each : theta) each *= 2.0;
    const std::vector<double> changed = times(theta);
    for (std::size_t i = 0; i < before.size(); ++i) profile_.coefficients[stage_.coefficients[i]].value = before[i];
    for (std::size_t i = 0; i < alone.size(); ++i) {
      if (std::abs(changed[i] / alone[i] - 1.0) > kLeastChange) return true;
    }
    return false;
  }

  std::vector<double> times(std::span<const double> theta) {
    for (std::size_t i = 0; i < theta.size(); ++i) profile_.coefficients[stage_.coefficients[i]].value = theta[i];
    std::vector<double> times;
    std::map<std::pair<double, int>, MachineModel> models;  // by threads and run
    for (const Sample* sample : samples_) {
      const std::pair key(sample->shape.has("threads") ? sample->shape.at("threads") : 0.0, sample->run);
      auto model = models.find(key);
      if (model == models.end()) {
        const Profile profile = of_run(sample->run);
        model = models.emplace(key, MachineModel(machine_of(*sample, machine_, profile), profile)).first;
      }
      const std::optional<Op> op = op_of(*sample);
      CHECK(op.has_value(), "family {} is in a stage and has no operation", sample->family);
      times.push_back(isolated_duration(model->second.demand(*op), model->second.platform()).seconds().value());
    }
    return times;
  }

  // The profile with the ceilings that the run itself measured: machines of one kind differ.
  Profile of_run(int run) const {
    Profile profile = profile_;
    for (const auto& [name, of_runs] : ceilings_) {
      const auto found = of_runs.find(run);
      if (found != of_runs.end()) profile.coefficients.find(name)->second.value = found->second;
    }
    return profile;
  }

  FamilyResiduals residuals_of(const std::string& family, const Fit& found) const {
    FamilyResiduals result;
    result.family = family;
    std::vector<double> errors, held_out;
    for (std::size_t i = 0; i < samples_.size(); ++i) {
      if (samples_[i]->family != family) continue;
      errors.push_back(std::abs(found.errors[i]));
      held_out.push_back(std::abs(found.held_out_errors[i]));
      if (std::abs(found.errors[i]) < std::abs(result.worst)) continue;
      result.worst = found.errors[i];
      result.worst_shape = samples_[i]->shape.text();
    }
    result.samples = static_cast<std::int64_t>(errors.size());
    if (errors.empty()) return result;
    result.median = interpolated_quantile(errors, 0.5);
    result.p90 = interpolated_quantile(errors, 0.9);
    result.held_out_median = interpolated_quantile(held_out, 0.5);
    result.held_out_p90 = interpolated_quantile(held_out, 0.9);
    return result;
  }

  const Stage& stage_;
  Profile& profile_;
  const MachineSpec& machine_;
  const Ceilings& ceilings_;
  const Sample* first_;  // of all
  Samples samples_;
};

}  // namespace

std::string residuals_csv(const ProfileFit& fit, const std::vector<Sample>& samples) {
  std::string text = "run,family,shape,measured_s,predicted_s,error,held_out_error\n";
  for (const SampleError& each : fit.errors) {
    const Sample& sample = samples[each.sample];
    text += fmt::format("{},{},{},{:.6g},{:.6g},{:.4f},{:.4f}\n", sample.run, sample.family, sample.shape.text(),
                        sample.time.median, each.predicted, each.error, each.held_out);
  }
  return text;
}

ProfileFit fit_profile(const MachineSpec& machine, const Profile& base, const std::vector<Sample>& samples,
                       const FitProgress& progress) {
  ProfileFit result{.profile = base, .kept = {}, .errors = {}};
  result.profile.name = machine.name;
  result.profile.kind = ProfileKind::fitted;
  result.profile.machine = machine.name;
  result.profile.note.clear();
  FitRecord& record = result.profile.fit.emplace();
  record.refused = std::count_if(samples.begin(), samples.end(), [](const Sample& each) { return !is_trusted(each); });
  record.samples = static_cast<std::int64_t>(samples.size()) - record.refused;
  MachineSpec ceilings = machine;
  ceilings.cpu.dram_measured = ceilings.cpu.attention_measured = BytesPerSecond(0.0);
  read_directly(result.profile, ceilings, samples);
  const Ceilings of_runs = ceilings_of(ceilings, samples);
  Samples relied_on;
  std::size_t done = 0, all = 0;
  for (const Stage& stage : stages()) all += StageFit(stage, result.profile, ceilings, of_runs, samples).size();
  for (const Stage& stage : stages()) {
    StageFit one(stage, result.profile, ceilings, of_runs, samples);
    const auto show = [&](double share) {
      const auto of_stage = static_cast<std::size_t>(share * static_cast<double>(one.size()));
      if (progress) progress(done + of_stage, all);
    };
    if (one.possible()) {
      one.run(record.residuals, result.errors, show);
      relied_on.insert(relied_on.end(), one.samples().begin(), one.samples().end());
    }
    done += one.size();
  }
  read_hand_over(result.profile, ceilings, samples);
  record.ranges = sampled_ranges(relied_on);
  for (auto& [name, coefficient] : result.profile.coefficients) {
    if (coefficient.source != base.coefficients.at(name).source) continue;
    result.kept.push_back(name);
    coefficient.source = "not measured here; " + coefficient.source;
  }
  return result;
}

}  // namespace outrider
