// nvbandwidth's JSON gives samples that the fit uses, and reasons for what it cannot use.
//
// The layout is that of json_output.cpp of github.com/NVIDIA/nvbandwidth at v0.8 (commit 5d36436), which also is that
// of the v0.5 output in the tests of NVIDIA's DCGM: rates as text in a matrix, "N/A" for pairs that were not measured,
// no matrix where a test did not run, and neither buffer size nor number of samples. The figures are made up.
#include "calibration/samples/nvbandwidth.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "calibration/fit/measured_machine.h"
#include "calibration/fit/profile_fit.h"
#include "calibration/fit/yaml_files.h"
#include "hwmodels/profile_reader.h"
#include "sim/io/machine_reader.h"
#include "tests/hwmodels/machines.h"

namespace outrider {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr double kGigabyte = 1e9;

std::string written(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::string passed(const std::string& name, const std::string& description, const std::string& matrix) {
  return fmt::format(R"({{
        "average" : 26.1,
        "bandwidth_description" : "{} ",
        "bandwidth_matrix" : {},
        "max" : 26.3,
        "min" : 25.9,
        "name" : "{}",
        "status" : "Passed",
        "sum" : 52.2
      }})",
                     description, matrix, name);
}

std::string ended(const std::string& name, const std::string& status) {
  return fmt::format(R"({{ "name" : "{}", "status" : "{}" }})", name, status);
}

const std::string kUp = "memcpy CE CPU(row) -> GPU(column) bandwidth (GB/s)";
const std::string kDown = "memcpy CE CPU(row) <- GPU(column) bandwidth (GB/s)";
const std::string kBoth = "memcpy CE CPU(row) <-> GPU(column) bandwidth (GB/s)";

std::string document(const std::vector<std::string>& tests, const std::string& more = "") {
  return fmt::format(R"json({{
  "nvbandwidth" : {{
    "CUDA Runtime Version" : 12070,
    "Driver Version" : "565.57.01",
    "GPU Device list" : [
      "0: NVIDIA A100-SXM4-80GB (00000000:07:00): (node (7))",
      "1: NVIDIA A100-SXM4-80GB (00000000:0f:00): (node (7))"
    ],{}
    "git_version" : "v0.8-3-g1234567",
    "testcases" : [
      {}
    ],
    "version" : "v0.8"
  }}
}}
)json",
                     more, fmt::join(tests, ",\n      "));
}

std::vector<std::string> usual_tests() {
  return {
      passed("host_to_device_memcpy_ce", kUp, R"([ [ "25.6", "26.2" ] ])"),
      passed("device_to_host_memcpy_ce", kDown, R"([ [ "24.8", "26.1" ] ])"),
      passed("host_to_device_bidirectional_memcpy_ce", kBoth, R"([ [ "19.5", "18.1" ] ])"),
      passed("device_to_host_bidirectional_memcpy_ce", kBoth, R"([ [ "20.5", "18.2" ] ])"),
      passed("device_to_device_memcpy_read_ce", "memcpy CE GPU(row) -> GPU(column) bandwidth (GB/s)",
             R"([ [ "N/A", "276.07" ], [ "276.36", "N/A" ] ])"),
      ended("device_to_device_memcpy_write_ce", "Waived"),
      passed("all_to_host_memcpy_ce", kDown, R"([ [ "13.1998", "13.2" ] ])"),
      passed("host_to_device_memcpy_sm", "memcpy SM CPU(row) -> GPU(column) bandwidth (GB/s)",
             R"([ [ "2.5e+01", "25.1" ] ])"),
      passed("device_to_host_memcpy_sm", "memcpy SM CPU(row) <- GPU(column) bandwidth (GB/s)", R"([ [ "26", "26" ] ])"),
      passed("host_device_latency_sm", "memory latency SM CPU(row) <-> GPU(column) (ns)", R"([ [ "649.8", "651" ] ])")};
}

struct Read {
  std::optional<NvbandwidthFile> file;
  std::vector<std::string> errors;
};

// Tests run side by side: each has names of its own.
fs::path own_path(const std::string& ending) {
  const auto* test = testing::UnitTest::GetInstance()->current_test_info();
  return fs::path(testing::TempDir()) / (std::string("nvbandwidth_") + test->name() + ending);
}

