// Which figures of a machine were altered, from texts and from whole scenarios.
#include "sim/io/machine_changes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/io/scenario_reader.h"
#include "sim/methods/method.h"
#include "tests/sim/io/documents.h"

namespace outrider {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> changes(const std::string& is, const std::string& was) {
  ConfigErrors errors;
  return machine_changes(*parse_yaml(is, "is", errors), *parse_yaml(was, "was", errors));
}

TEST(MachineChanges, NameEveryFigureThatDiffers) {
  EXPECT_THAT(changes("cpu: {cores: 64, clock: 2 GHz}\n", "cpu: {cores: {value: 16, source: s}, clock: 2 GHz}\n"),
              ElementsAre("cpu.cores: 64 instead of 16"));
  EXPECT_THAT(changes("gpu: {peak: {bf16: 1 TFLOP/s}}\n", "gpu: {peak: {bf16: 2 TFLOP/s, fp8: 4 TFLOP/s}}\n"),
              ElementsAre("gpu.peak.bf16: 1 TFLOP/s instead of 2 TFLOP/s", "gpu.peak.fp8: left out"));
  EXPECT_THAT(
      changes("link: {s: [{fragment: 4 KiB, rate: 2 GB/s}]}\n", "link: {s: [{fragment: 4 KiB, rate: 1 GB/s}]}\n"),
      ElementsAre("link.s: another list"));
  EXPECT_THAT(changes("cpu: {sockets: 2}\n", "cpu: {}\n"), ElementsAre("cpu.sockets: stated, was not"));
}

TEST(MachineChanges, OtherWordsForTheSameFigureAreNone) {
  EXPECT_THAT(changes("gpu: {name: A, b: 4.8 TB/s, source: x}\ndescription: d\n",
                      "gpu: {name: B, b: {value: 4800 GB/s, source: y}}\n"),
              IsEmpty());
  EXPECT_THAT(changes("n: 1e3\n", "n: 1000\n"), IsEmpty());
}

class AlteredMachine : public testing::Test {
 protected:
  Scenario read(const std::string& text, const std::vector<ScenarioOverride>& overrides = {}) {
    ConfigErrors errors;
    const std::vector<MethodInfo> catalog = small_catalog();
    auto scenario =
        read_scenario({.file = scratch_.write("s.yaml", text), .library = shipped_scenarios(), .overrides = overrides},
                      catalog, errors);
    for (const std::string& message : scratch_.messages(errors)) ADD_FAILURE() << message;
    return scenario.value_or(Scenario{});
  }
  std::string shipped_machine() const {
    std::ifstream file(shipped_scenarios() / "machines/h200-16c.yaml");
    return {std::istreambuf_iterator<char>(file), {}};
  }

