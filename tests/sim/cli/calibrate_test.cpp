// `outrider calibrate` on samples of this host and of others: whose facts it takes, what it refuses, what it warns of.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "calibration/samples/run_log.h"
#include "calibration/samples/sample.h"
#include "sim/cli/commands.h"

namespace outrider {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

struct Outcome {
  int code = -1;
  std::string out, error;
};

std::string contents(const fs::path& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

Sample sample_of(const std::string& family, SampleShape shape, double seconds, double spread = 0.01) {
  Sample sample{.run = 1, .family = family, .shape = std::move(shape), .time = {}};
  sample.time = {.median = seconds,
                 .low = seconds,
                 .high = seconds,
                 .spread = spread,
                 .trials = 9,
                 .discarded = 0,
                 .settled = spread < kMostSpread};
  return sample;
}

class Calibrate : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::temp_directory_path() / fmt::format("outrider_calibrate_test_{}_{}", test->name(), ::getpid());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  // On a terminal, where `at_progress` is called for what is shown of progress.
  Outcome run(std::vector<std::string> arguments, const std::function<void()>& at_progress = {}) const {
    Outcome outcome;
    const Console console{.out = [&](std::string_view text) { outcome.out += text; },
                          .error =
                              [&](std::string_view text) {
                                outcome.error += text;
                                if (at_progress && text.find(" of ") != std::string_view::npos) at_progress();
                              },
                          .out_is_terminal = false,
                          .error_is_terminal = true,
                          .width = 0,
                          .executable = {},
                          .variable = [](const std::string& name) -> std::optional<std::string> {
                            if (name == "OUTRIDER_HOME") return OUTRIDER_SOURCE_DIR;
                            return std::nullopt;
                          }};
    arguments.insert(arguments.begin(), "calibrate");
    for (const char* more : {"--out", folder_.c_str()}) arguments.emplace_back(more);
    outcome.code = run_program(arguments, console);
    return outcome;
  }

  void write_samples(const std::vector<Sample>& samples) const { append_samples(folder_ / "samples.csv", samples); }
  void write_runs(const HostFacts& host) const { log_run(folder_ / "runs.csv", 1, "2026-11-21", host); }
  std::string file(const char* name) const { return contents(folder_ / name); }

  fs::path folder_;
};

HostFacts gpu_node() {
  HostFacts facts;
  facts.cpu = "A CPU of a GPU node";
  facts.processors = 48;
  facts.memory_bytes = 274877906944.0;
  facts.gpu = "NVIDIA A100-SXM4-80GB";
  return facts;
}

std::vector<Sample> reads_of_gpu_node() {
  return {sample_of("dram_read", {{"threads", 1}, {"bytes", 1e9}}, 0.1),
          sample_of("dram_read", {{"threads", 48}, {"bytes", 2e9}}, 0.01)};
}

TEST_F(Calibrate, FitsWithTheFactsOfTheHostThatWasMeasured) {
  write_samples(reads_of_gpu_node());
  write_runs(gpu_node());
  const Outcome outcome = run({"--fit-only"});
  ASSERT_EQ(outcome.code, 0) << outcome.error;
  const std::string machine = file("machine.yaml");
  EXPECT_THAT(machine, HasSubstr("name: \"A CPU of a GPU node\""));
  EXPECT_THAT(machine, HasSubstr("cores: {value: 48, "));
  EXPECT_THAT(machine, HasSubstr("dram_capacity: {value: 256 GiB, "));
  EXPECT_THAT(machine, HasSubstr("dram_bandwidth: {value: 200 GB/s, source: \"measured: dram_read, all threads"));
  EXPECT_THAT(machine, HasSubstr("name: \"A100-80GB-PCIe\"")) << "the shipped machine with that chip";
  EXPECT_THAT(outcome.out, HasSubstr("The GPU's datasheet figures are those of machine a100-80gb-pcie-36c.\n"
                                     "machine.yaml has from machine a100-80gb-pcie-36c, not measured here: "));
}

TEST_F(Calibrate, DemandsAMachineWhereItsFactsAreNotRecorded) {
  write_samples(reads_of_gpu_node());
  std::ofstream(folder_ / "runs.csv") << "run,date,cpu,cpu_flags,gpu,driver,clocks\n1,2026-11-21,Some CPU,,,,\n";
  const Outcome outcome = run({"--fit-only"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.error, HasSubstr("runs.csv: expected the CPU, processors and memory of the host that was "
                                       "measured, got runs without them: name its file with --machine\n"));
  EXPECT_FALSE(fs::exists(folder_ / "machine.yaml"));
  EXPECT_EQ(run({"--fit-only", "--machine", "h100-sxm-64c"}).code, 0);
}

TEST_F(Calibrate, RefusesToGoOnWithTheRunOfAnotherHost) {
  write_samples(reads_of_gpu_node());
  write_runs(gpu_node());
  const std::string before = file("runs.csv");
  const Outcome outcome = run({"--quick"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.error, AllOf(HasSubstr("runs.csv:2:1: run 1: expected this host ("),
                                   HasSubstr("got A CPU of a GPU node, 48 processors, NVIDIA A100-SXM4-80GB: use "
                                             "another --out")));
  EXPECT_EQ(file("runs.csv"), before);
}

TEST_F(Calibrate, RefusesAFitOverDifferentMachines) {
  write_samples(reads_of_gpu_node());
  write_runs(gpu_node());
  HostFacts other = gpu_node();
  other.processors = 96;
  log_run(folder_ / "runs.csv", 2, "2026-11-22", other);
  const Outcome outcome = run({"--fit-only"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.error, HasSubstr("runs.csv:3:1: run 2: expected the machine of run 1 in line 2 ("));
}

TEST_F(Calibrate, RefusesAMachineFileWithOtherCores) {
  write_samples(reads_of_gpu_node());
  write_runs(gpu_node());
  const Outcome outcome = run({"--fit-only", "--machine", "h200-16c"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_EQ(
      outcome.error,
      "--machine: expected a machine with the 48 processors of the host that is measured (A CPU of a GPU node, 48 "
      "processors, NVIDIA A100-SXM4-80GB), got 'h200-16c' with 16 cores\n");
  EXPECT_EQ(run({"--fit-only", "--machine", "a100-80gb-pcie-36c"}).code, 0) << "two threads to a core are possible";
}

TEST_F(Calibrate, WarnsOfEfficienciesThatFewMachinesHave) {
  std::vector<Sample> samples = reads_of_gpu_node();
  for (Sample& each : samples) each.time = sample_of("", {}, each.time.median / 100.0).time;
  write_samples(samples);
  write_runs(gpu_node());
  const Outcome outcome = run({"--fit-only", "--machine", "a100-80gb-pcie-36c"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.error, HasSubstr("warning: cpu.dram_efficiency is "));
  EXPECT_THAT(outcome.error, HasSubstr("above 1.2: is the machine file's peak this machine's?\n"));
}

TEST_F(Calibrate, SaysWhatIsOfAnotherMachineAndTakesNoisyReadsForWhatTheyAre) {
  HostFacts host = gpu_node();
  host.gpu = {};
  write_runs(host);
  write_samples({sample_of("dram_read", {{"threads", 1}, {"bytes", 1e9}}, 0.1),
                 sample_of("dram_read", {{"threads", 48}, {"bytes", 2e9}}, 0.01, 0.9),
                 sample_of("dram_write", {{"threads", 48}, {"bytes", 2e9}}, 0.01, 0.9)});
  const Outcome outcome = run({"--fit-only"});
  ASSERT_EQ(outcome.code, 0) << outcome.error;
  EXPECT_THAT(outcome.out, HasSubstr("1 of 3 samples are relied on, 2 refused as noisy.\n"
                                     "This machine has no GPU that was measured.\n"
                                     "machine.yaml has from machine h200-16c, not measured here: cpu.clock, "
                                     "cpu.flops_per_cycle_bf16, gpu, host, link\n"));
  EXPECT_THAT(outcome.error, HasSubstr("warning: most samples were refused as noisy: "));
  EXPECT_THAT(outcome.error, HasSubstr("warning: cpu.dram_bandwidth is from samples that were refused as noisy"));
  const std::string machine = file("machine.yaml");
  EXPECT_THAT(machine, HasSubstr("description: \"A CPU of a GPU node, 48 processors, without a GPU: measured by "));
  EXPECT_THAT(machine, HasSubstr("clock: {value: 2.6 GHz, source: \"as on h200-16c, not measured here: "));
  EXPECT_THAT(machine, HasSubstr("dram_bandwidth: {value: 200 GB/s, source: \"noisy, measured: dram_read, all"));
  EXPECT_THAT(file("profile.yaml"), HasSubstr("\n  samples: 1\n  refused: 2\n"));
}

TEST_F(Calibrate, WritesNoProfileWithoutASampleToRelyOn) {
  write_runs(gpu_node());
  write_samples({sample_of("dram_read", {{"threads", 48}, {"bytes", 2e9}}, 0.01, 0.9)});
  const Outcome noisy = run({"--fit-only"});
  EXPECT_EQ(noisy.code, 2);
  EXPECT_EQ(
      noisy.error,
      "outrider: nothing to fit: of 1 samples 1 were refused as noisy, and none is left; no profile is written\n");
  write_samples({sample_of("event_chain", {{"kernels", 1}}, 1e-6)});
  EXPECT_THAT(run({"--fit-only", "--machine", "a100-80gb-pcie-36c"}).error,
              HasSubstr("the others say nothing of a coefficient or of the machine"));
  EXPECT_FALSE(fs::exists(folder_ / "profile.yaml"));
  EXPECT_FALSE(fs::exists(folder_ / "machine.yaml"));
}

TEST_F(Calibrate, MentionsALineThatWasCutOff) {
  write_runs(gpu_node());
  write_samples(reads_of_gpu_node());
  EXPECT_THAT(run({"--fit-only"}).out, Not(HasSubstr("had no end")));
  std::ofstream(folder_ / "samples.csv", std::ios::app) << "1,dram_wr";
  EXPECT_THAT(run({"--fit-only"}).out,
              HasSubstr("The last line of samples.csv had no end and was passed over: 1,dram_wr\n"));
}

TEST_F(Calibrate, ListsTheFamiliesWhereNoneIsNear) {
  const Outcome outcome = run({"--only", "nosuch"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.error, testing::StartsWith("--only: unknown family 'nosuch'; the families are dram_read, "));
  EXPECT_THAT(outcome.error, HasSubstr(", adam\n"));
}

TEST_F(Calibrate, SaysWhyItCannotWriteAsRunDoes) {
  std::ofstream(folder_ / "file") << "";
  const std::string below = (folder_ / "file" / "below").string();
  const auto is_refused = [&](std::vector<std::string> arguments) {
    std::string error;
    const Console console{.out = [](std::string_view) {},
                          .error = [&](std::string_view text) { error += text; },
                          .executable = {},
                          .variable = [](const std::string& name) -> std::optional<std::string> {
                            if (name == "OUTRIDER_HOME") return OUTRIDER_SOURCE_DIR;
                            return std::nullopt;
                          }};
    for (const std::string& more : {std::string("--out"), below}) arguments.push_back(more);
    EXPECT_EQ(run_program(arguments, console), 1);
    return error;
  };
  const std::string error = is_refused({"calibrate", "--quick"});
  EXPECT_EQ(error, is_refused({"run", "examples/quick"}));
  EXPECT_THAT(error, testing::EndsWith("/below': Not a directory\n"));
}

TEST_F(Calibrate, EndsOnSigtermAfterTheMeasurementAtHand) {
  const Outcome outcome = run({"--quick", "--only", "cpu_attend"}, [] { std::raise(SIGTERM); });
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.error, HasSubstr("interrupted; the same command goes on from here\n"));
  EXPECT_FALSE(fs::exists(folder_ / "profile.yaml"));
}

TEST_F(Calibrate, EndsAtOnceOnTheSecondInterrupt) {
  EXPECT_EXIT(run({"--quick", "--only", "cpu_attend"},
                  [] {
                    std::raise(SIGINT);
                    std::raise(SIGINT);
                  }),
              testing::KilledBySignal(SIGINT), "");
}

TEST_F(Calibrate, ShowsHowFarALongFitIs) {
  const fs::path data = fs::path(OUTRIDER_SOURCE_DIR) / "calibration/data/h200-16c";
  fs::copy(data / "runs.csv", folder_ / "runs.csv");
  std::ofstream samples(folder_ / "samples.csv");
  std::istringstream all(contents(data / "samples.csv"));
  for (std::string line; std::getline(all, line);) {
    if (line.starts_with("run,") || line.starts_with("10,cpu_attend,")) samples << line << "\n";
  }
  samples.close();
  const Outcome outcome = run({"--fit-only", "--machine", "h200-16c"});
  EXPECT_EQ(outcome.code, 0) << outcome.error;
  EXPECT_THAT(outcome.error, HasSubstr(" samples fitted"));
}

}  // namespace
}  // namespace outrider
