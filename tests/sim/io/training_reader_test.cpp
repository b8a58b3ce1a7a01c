// Workloads of training in scenarios: what they say, and which methods run in them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/io/scenario_reader.h"
#include "tests/sim/io/documents.h"

namespace outrider {
namespace {

// The trial with a method that trains beside those that decode.
constexpr const char* kTrains = R"(training:
  - name: step
    sequence_lengths: [4K]
    batches: [2]
    micro_batches: 8
    steps: 5
locality:)";

std::vector<MethodInfo> catalog_with_training() {
  std::vector<MethodInfo> catalog = small_catalog();
  catalog.push_back({.name = "trainer",
                     .summary = "trains",
                     .source = "none",
                     .params = {},
                     .presets = {{"plain", "as is", {}}},
                     .runs = WorkloadKind::training});
  return catalog;
}

std::string trial(std::string_view training = kTrains) {
  return replaced(replaced(kScenarioText, "locality:", training), "  - dense\n", "  - dense\n  - trainer\n");
}

std::optional<Scenario> read(const std::string& text, std::vector<std::string>& messages) {
  const Scratch scratch;
  ConfigErrors errors;
  const auto catalog = catalog_with_training();
  auto scenario =
      read_scenario({.file = scratch.write("s.yaml", text), .library = shipped_scenarios()}, catalog, errors);
  messages = scratch.messages(errors);
  return scenario;
}

void expect_refused(const std::string& text, const std::vector<std::string>& expected) {
  std::vector<std::string> messages;
  EXPECT_FALSE(read(text, messages).has_value());
  expect_messages(messages, expected);
}

TEST(TrainingReader, EachWorkloadRunsTheMethodsOfItsKind) {
  std::vector<std::string> messages;
  const auto scenario = read(trial(), messages);
  ASSERT_TRUE(scenario.has_value()) << testing::PrintToString(messages);
  ASSERT_EQ(scenario->workloads.size(), 2u);
  const Workload& decode = scenario->workloads[0];
  const Workload& training = scenario->workloads[1];
  EXPECT_EQ(decode.kind, WorkloadKind::decode);
  EXPECT_THAT(decode.methods, testing::ElementsAre("dense", "quick"));
  EXPECT_EQ(training.kind, WorkloadKind::training);
  EXPECT_THAT(training.methods, testing::ElementsAre("trainer"));
  EXPECT_THAT(training.contexts, testing::ElementsAre(4096));
  EXPECT_THAT(training.batches, testing::ElementsAre(2));
  EXPECT_EQ(training.micro_batches, 8);
  EXPECT_EQ(training.decode_steps, 5);
  EXPECT_EQ(training.warmup_steps, 0);
  EXPECT_FALSE(training.prefill);
}

TEST(TrainingReader, MethodsOfTheOtherKindAreRefused) {
  expect_refused(trial(replaced(kTrains, "    steps: 5\n", "    methods: [dense]\n")),
                 {"s.yaml:21:14: training[0].methods: expected labels of methods that train, got 'dense'"});
  expect_refused(replaced(trial(), "    batches: [4]\n", "    batches: [4]\n    methods: [trainer]\n"),
                 {"s.yaml:15:14: workloads[0].methods: expected labels of methods that decode, got 'trainer'"});
  expect_refused(replaced(kScenarioText, "locality:", kTrains),
                 {"s.yaml:16:5: training[0].methods: expected a method of the scenario that trains, got none"});
}

TEST(TrainingReader, KeysOfDecodingAreUnknownInTraining) {
  expect_refused(trial(replaced(kTrains, "    steps: 5\n", "    decode_steps: 5\n")),
                 {"s.yaml:21:5: training[0].decode_steps: expected a known key, got 'decode_steps'"});
  expect_refused(trial(replaced(kTrains, "name: step", "name: long")),
                 {"s.yaml:17:11: training[0].name: expected a name of its own, got 'long' again"});
}

}  // namespace
}  // namespace outrider
