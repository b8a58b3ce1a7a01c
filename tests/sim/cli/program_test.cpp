// The program itself, run as a user runs it: what it prints, where, and its exit codes.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "sim/cli/command_table.h"

namespace outrider {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

std::string contents(const fs::path& file) {
  std::ifstream stream(file);
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

// The numbers behind "value: ".
std::vector<double> values_in(const std::string& text) {
  std::vector<double> values;
  const std::string key = "value: ";
  for (std::size_t at = text.find(key); at != std::string::npos; at = text.find(key, at + 1))
    values.push_back(std::stod(text.substr(at + key.size())));
  return values;
}

struct Outcome {
  int code = -1;  // exit code; 128 + signal where a signal ended it, as shells say
  std::string out, error;
};

class Program : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    // Of this process, since another checkout's tests may run at the same time.
    folder_ = fs::temp_directory_path() / fmt::format("outrider_program_test_{}_{}", test->name(), ::getpid());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  // Runs in the test's own folder; `redirect` comes last on the shell's line, so that it can replace both streams.
  Outcome run(const std::string& arguments, const std::string& redirect = "") const {
    const std::string line = fmt::format("cd '{0}' && OUTRIDER_HOME='{1}' '{2}' {3} >'{0}/out' 2>'{0}/error' {4}",
                                         folder_.string(), OUTRIDER_SOURCE_DIR, OUTRIDER_PROGRAM, arguments, redirect);
    const int status = std::system(line.c_str());
    return {.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
            .out = contents(folder_ / "out"),
            .error = contents(folder_ / "error")};
  }

  fs::path folder_;
};

TEST_F(Program, HelpGoesToStandardOutput) {
  const Outcome outcome = run("--help");
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.error, IsEmpty());
  for (const CommandSpec& command : command_table()) EXPECT_THAT(outcome.out, HasSubstr("\n  " + command.name + " "));
  EXPECT_EQ(run("help").out, outcome.out);
}

TEST_F(Program, EveryCommandHasHelpWithExamples) {
  for (const CommandSpec& command : command_table()) {
    const Outcome outcome = run(command.name + " --help");
    EXPECT_EQ(outcome.code, 0);
    EXPECT_THAT(outcome.out, StartsWith("Usage: outrider " + command.name));
    EXPECT_THAT(outcome.out, HasSubstr("\nExamples:\n"));
    for (const FlagSpec& flag : command.flags) EXPECT_THAT(outcome.out, HasSubstr("--" + flag.name));
    EXPECT_EQ(run("help " + command.name).out, outcome.out);
  }
}

TEST_F(Program, VersionIsOneLine) {
  const Outcome outcome = run("--version");
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.out, testing::MatchesRegex("outrider [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

TEST_F(Program, AWrongCommandLineExitsWithTwoAndPointsToHelp) {
  const Outcome outcome = run("rum x");
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.out, IsEmpty());
  EXPECT_EQ(outcome.error, "outrider: unknown command 'rum', did you mean 'run'?\nTry 'outrider --help'.\n");
  EXPECT_EQ(run("").code, 2);
}

TEST_F(Program, AMissingScenarioExitsWithTwo) {
  const Outcome outcome = run("run nowhere.yaml elsewhere.yaml");
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.error, HasSubstr("'nowhere.yaml'"));
  EXPECT_THAT(outcome.error, HasSubstr("'elsewhere.yaml'"));  // all mistakes at once
}

TEST_F(Program, AWrongFileExitsWithTwoAndSaysWhere) {
  std::ofstream(folder_ / "bad.yaml") << "nonsense: 1\n";
  const Outcome outcome = run("run bad.yaml");
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.out, IsEmpty());
  EXPECT_THAT(outcome.error, HasSubstr("bad.yaml:1:1: nonsense: "));
  EXPECT_FALSE(fs::exists(folder_ / "results"));
}