Read read(const std::string& text, std::optional<double> buffer_mib = {}) {
  const fs::path file = own_path(".json");
  std::ofstream(file) << text;
  ConfigErrors errors;
  Read result{.file = read_nvbandwidth(file, buffer_mib, errors), .errors = {}};
  for (ConfigError error : errors.all()) {
    error.file = "nv.json";
    result.errors.push_back(to_string(error));
  }
  EXPECT_EQ(result.file.has_value(), result.errors.empty());
  return result;
}

std::string reason_for(const NvbandwidthFile& file, const std::string& what) {
  for (const NvbandwidthUnused& each : file.unused) {
    if (each.what == what) return each.reason;
  }
  return "not listed";
}

// 16 copies of 512 MiB at 25.6 GB/s take 16 · 536870912 ÷ 25.6e9 s; both ways, at 19.5 + 20.5 GB/s, twice the bytes.
TEST(Nvbandwidth, RatesOfTheFirstGpuBecomeTimesOfCopies) {
  const Read result = read(document(usual_tests()));
  ASSERT_THAT(result.errors, IsEmpty());
  const std::vector<Sample> samples = samples_of(*result.file, 3, 108.0);
  ASSERT_THAT(samples, SizeIs(4));
  constexpr double kBytes = 16.0 * 536870912.0;
  EXPECT_EQ(samples[0].family, "copy_h2d");
  EXPECT_EQ(samples[0].run, 3);
  EXPECT_EQ(samples[0].shape.text(), "fragment=536870912;count=16;bytes=8589934592");
  EXPECT_DOUBLE_EQ(samples[0].time.median, kBytes / (25.6 * kGigabyte));
  EXPECT_EQ(samples[1].family, "copy_d2h");
  EXPECT_DOUBLE_EQ(samples[1].time.median, kBytes / (24.8 * kGigabyte));
  EXPECT_EQ(samples[2].family, "copy_both");
  EXPECT_EQ(samples[2].shape.text(), "fragment=536870912;count=16;bytes=17179869184");
  EXPECT_DOUBLE_EQ(samples[2].time.median, 2.0 * kBytes / (40.0 * kGigabyte));
  EXPECT_EQ(samples[3].family, "gather_h2d");
  EXPECT_EQ(samples[3].shape.text(), "fragment=8192;count=65536;ctas=108;bytes=536870912");
  EXPECT_DOUBLE_EQ(samples[3].time.median, 536870912.0 / (25.0 * kGigabyte));
  for (const Sample& sample : samples) {
    EXPECT_TRUE(is_trusted(sample));
    EXPECT_FALSE(sample.time.settled) << "one figure without a spread";
    EXPECT_EQ(sample.time.trials, 1);
  }
}

TEST(Nvbandwidth, EverythingElseIsListedWithItsReason) {
  std::vector<std::string> tests = usual_tests();
  tests.push_back(usual_tests()[0]);
  tests.push_back(ended("device_to_host_bidirectional_memcpy_sm", "Running"));
  tests.push_back(ended("device_to_host_bidirectional_memcpy_sm", "Error"));
  tests.push_back(ended("no_such_test", "ERROR"));
  tests.push_back(passed("teleport_ce", kUp, R"([ [ "1" ] ])"));
  const Read result = read(document(tests, R"("error" : "ASSERT in f", "colour" : 3,)"));
  ASSERT_THAT(result.errors, IsEmpty());
  const NvbandwidthFile& file = *result.file;
  EXPECT_EQ(file.rates.size(), 4u);
  EXPECT_EQ(reason_for(file, "device_to_device_memcpy_read_ce"), "it copies between GPUs, and one is simulated");
  EXPECT_EQ(reason_for(file, "device_to_device_memcpy_write_ce"), "nvbandwidth waived it");
  EXPECT_EQ(reason_for(file, "device_to_host_memcpy_sm"), "no family measures what kernels write to host memory");
  EXPECT_EQ(reason_for(file, "host_device_latency_sm"), "no family measures the latency of single loads");
  EXPECT_EQ(reason_for(file, "host_to_device_memcpy_ce, GPU 1"), "every GPU is taken to be as the first");
  EXPECT_EQ(reason_for(file, "host_to_device_memcpy_ce"), "the file has it twice, and the first counts");
  EXPECT_EQ(reason_for(file, "device_to_host_bidirectional_memcpy_sm"), "it did not end");
  EXPECT_EQ(reason_for(file, "no_such_test"), "it failed");
  EXPECT_EQ(reason_for(file, "teleport_ce"), "no family is known for this test");
  EXPECT_EQ(reason_for(file, "nvbandwidth.error"), "it says: ASSERT in f");
  EXPECT_EQ(reason_for(file, "nvbandwidth.colour"), "nvbandwidth 0.8 has no such field");
}