  Scratch scratch_;
};

TEST_F(AlteredMachine, OverridesOfAShippedOneAreNamed) {
  EXPECT_THAT(read(kScenarioText).machine_changes, IsEmpty());
  EXPECT_THAT(
      read(kScenarioText, {{"machine.cpu.cores", "64"}, {"machine.gpu.hbm_bandwidth", "4.8 TB/s"}}).machine_changes,
      ElementsAre("cpu.cores: 64 instead of 16"));
}

TEST_F(AlteredMachine, ACopyUnderTheSameNameIsNoOther) {
  scratch_.write("copy.yaml", replaced(shipped_machine(), "hbm_capacity: 141 GB", "hbm_capacity: 80 GB"));
  const Scenario scenario = read(replaced(kScenarioText, "h200-16c", "copy.yaml"));
  EXPECT_THAT(scenario.machine_changes, ElementsAre("gpu.hbm_capacity: 80 GB instead of 141 GB"));
  EXPECT_TRUE(scenario.profile.ends_with("calibration/data/h200-16c/profile.yaml")) << scenario.profile;
}

TEST_F(AlteredMachine, UnderAnotherNameItIsAMachineOfItsOwn) {
  std::string text = replaced(shipped_machine(), "hbm_capacity: 141 GB", "hbm_capacity: 80 GB");
  scratch_.write("copy.yaml", replaced(text, "\nname: h200-16c", "\nname: mine"));
  EXPECT_THAT(read(replaced(kScenarioText, "h200-16c", "copy.yaml")).machine_changes, IsEmpty());
  EXPECT_THAT(read(replaced(kScenarioText, "h200-16c", "copy.yaml"), {{"machine.cpu.cores", "8"}}).machine_changes,
              ElementsAre("cpu.cores: 8 instead of 16"));
}

TEST_F(AlteredMachine, WhatCalibrationWroteBesideItsProfileIsTheMachineOfThatName) {
  scratch_.write("machine.yaml", replaced(shipped_machine(), "hbm_capacity: 141 GB", "hbm_capacity: 80 GB"));
  scratch_.write("profile.yaml", "");
  const Scenario scenario = read(replaced(kScenarioText, "h200-16c", "machine.yaml"));
  EXPECT_THAT(scenario.machine_changes, IsEmpty());
  EXPECT_EQ(scenario.profile, (scratch_.folder() / "profile.yaml").string());
  EXPECT_TRUE(scenario.profile_beside_machine);
}

TEST_F(AlteredMachine, ANamedProfileIsTakenInPlaceOfTheOneBesideTheMachine) {
  scratch_.write("machine.yaml", shipped_machine());
  scratch_.write("profile.yaml", "");
  const std::string text = replaced(kScenarioText, "h200-16c", "machine.yaml\nprofile: assumed");
  EXPECT_FALSE(read(text).profile_beside_machine);
  EXPECT_TRUE(read(text).profile.ends_with("profiles/assumed.yaml"));
}

// Overrides start at the current folder, what the scenario says at its own.
class PathsOfScenarios : public AlteredMachine {
 protected:
  PathsOfScenarios() : before_(std::filesystem::current_path()) {
    std::filesystem::create_directories(scratch_.folder() / "here");
    std::ofstream(scratch_.folder() / "here/mine.yaml")
        << replaced(shipped_machine(), "\nname: h200-16c", "\nname: mine");
    std::filesystem::current_path(scratch_.folder() / "here");
  }
  ~PathsOfScenarios() override { std::filesystem::current_path(before_); }

  std::vector<std::string> mistakes(const std::string& text, const std::vector<ScenarioOverride>& overrides) {
    ConfigErrors errors;
    const std::vector<MethodInfo> catalog = small_catalog();
    read_scenario({.file = scratch_.write("s.yaml", text), .library = shipped_scenarios(), .overrides = overrides},
                  catalog, errors);
    return scratch_.messages(errors);
  }
  std::filesystem::path before_;
};

TEST_F(PathsOfScenarios, AnOverrideStartsAtTheCurrentFolder) {
  EXPECT_EQ(read(kScenarioText, {{"machine", "mine.yaml"}}).machine.name, "mine");
  EXPECT_EQ(read(replaced(kScenarioText, "h200-16c", "here/mine.yaml")).machine.name, "mine");
  EXPECT_EQ(read(kScenarioText, {{"machine", "a100-80gb-pcie-36c"}}).machine.name, "a100-80gb-pcie-36c");
}

TEST_F(PathsOfScenarios, WhereThereIsNoFileItsWholePathIsTold) {
  const std::string folder = scratch_.folder().string();
  EXPECT_THAT(mistakes(kScenarioText, {{"machine", "nosuch.yaml"}}),
              ElementsAre(testing::EndsWith("got 'nosuch.yaml' (no such file: " + folder + "/here/nosuch.yaml)")));
  EXPECT_THAT(mistakes(replaced(kScenarioText, "h200-16c", "../nosuch.yaml"), {}),
              ElementsAre(testing::EndsWith("got '../nosuch.yaml' (no such file: " +
                                            scratch_.folder().parent_path().string() + "/nosuch.yaml)")));
  EXPECT_THAT(mistakes(kScenarioText, {{"machine", "h200"}}),
              ElementsAre(testing::Not(testing::HasSubstr("such file"))));
}

TEST_F(PathsOfScenarios, AProfileMayAlsoBeOneThatWasMeasured) {
  EXPECT_THAT(mistakes(kScenarioText, {{"profile", "data/h200"}}),
              ElementsAre(testing::AllOf(testing::HasSubstr("one of assumed, data/cpu-2c, data/h200-16c"),
                                         testing::Not(testing::HasSubstr("such file")))));
}

}  // namespace
}  // namespace outrider