TEST_F(Program, RunsAShippedExampleTheSameOnAnyNumberOfThreads) {
  std::istringstream names(run("list scenarios --names").out);
  std::string example;
  while (std::getline(names, example) && example.compare(0, 9, "examples/") != 0) continue;
  if (example.empty()) GTEST_SKIP() << "no example is shipped";
  const Outcome one = run("run " + example + " --json --threads 1 --out files");
  ASSERT_EQ(one.code, 0) << one.error;
  EXPECT_EQ(run("run " + example + " --json --threads 3").out, one.out);
  EXPECT_EQ(contents(folder_ / "files/results.json"), one.out);
  EXPECT_TRUE(nlohmann::json::accept(contents(folder_ / "files/timeline.json")));
  const std::string label = nlohmann::json::parse(one.out)["points"][0]["label"];
  const Outcome explained = run("explain " + example + " --method " + label);
  EXPECT_EQ(explained.code, 0) << explained.error;
  EXPECT_THAT(explained.out, HasSubstr("critical path by cause"));
}

TEST_F(Program, ValidateSaysWhatItCannotExecuteAndWhy) {
  const Outcome outcome = run("validate examples/quick --repeats 1 --methods full_kv --out files");
  if (outcome.code == 0) GTEST_SKIP() << "this machine has a GPU: it was executed";
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.out, HasSubstr("full_kv  decode        32k     16            –"));
  EXPECT_THAT(outcome.out, HasSubstr("Nothing was executed.\n"));
  EXPECT_THAT(contents(folder_ / "files/steps.csv"), HasSubstr("\nfull_kv,default,decode,32768,16,1,8,0,,,,,"));
  EXPECT_THAT(outcome.out, HasSubstr("results are within their bounds.\n"));
  EXPECT_THAT(outcome.out, HasSubstr("No timeline: "));
  EXPECT_FALSE(fs::exists(folder_ / "files/timeline.json"));
  const auto json = nlohmann::json::parse(contents(folder_ / "files/validation.json"));
  EXPECT_EQ(json["points"][0]["label"], "full_kv");
  EXPECT_FALSE(json["results"].empty());
  EXPECT_EQ(run("validate examples/quick --methods ful_kv").code, 2);
}

TEST_F(Program, ValidateRefusesATimelineOfNoPoint) {
  const Outcome outcome = run("validate examples/quick --timeline full_kv@999");
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.error, HasSubstr("--timeline: 'full_kv' has no point of that context and batch"));
  EXPECT_EQ(run("validate examples/quick --methods scout --timeline full_kv").code, 2);
}

TEST_F(Program, AFolderThatCannotBeWrittenExitsWithOne) {
  std::istringstream names(run("list scenarios --names").out);
  std::string first;
  if (!std::getline(names, first)) GTEST_SKIP() << "no scenario is shipped";
  std::ofstream(folder_ / "occupied") << "a file";
  const Outcome outcome = run("run " + first + " --out occupied/below");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.error, HasSubstr("occupied/below"));
}

TEST_F(Program, AWrongHomeExitsWithTwo) {
  const Outcome outcome =
      run("list models", "; OUTRIDER_HOME=/nowhere '" OUTRIDER_PROGRAM "' list models >out 2>error");
  EXPECT_EQ(outcome.code, 2);
  EXPECT_EQ(outcome.error, "OUTRIDER_HOME: expected a folder that holds scenarios/, got '/nowhere'\n");
}

TEST_F(Program, ListsMethodsAsTableNamesAndJson) {
  const Outcome table = run("list methods");
  EXPECT_EQ(table.code, 0);
  EXPECT_THAT(table.out, StartsWith("method "));
  EXPECT_THAT(run("list methods --names").out, HasSubstr("scout\n"));
  const auto json = nlohmann::json::parse(run("list methods --json").out);
  ASSERT_FALSE(json.empty());
  for (const auto& method : json) {
    EXPECT_THAT(table.out, HasSubstr(method["name"].get<std::string>()));
    EXPECT_FALSE(method["presets"].empty()) << method["name"];
    for (const auto& param : method["params"]) EXPECT_NE(param["meaning"], "") << method["name"] << param["name"];
  }
}

TEST_F(Program, VerboseMethodsShowEveryParameter) {
  const std::string text = run("list methods -v").out;
  const auto json = nlohmann::json::parse(run("list methods --json").out);
  for (const auto& method : json) {
    for (const auto& param : method["params"])
      EXPECT_THAT(text, HasSubstr("\n  " + param["name"].get<std::string>() + " "));
  }
}