TEST(Nvbandwidth, OneDirectionOfTwoAndNotMeasuredCellsGiveNoSample) {
  const Read result =
      read(document({usual_tests()[2], passed("host_to_device_memcpy_ce", kUp, R"([ [ "N/A", "26" ] ])")}));
  ASSERT_THAT(result.errors, IsEmpty());
  EXPECT_THAT(result.file->rates, IsEmpty());
  EXPECT_EQ(reason_for(*result.file, "host_to_device_bidirectional_memcpy_ce"),
            "it is one direction's share, and device_to_host_bidirectional_memcpy_ce is not there for the other");
  EXPECT_EQ(reason_for(*result.file, "host_to_device_memcpy_ce"), "it is N/A for the first GPU");
}

TEST(Nvbandwidth, WrongLayoutsAreErrorsWithTheirPlaces) {
  const auto one = [](const std::string& matrix) {
    return read(document({passed("host_to_device_memcpy_ce", kUp, matrix)})).errors;
  };
  const std::string matrix = "nvbandwidth.testcases[0].bandwidth_matrix";
  EXPECT_THAT(one("[ [ 25.6 ] ]"),
              ElementsAre(HasSubstr(matrix + R"([0][0]: expected a rate as text, or "N/A", got 25.6)")));
  EXPECT_THAT(one(R"([ [ "fast" ] ])"), ElementsAre(HasSubstr("[0][0]: expected a rate as text")));
  EXPECT_THAT(one(R"([ [ "-1" ] ])"), ElementsAre(HasSubstr("[0][0]: expected a rate as text")));
  EXPECT_THAT(one(R"([ [ "0" ] ])"), ElementsAre(HasSubstr("[0][0]: expected a rate above 0")));
  EXPECT_THAT(one(R"([ [ "1" ], [ "2" ] ])"),
              ElementsAre(HasSubstr(matrix + ": expected one row, the CPU's, got 2 rows")));
  EXPECT_THAT(one(R"([ [ "1", "2" ], [ "2" ] ])"), ElementsAre(HasSubstr("[1]: expected a row as long as the first")));
  EXPECT_THAT(one("[ ]"), ElementsAre(HasSubstr(matrix + ": expected rows, got an empty array")));
  EXPECT_THAT(one("3"), ElementsAre(HasSubstr("nv.json:14:9: " + matrix + ": expected an array, got 3")));

  const auto tests = [](const std::string& test) { return read(document({test})).errors; };
  EXPECT_THAT(tests("7"), ElementsAre(HasSubstr("nvbandwidth.testcases[0]: expected an object, got 7")));
  EXPECT_THAT(tests(ended("x", "Maybe")), ElementsAre(HasSubstr("[0].status: expected Passed, Waived")));
  EXPECT_THAT(tests(R"({ "name" : "x" })"), ElementsAre(HasSubstr("[0].status: expected text, got nothing")));
  EXPECT_THAT(tests(passed("host_to_device_memcpy_ce", "memcpy (GiB/s)", R"([ [ "1" ] ])")),
              ElementsAre(HasSubstr("bandwidth_description: expected a bandwidth in (GB/s)")));

  EXPECT_THAT(read("{").errors, SizeIs(1));
  EXPECT_THAT(read("{}").errors, ElementsAre(HasSubstr("nvbandwidth: expected an object, got nothing")));
  EXPECT_THAT(
      read(R"({"nvbandwidth": {"version": 8, "testcases": {}}})").errors,
      ElementsAre(HasSubstr("version: expected text, got 8"), HasSubstr("testcases: expected an array, got {}")));
  EXPECT_THAT(read(R"({"nvbandwidth": {"version": "v0.8", "GPU Device list": ["A100"], "testcases": []}})").errors,
              ElementsAre(HasSubstr("GPU Device list[0]: expected '0: NAME (PCI ADDRESS): (HOST)', got A100")));
}

TEST(Nvbandwidth, SmallBuffersNeedTheirSize) {
  const std::string text =
      document(usual_tests(), R"("warning" : "NOTE: You have chosen a buffer size that is smaller )"
                              R"(than the default buffer size.",)");
  EXPECT_THAT(read(text).errors, ElementsAre(HasSubstr("nvbandwidth.warning: expected --import-buffer beside it")));
  const Read known = read(text, 128.0);
  ASSERT_THAT(known.errors, IsEmpty());
  EXPECT_EQ(samples_of(*known.file, 1, 1.0)[0].shape.text(), "fragment=134217728;count=16;bytes=2147483648");
}

