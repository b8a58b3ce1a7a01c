// Overrides that cannot be, refused under the name of the option that gave them.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "sim/io/scenario_reader.h"
#include "sim/methods/method.h"
#include "tests/sim/io/config_messages.h"

namespace outrider {
namespace {

const char* const kText =  // where the overrides go
    "name: base\n"         // 1
    "model: qwen3-8b\n"
    "machine: h200-16c\n"
    "methods: [full_kv, scout]\n"
    "workloads:\n"  // 5
    "  - name: decode\n"
    "    contexts: [8K, 32K]\n"
    "    batches: [4]\n"
    "locality: scout\n"
    "seed: 1\n";  // 10

struct BadOverride {
  const char* name;
  ScenarioOverride given;
  std::vector<std::string> messages;
};
void PrintTo(const BadOverride& bad, std::ostream* out) { *out << bad.name; }

class BadOverrides : public testing::TestWithParam<BadOverride> {};

TEST_P(BadOverrides, AreRefusedUnderTheirOwnName) {
  const auto file =
      std::filesystem::path(testing::TempDir()) / fmt::format("outrider_override_{}.yaml", GetParam().name);
  std::ofstream(file) << kText;
  ConfigErrors errors;
  const ScenarioRequest request{.file = file,
                                .library = std::filesystem::path(OUTRIDER_SOURCE_DIR) / "scenarios",
                                .overrides = {GetParam().given}};
  EXPECT_FALSE(read_scenario(request, method_infos(), errors).has_value());
  std::filesystem::remove(file);
  std::vector<testing::Matcher<std::string>> parts;
  for (const std::string& part : GetParam().messages) parts.emplace_back(testing::HasSubstr(part));
  EXPECT_THAT(messages(errors), testing::ElementsAreArray(parts));
}

const BadOverride kOverrides[] = {
    {"UnknownKey", {"sede", "2"}, {"--set sede: sede: expected a known key, got 'sede', did you mean seed?"}},
    {"WrongType", {"seed", "two"}, {"--set seed: seed: expected a whole number from 0 to 2^64 - 1, got 'two'"}},
    {"EmptyPart",
     {"methods..set", "1"},
     {"--set methods..set: expected a dotted path like machine.gpu.sms, got 'methods..set'"}},
    {"EmptyPath", {"", "1"}, {"expected a dotted path like machine.gpu.sms, got ''"}},
    {"EmptyValue", {"seed", " "}, {"--set seed: expected a value, got nothing"}},
    {"ValueThatIsNoYaml", {"seed", "1: 2: 3"}, {"--set seed:1:"}},
    {"UnclosedBracket",
     {"workloads.decode.contexts", "[32K"},
     {"--set workloads.decode.contexts: expected a value whose brackets close, got '[32K' with an unclosed '['"}},
    {"BracketsInThePath",
     {"workloads[1].contexts", "8K"},
     {"--set workloads[1].contexts: workloads: expected an element of the list: an index below 1, or one of decode"}},
    {"UnknownElement",
     {"methods.scot.preset", "paper"},
     {"--set methods.scot.preset: methods: expected an element of the list: an index below 2, or one of full_kv, "
      "scout, got 'scot', did you mean scout?"}},
    {"IndexTooLarge",
     {"workloads.1.contexts", "8K"},
     {"--set workloads.1.contexts: workloads: expected an element of the list: an index below 1, or one of decode, got "
      "'1'"}},
    {"BelowAScalar", {"seed.x", "1"}, {"--set seed.x: seed: expected a mapping to put 'x' in, got '1'"}},
    {"UnknownParameter",
     {"methods.scout.set.budget", "1024"},
     {"--set methods.scout.set.budget: methods[1].set.budget: expected a known key"}},
    {"InAMachineFile",
     {"machine.gpu.smz", "1"},
     {"--set machine.gpu.smz: gpu.smz: expected a known key, got 'smz', did you mean sms?"}},
    {"UnitInAMachineFile",
     {"machine.link.h2d", "50"},
     {"--set machine.link.h2d: link.h2d: expected a quantity like '25 GB/s' above 0, got '50'"}},
    {"ContextBelowABlock",
     {"workloads.decode.contexts", "16"},
     {"--set workloads.decode.contexts: workloads[0].contexts: expected at least one block"}},
};
INSTANTIATE_TEST_SUITE_P(Each, BadOverrides, testing::ValuesIn(kOverrides),
                         [](const testing::TestParamInfo<BadOverride>& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace outrider