TEST_F(Program, ListsEveryKindOfShippedFile) {
  for (const char* kind : {"models", "machines", "scenarios", "profiles"}) {
    const Outcome outcome = run(fmt::format("list {}", kind));
    EXPECT_EQ(outcome.code, 0) << kind << "\n" << outcome.error;
    EXPECT_THAT(outcome.out, StartsWith(kind));
    const auto json = nlohmann::json::parse(run(fmt::format("list {} --json", kind)).out);
    EXPECT_FALSE(json.empty()) << kind;
    for (const auto& file : json) EXPECT_TRUE(fs::exists(file["file"].get<std::string>())) << file;
  }
}

// The schemas are recorded from the readers; `outrider schema WHAT > scenarios/schema/WHAT.schema.json` renews them.
TEST_F(Program, ShippedSchemasAreWhatTheReadersAccept) {
  for (const char* what : {"scenario", "machine", "profile"}) {
    const Outcome outcome = run(fmt::format("schema {}", what));
    EXPECT_EQ(outcome.code, 0);
    EXPECT_TRUE(nlohmann::json::parse(outcome.out).contains("$schema")) << what;
    const fs::path shipped = fs::path(OUTRIDER_SOURCE_DIR) / "scenarios/schema" / fmt::format("{}.schema.json", what);
    EXPECT_EQ(contents(shipped), outcome.out) << what;
  }
}

// `outrider help results > RESULTS.md` renews it.
TEST_F(Program, ResultsAreDocumentedAsHelpPrintsThem) {
  const Outcome outcome = run("help results");
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(contents(fs::path(OUTRIDER_SOURCE_DIR) / "RESULTS.md"), outcome.out);
}

TEST_F(Program, AlteredFiguresMakeAFittedProfileATransferredOne) {
  const std::string altered = "run examples/quick --methods full_kv --set machine.cpu.cores=64";
  const std::string text = run(altered).out;
  EXPECT_THAT(text, HasSubstr("qwen3-8b on h200-16c (altered)\nprofile h200-16c (transferred)"));
  EXPECT_THAT(text, HasSubstr("Note: machine h200-16c is altered: cpu.cores: 64 instead of 16\n"));
  EXPECT_THAT(text, HasSubstr("transferred to the altered one"));
  const auto json = nlohmann::json::parse(run(altered + " --json").out);
  EXPECT_EQ(json["profile_kind"], "transferred");
  EXPECT_EQ(json["machine_changes"][0], "cpu.cores: 64 instead of 16");
  EXPECT_THAT(run("run examples/quick --methods full_kv --set machine.cpu.cores=16").out,
              HasSubstr("profile h200-16c (fitted)"));
}

TEST_F(Program, ExplainRefusesAPointThatDoesNotFit) {
  const Outcome outcome = run("explain examples/quick --method full_kv --batch 4096");
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.out, IsEmpty());
  EXPECT_THAT(outcome.error, StartsWith("full_kv at context 32k with batch 4096 does not fit, so there is nothing to "
                                        "explain: HBM"));
  EXPECT_EQ(run("explain examples/quick --method full_kv --batch 4096 --json").code, 2);
}

TEST_F(Program, TheExamplesOfSetWork) {
  const Outcome outcome =
      run("run examples/quick --set 'workloads[0].contexts=[32768]' --methods full_kv,scout --out files");
  EXPECT_EQ(outcome.code, 0) << outcome.error;
}

TEST_F(Program, StepsThatTrendAreToldOnTheirRows) {
  const std::string command =
      "run paper/scoutattention --methods full_kv,infinigen --set 'workloads.contexts.contexts=[8K, 64K]' ";
  const auto json = nlohmann::json::parse(run(command + "--json").out);
  for (const auto& point : json["points"]) {
    const bool trends = !point["notes"].empty() && point["notes"].back().get<std::string>().starts_with("step time");
    EXPECT_EQ(trends, point["label"] == "infinigen") << point["label"] << point["context"];
    const bool beyond = point["notes"].dump().find("max_position_embeddings 40960") != std::string::npos;
    EXPECT_EQ(beyond, point["context"] == 65536);
    EXPECT_EQ(point["decode_steps"], 32);
  }
  std::size_t resting = 0;
  for (const auto& claim : json["claims"]) resting += claim["rests_on_trend"].get<bool>() ? 1 : 0;
  EXPECT_GT(resting, 0U);
}

