// Coefficients come back from times that the models themselves give, and files are read as they are written.
#include "calibration/fit/profile_fit.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <set>

#include "calibration/fit/measured_machine.h"
#include "calibration/fit/sample_ops.h"
#include "calibration/fit/yaml_files.h"
#include "hwmodels/machine_model.h"
#include "hwmodels/profile_reader.h"
#include "sim/base/random.h"
#include "sim/io/machine_reader.h"
#include "tests/hwmodels/machines.h"

namespace outrider {
namespace {

Sample sample_of(const std::string& family, SampleShape shape) {
  return {.run = 1, .family = family, .shape = std::move(shape), .time = {}};
}

// Kernels of single systems.
void add_system_shapes(std::vector<Sample>& all) {
  for (const double bits : {8.0, 4.0, 2.0}) {
    for (const double rows : {4096.0, 65536.0, 1048576.0})
      all.push_back(sample_of("quantise", {{"rows", rows}, {"head_dim", 128}, {"bits", bits}}));
    for (const double sequences : {1.0, 8.0, 64.0}) {
      for (const double each : {4096.0, 32768.0})
        all.push_back(sample_of("attend_quantised", {{"sequences", sequences},
                                                     {"kv_heads", 8},
                                                     {"q_heads", 32},
                                                     {"head_dim", 128},
                                                     {"tokens", sequences * each},
                                                     {"bits", bits}}));
    }
  }
  for (const double rows : {8.0, 64.0, 256.0}) {
    for (const double list : {128.0, 512.0, 2048.0})
      all.push_back(sample_of("lookup", {{"rows", rows}, {"keys", 20.0 * list}, {"list", list}}));
    for (const double retrieved : {64.0, 512.0, 2048.0})
      all.push_back(sample_of(
          "complete", {{"pairs", rows}, {"group", 4}, {"features", 128}, {"head_dim", 128}, {"retrieved", retrieved}}));
  }
  for (const double rows : {256.0, 4096.0, 65536.0, 1048576.0})
    all.push_back(sample_of("features", {{"rows", rows}, {"features", 128}, {"head_dim", 128}}));
}

std::vector<Sample> shapes() {
  std::vector<Sample> all;
  for (const double threads : {8.0, 15.0}) {
    for (const double group : {1.0, 2.0, 4.0, 8.0}) {
      for (const double tokens : {512.0, 2048.0, 65536.0}) {
        all.push_back(sample_of("cpu_attend", {{"threads", threads},
                                               {"sequences", 4},
                                               {"kv_heads", 8},
                                               {"q_heads", 8 * group},
                                               {"head_dim", 128},
                                               {"tokens", tokens},
                                               {"block_tokens", 32},
                                               {"scattered", 1}}));
      }
    }
  }
  for (const double threads : {2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 15.0})
    all.push_back(sample_of("fork_join", {{"threads", threads}}));
  for (const double fragment : {256.0, 2048.0, 16384.0}) {
    all.push_back(
        sample_of("cpu_gather",
                  {{"threads", 15}, {"fragment", fragment}, {"count", 67108864.0 / fragment}, {"bytes", 67108864.0}}));
  }
  for (const double group : {1.0, 4.0}) {
    for (const double tokens : {640.0, 8192.0, 32768.0}) {
      all.push_back(sample_of("cpu_attend_tokens", {{"threads", 15},
                                                    {"sequences", 4},
                                                    {"kv_heads", 8},
                                                    {"q_heads", 8 * group},
                                                    {"head_dim", 128},
                                                    {"tokens", tokens},
                                                    {"block_tokens", 1},
                                                    {"scattered", 1}}));
    }
  }
  for (const double tokens : {8192.0, 32768.0}) {
    for (const double bits : {4.0, 8.0, 10.0}) {
      all.push_back(sample_of(
          "cpu_hash_lookup", {{"threads", 15}, {"rows", 60}, {"tables", 75}, {"hash_bits", bits}, {"tokens", tokens}}));
    }
  }
  for (const double rows : {1.0, 8.0, 64.0, 512.0, 4096.0}) {
    for (const double n : {1024.0, 5120.0, 34816.0})
      all.push_back(sample_of("gemm", {{"rows", rows}, {"n", n}, {"k", 5120}}));
  }
  for (const double sequences : {1.0, 2.0, 4.0, 16.0, 64.0}) {
    for (const double each : {1024.0, 4096.0, 16384.0, 65536.0, 131072.0}) {
      const double tokens = sequences * each;
      for (const char* family : {"attend_dense", "attend_sparse"})
        all.push_back(sample_of(family, {{"sequences", sequences},
                                         {"kv_heads", 8},
                                         {"q_heads", 40},
                                         {"head_dim", 128},
                                         {"tokens", tokens},
                                         {"block_tokens", 32}}));
    }
  }
  add_system_shapes(all);
  return all;
}

// Times by the models under `truth`, with a little noise.
std::vector<Sample> times_under(const Profile& truth, const MachineSpec& machine, double noise) {
  RandomStream random(6);
  std::vector<Sample> samples = shapes();
  for (Sample& sample : samples) {
    const MachineModel model(machine_of(sample, machine, truth), truth);
    const Duration alone = isolated_duration(model.demand(*op_of(sample)), model.platform());
    const double seconds = alone.seconds().value() * std::exp(noise * random.normal());
    sample.time = {.median = seconds,
                   .low = seconds,
                   .high = seconds,
                   .spread = 0.01,
                   .trials = 9,
                   .discarded = 0,
                   .settled = true};
  }
  return samples;
}

MachineSpec bare_machine() {
  MachineSpec machine = machine_named("h200-16c");
  machine.cpu.dram_measured = BytesPerSecond(0.0);
  machine.cpu.measured_cores = 0;
  return machine;
}

TEST(ProfileFit, CoefficientsComeBackFromTheTimesTheyGive) {
  const Profile base = assumed_profile();
  Profile truth = base;
  const std::map<std::string, double> set = {{"gpu.gemm_hbm_efficiency", 0.81},
                                             {"gpu.gemm_arithmetic_efficiency", 0.63},
                                             {"gpu.gemm_latency", 2.5e-6},
                                             {"gpu.attention_hbm_efficiency", 0.9},
                                             {"gpu.attention_latency", 4e-6},
                                             {"gpu.attention_split_latency", 1.5e-7},
                                             {"gpu.attention_bytes_in_flight", 12000.0},
                                             {"gpu.sparse_attention_hbm_efficiency", 0.85},
                                             {"gpu.quantised_attention_hbm_efficiency", 0.7},
                                             {"gpu.quantised_attention_codes_per_flop", 0.12},
                                             {"gpu.quantised_attention_latency", 7e-6},
                                             {"gpu.quantise_numbers_per_flop", 0.01},
                                             {"gpu.quantise_latency", 2e-6},
                                             {"gpu.lookup_list", 7e-7},
                                             {"gpu.lookup_bytes_in_flight", 20000.0},
                                             {"gpu.feature_hbm_efficiency", 0.5},
                                             {"gpu.feature_latency", 6e-6},
                                             {"gpu.completion_latency", 8e-6},
                                             {"gpu.completion_bytes_in_flight", 5000.0},
                                             {"cpu.attention_dram_efficiency", 0.5},
                                             {"cpu.arithmetic_efficiency", 0.2},
                                             {"cpu.attention_latency", 9e-6},
                                             {"cpu.attention_part", 3e-6},
                                             {"cpu.stream_dram_efficiency", 0.55},
                                             {"cpu.gather_piece", 6e-8},
                                             {"cpu.attention_token", 1.2e-7},
                                             {"cpu.hash_bucket", 1.5e-7},
                                             {"cpu.hash_token", 2e-9},
                                             {"cpu.fork_join", 4e-6},
                                             {"cpu.fork_join_per_doubling", 1.5e-6}};
  for (const auto& [name, value] : set) truth.coefficients[name].value = value;
  const ProfileFit found = fit_profile(bare_machine(), base, times_under(truth, bare_machine(), 0.005));
  for (const auto& [name, value] : set) {
    const Coefficient& each = found.profile.coefficients.at(name);
    // Plans of splits avoid what these two cost, so that times hardly show them.
    const bool loose = name == "gpu.attention_split_latency" || name == "gpu.attention_bytes_in_flight";
    EXPECT_NEAR(each.value / value, 1.0, loose ? 0.3 : 0.05) << name;
    EXPECT_LE(each.low, each.value) << name;
    EXPECT_GE(each.high, each.value) << name;
  }
  for (const FamilyResiduals& each : found.profile.fit->residuals) EXPECT_LT(each.held_out_median, 0.03) << each.family;
  EXPECT_EQ(found.kept.size() + set.size(), base.coefficients.size());
}

TEST(ProfileFit, NoisySamplesAreRefusedAndCounted) {
  std::vector<Sample> samples = times_under(assumed_profile(), bare_machine(), 0.0);
  const double right = fit_profile(bare_machine(), assumed_profile(), samples).profile.value("gpu.gemm_latency");
  for (Sample& sample : samples) {
    if (sample.family != "gemm" || sample.shape.at("rows") != 1.0) continue;
    sample.time.median *= 5.0;
    sample.time.spread = 0.6;
    sample.time.settled = false;
  }
  const ProfileFit found = fit_profile(bare_machine(), assumed_profile(), samples);
  EXPECT_EQ(found.profile.fit->refused, 3);
  EXPECT_NEAR(found.profile.value("gpu.gemm_latency") / right, 1.0, 0.02);
}

TEST(ProfileFit, WhatNothingMeasuresStaysAndSaysSo) {
  const ProfileFit found = fit_profile(bare_machine(), assumed_profile(), {});
  EXPECT_EQ(found.kept.size(), assumed_profile().coefficients.size());
  EXPECT_EQ(found.profile.coefficients.at("cpu.fork_join").source.find("not measured here; "), 0u);
}

const SizeRange* range_of(const Profile& profile, const std::string& family, const std::string& size) {
  for (const SizeRange& each : profile.fit->ranges) {
    if (each.family == family && each.size == size) return &each;
  }
  ADD_FAILURE() << "no range of " << family << " " << size;
  return nullptr;
}

TEST(ProfileFit, RangesAreThoseOfTheSamplesReliedOn) {
  std::vector<Sample> samples = times_under(assumed_profile(), bare_machine(), 0.0);
  for (Sample& sample : samples) {
    if (sample.family != "gemm" || sample.shape.at("rows") < 4096.0) continue;
    sample.time.spread = 0.6;
    sample.time.settled = false;
  }
  samples.push_back(samples.front());
  samples.back().family = "build_digest";  // too few for a fit
  samples.back().shape = {{"blocks", 16}, {"kv_heads", 8}, {"block_tokens", 32}, {"head_dim", 128}};
  const Profile found = fit_profile(bare_machine(), assumed_profile(), samples).profile;
  EXPECT_EQ(range_of(found, "gemm", "rows")->low, 1.0);
  EXPECT_EQ(range_of(found, "gemm", "rows")->high, 512.0);
  EXPECT_EQ(range_of(found, "gemm", "weights")->high, 34816.0 * 5120.0);
  EXPECT_EQ(range_of(found, "attend_sparse", "tokens_per_sequence")->low, 1024.0);
  EXPECT_EQ(range_of(found, "attend_dense", "kv_bytes")->high, 64.0 * 131072.0 * 8.0 * 256.0 * 2.0);
  EXPECT_EQ(range_of(found, "cpu_attend", "heads_per_kv_head")->high, 8.0);
  EXPECT_EQ(range_of(found, "cpu_attend", "kv_bytes")->low, 512.0 * 8.0 * 256.0 * 2.0);
  std::set<std::string> families;
  for (const SizeRange& each : found.fit->ranges) families.insert(each.family);
  EXPECT_FALSE(families.contains("build_digest"));
  EXPECT_TRUE(families.contains("cpu_gather"));
}

TEST(ProfileFit, WithoutSamplesThereAreNoRanges) {
  EXPECT_TRUE(fit_profile(bare_machine(), assumed_profile(), {}).profile.fit->ranges.empty());
}

TEST(ProfileFit, AFittedProfileIsReadAsItWasWritten) {
  Profile profile =
      fit_profile(bare_machine(), assumed_profile(), times_under(assumed_profile(), bare_machine(), 0.01)).profile;
  profile.fit->program = "0.1.0";
  profile.fit->date = "2026-11-21";
  profile.fit->cpu = "a \"quoted\" name \\ 2";
  const std::filesystem::path file = std::filesystem::path(testing::TempDir()) / "fitted.yaml";
  std::ofstream(file) << profile_yaml(profile, "");
  ConfigErrors errors;
  const auto read = read_profile(file, errors);
  ASSERT_TRUE(read.has_value()) << texts(errors);
  EXPECT_EQ(read->fit->cpu, profile.fit->cpu);
  EXPECT_EQ(read->fit->residuals.size(), profile.fit->residuals.size());
  ASSERT_EQ(read->fit->ranges.size(), profile.fit->ranges.size());
  for (std::size_t i = 0; i < profile.fit->ranges.size(); ++i) {
    const SizeRange &was = profile.fit->ranges[i], &is = read->fit->ranges[i];
    EXPECT_EQ(is.family + is.size, was.family + was.size);
    EXPECT_NEAR(is.low, was.low, 1e-5 * was.low) << was.family << was.size;
    EXPECT_NEAR(is.high, was.high, 1e-5 * was.high) << was.family << was.size;
  }
  EXPECT_EQ(read->machine, "h200-16c");
  for (const auto& [name, each] : profile.coefficients) {
    EXPECT_NEAR(read->value(name), each.value, 1e-5 * each.value) << name;
    EXPECT_EQ(read->coefficients.at(name).source, each.source);
  }
}

TEST(MeasuredMachine, IsReadAsItWasWrittenWithItsSources) {
  std::vector<Sample> samples;
  const auto add = [&](const char* family, SampleShape shape, double seconds) {
    samples.push_back(sample_of(family, std::move(shape)));
    samples.back().time.median = seconds;
    samples.back().time.settled = true;
  };
  add("dram_read", {{"threads", 1}, {"bytes", 1e9}}, 0.1);
  add("dram_read", {{"threads", 4}, {"bytes", 1e9}}, 0.03);
  for (const auto& [fragment, count, seconds] :
       {std::tuple{4096.0, 64.0, 160e-6}, {4096.0, 1.0, 9e-6}, {4194304.0, 8.0, 640e-6}}) {
    add("copy_h2d", {{"fragment", fragment}, {"count", count}, {"bytes", fragment * count}}, seconds);
  }
  add("launch_kernel", {{"launches", 1}}, 3.3e-6);
  const HostFacts facts{.cpu = "Some CPU",
                        .cpu_flags = "",
                        .processors = 4,
                        .numa_nodes = 1,
                        .memory_bytes = 64e9,
                        .gpu = {},
                        .driver = {},
                        .clocks = {}};
  const MachineSpec machine = measured_machine(machine_named("a100-80gb-pcie-36c"), facts, samples, false);
  const std::filesystem::path file = std::filesystem::path(testing::TempDir()) / "measured.yaml";
  std::ofstream(file) << machine_yaml(machine, "");
  ConfigErrors errors;
  const auto read = read_machine(file, errors);
  ASSERT_FALSE(read.has_value()) << "4 MiB copies at 52 GB/s beside a d2h of 25 make no link";
  MachineSpec consistent = machine;
  consistent.link.bidirectional = BytesPerSecond(70e9);
  std::ofstream(file) << machine_yaml(consistent, "");
  ConfigErrors none;
  const auto again = read_machine(file, none);
  ASSERT_TRUE(again.has_value()) << texts(none);
  EXPECT_EQ(again->cpu.core_bandwidth.value(), 1e10);
  EXPECT_NEAR(again->cpu.dram_bandwidth.value(), 1e9 / 0.03, 1e6);
  EXPECT_EQ(again->cpu.cores, 4);
  EXPECT_EQ(again->link.copy_engine_h2d.size(), 2u);
  EXPECT_NEAR(again->link.copy_engine_h2d[0].rate.value(), 4096.0 / 2.5e-6, 1e6);
  EXPECT_EQ(again->host.kernel_launch.value(), 3.3e-6);
  EXPECT_EQ(again->sources.at("host.kernel_launch"), "measured: launch_kernel");
  EXPECT_EQ(again->sources.at("gpu.sms"), machine.sources.at("gpu.sms"));
}

}  // namespace
}  // namespace outrider