TEST(Nvbandwidth, IsAppendedOnceWithItsOrigin) {
  const fs::path folder = own_path("");
  fs::remove_all(folder);
  fs::create_directories(folder);
  const NvbandwidthFile file = *read(document(usual_tests())).file;
  std::ofstream(folder / "samples.csv") << kSamplesHeader
                                        << "\n1,fork_join,threads=2,1e-06,1e-06,1e-06,0,9,0,1\n2,fork";
  ConfigErrors errors;
  const std::vector<Sample> before = *read_samples(folder / "samples.csv", errors);
  const std::vector<Sample> samples = samples_of(file, 2, 108.0);
  add_import(folder, new_samples(samples, before, folder / "samples.csv", errors), file, "2026-11-21");
  const std::vector<Sample> present = *read_samples(folder / "samples.csv", errors);
  EXPECT_THAT(present, SizeIs(5)) << "what an interruption left is cut off";
  EXPECT_EQ(written(folder / "runs.csv"),
            "run,date,cpu,cpu_flags,gpu,driver,clocks,processors,memory_bytes\n"
            "2,2026-11-21,,,NVIDIA A100-SXM4-80GB,driver 565.57.01 for CUDA 12.7,not recorded "
            "(imported that day from nvbandwidth v0.8: 512 MiB buffers: host_to_device_memcpy_ce "
            "device_to_host_memcpy_ce host_to_device_bidirectional_memcpy_ce "
            "device_to_host_bidirectional_memcpy_ce host_to_device_memcpy_sm),,\n");

  EXPECT_THAT(new_samples(samples, present, "samples.csv", errors), IsEmpty());
  EXPECT_TRUE(errors.empty());
  NvbandwidthFile faster = file;
  faster.rates[0].bytes_per_second *= 1.1;
  EXPECT_THAT(new_samples(samples_of(faster, 2, 108.0), present, "samples.csv", errors), IsEmpty());
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_THAT(to_string(errors.all()[0]), HasSubstr("samples.csv: run 2, copy_h2d, fragment=536870912;count=16"));
  EXPECT_THAT(new_samples(samples_of(faster, 3, 108.0), present, "samples.csv", errors), SizeIs(4));
}

// One size of copies says what the link carries and nothing of what a copy costs, so that small ones stay slow.
TEST(Nvbandwidth, AloneItSetsTheRatesOfTheLinkAndKeepsTheCostOfACopy) {
  const MachineSpec own = machine_named("h200-16c");
  const std::vector<Sample> samples = samples_of(*read(document(usual_tests())).file, 1, 132.0);
  const MachineSpec machine = measured_machine(own, {}, samples, true);
  EXPECT_NEAR(machine.link.h2d.value(), 25.6 * kGigabyte, 1e6);
  EXPECT_NEAR(machine.link.bidirectional.value(), 40.0 * kGigabyte, 1e6);
  EXPECT_NEAR(machine.link.zero_copy.value(), 25.0 * kGigabyte, 1e6);
  ASSERT_EQ(machine.link.copy_engine_h2d.size(), own.link.copy_engine_h2d.size());
  const TransferPoint &small = machine.link.copy_engine_h2d.front(), &was = own.link.copy_engine_h2d.front();
  const double bytes = small.fragment.value();
  EXPECT_NEAR(bytes / small.rate.value() - bytes / was.rate.value(), bytes / 25.6e9 - bytes / own.link.h2d.value(),
              1e-10);
  const fs::path file = own_path(".yaml");
  std::ofstream(file) << machine_yaml(machine, "");
  ConfigErrors errors;
  EXPECT_TRUE(read_machine(file, errors).has_value()) << texts(errors);

  const ProfileFit fit = fit_profile(machine, assumed_profile(), samples);
  EXPECT_THAT(fit.kept, Contains("link.copy_latency"));
  EXPECT_EQ(fit.kept.size(), assumed_profile().coefficients.size());
  Profile profile = fit.profile;
  profile.fit->program = "0.1.0";
  profile.fit->date = "2026-11-21";
  std::ofstream(file) << profile_yaml(profile, "");
  EXPECT_TRUE(read_profile(file, errors).has_value()) << texts(errors);
}

}  // namespace
}  // namespace outrider