TEST_F(Program, AReaderThatLeavesIsNoError) {
  // The reader has long ended when the program writes.
  const Outcome outcome =
      run("--version", "; { sleep 0.1; '" OUTRIDER_PROGRAM "' help run 2>error; echo $? >code; } | true");
  EXPECT_EQ(contents(folder_ / "code"), "0\n");
  EXPECT_THAT(outcome.error, IsEmpty());
}

TEST_F(Program, AClosedStandardOutputIsAnErrorNotACrash) {
  const Outcome outcome = run("help", ">&-");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.error, HasSubstr("cannot write to standard output"));
}

TEST_F(Program, AFullDiskUnderStandardOutputIsAnError) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "no /dev/full";
  const Outcome outcome = run("help", ">/dev/full");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.error, HasSubstr("No space left on device"));
}

TEST_F(Program, CalibrateListsEveryFamilyAndWhyItCannotRun) {
  const Outcome outcome = run("calibrate --list");
  EXPECT_EQ(outcome.code, 0) << outcome.error;
  for (const char* family : {"dram_read", "cpu_attend", "gemm", "attend_dense"})
    EXPECT_THAT(outcome.out, HasSubstr("\n" + std::string(family) + " "));
}

TEST_F(Program, CalibrateRefusesWhatItCannotUseBeforeItMeasures) {
  const Outcome outcome = run("calibrate --only dram_raed --machine nowhere --base no");
  EXPECT_EQ(outcome.code, 2);
  EXPECT_EQ(outcome.error,
            "--only: unknown family 'dram_raed', did you mean 'dram_read'?\n"
            "--machine: no file and no shipped machine 'nowhere'\n--base: no file and no shipped profile 'no'\n");
  EXPECT_FALSE(fs::exists(folder_ / "results"));
  EXPECT_EQ(run("calibrate --fit-only --out nothing").code, 2) << "there are no samples";
}

TEST_F(Program, CalibrateImportsBesideMeasuredSamplesAndOnce) {
  const fs::path data = fs::path(OUTRIDER_SOURCE_DIR) / "calibration/data/h200-16c";
  fs::copy(data / "runs.csv", folder_ / "runs.csv");
  std::string measured;
  std::istringstream all(contents(data / "samples.csv"));
  for (std::string line; std::getline(all, line);) {
    if (line.starts_with("run,") || line.starts_with("1,copy_")) measured += line + "\n";
  }
  std::ofstream(folder_ / "samples.csv") << measured;
  std::ofstream(folder_ / "nv.json")
      << R"json({"nvbandwidth": {"version": "v0.8", "Driver Version": "580.1", "testcases": [
    {"name": "host_to_device_memcpy_ce", "status": "Passed", "sum": 55.4,
     "bandwidth_description": "memcpy CE CPU(row) -> GPU(column) bandwidth (GB/s)",
      "bandwidth_matrix" : [["55.4"]]
},
    {"name": "device_to_device_memcpy_read_ce", "status": "Waived"}]
}
})json";
  const std::string command = "calibrate --import nv.json --machine h200-16c --out . --run 3";
  const Outcome outcome = run(command);
  ASSERT_EQ(outcome.code, 0) << outcome.error;
  EXPECT_THAT(outcome.out, StartsWith("1 samples from nvbandwidth v0.8: copy_h2d at 55.4 GB/s"));
  EXPECT_THAT(outcome.out, HasSubstr("not used, since nvbandwidth waived it: device_to_device_memcpy_read_ce\n"));
  const std::string samples = contents(folder_ / "samples.csv");
  EXPECT_THAT(samples, StartsWith(measured));
  EXPECT_THAT(samples, HasSubstr("\n3,copy_h2d,fragment=536870912;count=16;bytes=8589934592,0.155052971,"));
  EXPECT_THAT(contents(folder_ / "runs.csv"), HasSubstr(" 512 MiB buffers: host_to_device_memcpy_ce),,\n"));
  EXPECT_THAT(contents(folder_ / "profile.yaml"), HasSubstr("not recorded (imported that day from nvbandwidth v0.8:"));

  const std::string profile = contents(folder_ / "profile.yaml");
  const auto figure = [&](const std::string& key) {
    return std::stoi(profile.substr(profile.find("\n  " + key + ": ") + key.size() + 5));
  };
  const auto lines = std::count(measured.begin(), measured.end(), '\n');  // the header's stands for what is imported
  EXPECT_EQ(figure("samples") + figure("refused"), lines);
  EXPECT_THAT(run(command).out, StartsWith("0 samples from nvbandwidth v0.8"));
  EXPECT_EQ(contents(folder_ / "samples.csv"), samples);
  std::ofstream(folder_ / "mine.yaml") << "name: mine\nmodel: qwen3-8b\nmachine: machine.yaml\nprofile: profile.yaml\n"
                                          "methods: [full_kv]\nworkloads:\n  - name: w\n    contexts: [4K]\n"
                                          "    batches: [1]\n    decode_steps: 1\n";
  EXPECT_EQ(run("run mine.yaml").code, 0);
}

TEST_F(Program, CalibrateWritesNothingOfAnImportThatItRefuses) {
  std::ofstream(folder_ / "nv.json") << R"({"nvbandwidth": {"version": "v0.8", "testcases": [
    {"name": "host_to_device_memcpy_ce", "status": "Waived"}]}})";
  const Outcome none = run("calibrate --import nv.json --out new");
  EXPECT_EQ(none.code, 2);
  EXPECT_EQ(none.error, "nv.json: expected a test of copies between host and GPU that passed, got none\n");
  EXPECT_THAT(none.out, HasSubstr("not used, since nvbandwidth waived it: host_to_device_memcpy_ce\n"));
  EXPECT_EQ(run("calibrate --import missing.json --out new").code, 2);
  EXPECT_FALSE(fs::exists(folder_ / "new"));
}

// The shipped samples give the shipped profile, which the scenario on that machine uses and another's refuses.
TEST_F(Program, CalibrateFitsShippedSamplesToTheShippedProfile) {
  const fs::path data = fs::path(OUTRIDER_SOURCE_DIR) / "calibration/data/cpu-2c";
  for (const char* file : {"samples.csv", "runs.csv"}) fs::copy(data / file, folder_ / file);
  const Outcome outcome = run("calibrate --fit-only --name cpu-2c --out .");
  ASSERT_EQ(outcome.code, 0) << outcome.error;
  EXPECT_THAT(outcome.out, HasSubstr("cpu.attention_dram_efficiency"));
  const std::vector<double> again = values_in(contents(folder_ / "profile.yaml"));
  const std::vector<double> shipped = values_in(contents(data / "profile.yaml"));
  ASSERT_EQ(again.size(), shipped.size());
  for (std::size_t i = 0; i < shipped.size(); ++i) EXPECT_NEAR(again[i], shipped[i], 1e-3 * shipped[i]) << i;

  std::ofstream(folder_ / "mine.yaml") << "name: mine\nmodel: qwen3-8b\nmachine: machine.yaml\nprofile: profile.yaml\n"
                                          "methods: [hgca]\nworkloads:\n  - name: w\n    contexts: [4K]\n"
                                          "    batches: [1]\n    decode_steps: 1\n";
  EXPECT_THAT(run("run mine.yaml").out, HasSubstr("profile cpu-2c (fitted)"));
  EXPECT_THAT(run("run mine.yaml --set machine.cpu.cores=4").out, HasSubstr("profile cpu-2c (transferred)"));
  const Outcome elsewhere = run("run mine.yaml --set machine=h200-16c");
  EXPECT_EQ(elsewhere.code, 2);
  EXPECT_THAT(elsewhere.error,
              HasSubstr("expected one for machine 'h200-16c', got 'cpu-2c', which was fitted on 'cpu-2c'"));
  EXPECT_THAT(run("run mine.yaml --set machine=h200-16c --set transfer_profile=true").out,
              HasSubstr("profile cpu-2c (transferred)"));
}

}  // namespace
}  // namespace outrider
