// Every mistake in a scenario is refused with its place, what was expected and, for misspelt names, the nearest one.
#include <gtest/gtest.h>

#include "sim/io/scenario_reader.h"
#include "tests/sim/io/documents.h"

namespace outrider {
namespace {

class BadScenario : public testing::TestWithParam<BadInput> {};

TEST_P(BadScenario, IsRefusedWithItsPlaceAndReason) {
  const BadInput& input = GetParam();
  const Scratch scratch;
  const auto file = scratch.write("s.yaml", replaced(kScenarioText, input.from, input.to));
  ConfigErrors errors;
  const std::vector<MethodInfo> catalog = small_catalog();
  EXPECT_FALSE(read_scenario({.file = file, .library = shipped_scenarios()}, catalog, errors).has_value());
  expect_messages(scratch.messages(errors), input.messages);
}

const BadInput kDocument[] = {
    {"UnknownKey", "seed: 7", "sed: 7", {"s.yaml:16:1: sed: expected a known key, got 'sed', did you mean seed?"}},
    {"UnknownKeyWithoutNearOne", "seed: 7", "colour: 7", {"s.yaml:16:1: colour: expected a known key, got 'colour'"}},
    {"KeyTwice",
     "seed: 7",
     "seed: 7\nseed: 8",
     {"s.yaml:17:1: seed: expected each key once, got it again, after line 16"}},
    {"KeyMissing", "name: trial\n", "", {"s.yaml:1:1: name: expected a text, got nothing: the key is missing"}},
    {"ValueMissing", "name: trial", "name: ''", {"s.yaml:1:7: name: expected a text, got an empty text"}},
    {"ListForText", "name: trial", "name: [trial]", {"s.yaml:1:7: name: expected a text, got a list"}},
    {"TextForMapping",
     "set: {block_tokens: 64}",
     "set: 64",
     {"s.yaml:9:10: methods[1].set: expected a mapping, got '64'"}},
    {"TextForList",
     "contexts: [8K, 16384]\n    batches: [4]\n    decode_steps: 8\n",
     "contexts: 8K\n    methods: quick\n",
     {"s.yaml:13:14: workloads[0].methods: expected a list of texts, got 'quick'"}},
    {"MappingForList",
     "  - name: long\n    contexts: [8K, 16384]\n    batches: [4]\n    decode_steps: 8\n",
     "  name: long\n",
     {"s.yaml:11:3: workloads: expected a list of mappings, got a mapping"}},
    {"Anchor", "seed: 7", "seed: &a 7", {"s.yaml:16:7: seed: expected a document without anchors, got an anchor"}},
    {"Tag", "seed: 7", "seed: !!int 7", {"s.yaml:16:7: seed: expected a document without tags, got tag ~ int'"}},
    {"MergeKey", "seed: 7", "<<: {seed: 7}", {"s.yaml:16:1: <<: expected a known key, got '<<'"}},
    {"ListAsKey", "seed: 7", "? [a]\n: 7", {"s.yaml:16:3: expected a plain key, got a list or mapping as key"}},
    {"TabAsIndentation",
     "    preset: fast",
     "\tpreset: fast",
     {"s.yaml:8:1: expected spaces as indentation, got a tab"}},
    {"BracketLeftOpen", "seed: 7", "seed: [7", {"s.yaml: ~ "}},
    {"TwoDocuments", "seed: 7", "seed: 7\n---", {"s.yaml:17:1: expected one document, got several"}},
};

const BadInput kNumbers[] = {
    {"LeadingZero",
     "seed: 7",
     "seed: 010",
     {"s.yaml:16:7: seed: expected a whole number from 0 to 2^64 - 1, got '010'"}},
    {"Hexadecimal", "seed: 7", "seed: 0x1F", {"s.yaml:16:7: seed: expected a whole number ~ got '0x1F'"}},
    {"Underscore", "seed: 7", "seed: 1_000", {"s.yaml:16:7: seed: expected a whole number ~ got '1_000'"}},
    {"NegativeSeed", "seed: 7", "seed: -1", {"s.yaml:16:7: seed: expected a whole number ~ got '-1'"}},
    {"SeedBeyond64Bits",
     "seed: 7",
     "seed: 18446744073709551616",
     {"s.yaml:16:7: seed: expected a whole number ~ got '18446744073709551616'"}},
    {"NotANumber",
     "{block_tokens: 64}",
     "{ratio: .nan}",
     {"s.yaml:9:18: methods[1].set.ratio: expected a number from 0 to 1, got '.nan'"}},
    {"Infinity",
     "{block_tokens: 64}",
     "{ratio: .inf}",
     {"s.yaml:9:18: methods[1].set.ratio: expected a number from 0 to 1, got '.inf'"}},
    {"BeyondDouble",
     "{block_tokens: 64}",
     "{ratio: 1e999}",
     {"s.yaml:9:18: methods[1].set.ratio: expected a number from 0 to 1, got '1e999'"}},
    {"QuotedNumber",
     "{block_tokens: 64}",
     "{ratio: '0.5'}",
     {"s.yaml:9:18: methods[1].set.ratio: expected a number from 0 to 1, got the quoted text \"0.5\""}},
    {"FractionForInteger",
     "decode_steps: 8",
     "decode_steps: 8.5",
     {"s.yaml:14:19: workloads[0].decode_steps: expected an integer from 1 to 1000000, got '8.5'"}},
    {"LowerCaseK", "[8K, 16384]", "[8k]", {"s.yaml:12:16: workloads[0].contexts[0]: expected a count ~ got '8k'"}},
};

const BadInput kMethods[] = {
    {"UnknownMethod",
     "method: paged",
     "method: pagd",
     {"s.yaml:7:13: methods[1].method: expected one of dense, paged, got 'pagd', did you mean paged?"}},
    {"UnknownBareMethod",
     "- dense",
     "- dens",
     {"s.yaml:5:5: methods[0].method: expected one of dense, paged, got 'dens', did you mean dense?",
      "s.yaml:22:15: claims[0].baseline: expected one of dens, quick, got 'dense', did you mean dens?"}},
    {"UnknownPreset",
     "preset: fast",
     "preset: fats",
     {"s.yaml:8:13: methods[1].preset: expected one of plain, fast, got 'fats', did you mean fast?"}},
    {"UnknownParameter",
     "{block_tokens: 64}",
     "{block_token: 64}",
     {"s.yaml:9:11: methods[1].set.block_token: expected a known key, got 'block_token', did you mean block_tokens?"}},
    {"ParameterOfAnotherType",
     "{block_tokens: 64}",
     "{block_tokens: many}",
     {"s.yaml:9:25: methods[1].set.block_tokens: expected a count like 8192 or 8K from 1 to 4096, got 'many'"}},
    {"ParameterAboveItsBound", "{block_tokens: 64}", "{block_tokens: 4097}", {"s.yaml:9:25: ~ got '4097'"}},
    {"ParameterBelowItsBound", "{block_tokens: 64}", "{block_tokens: 0}", {"s.yaml:9:25: ~ got '0'"}},
    {"NegativeParameter", "{block_tokens: 64}", "{block_tokens: -1}", {"s.yaml:9:25: ~ got '-1'"}},
    {"ParameterOutOfChoices",
     "{block_tokens: 64}",
     "{mode: eagr}",
     {"s.yaml:9:17: methods[1].set.mode: expected one of eager, lazy, got 'eagr', did you mean eager?"}},
    {"YesForTrue",
     "{block_tokens: 64}",
     "{pinned: yes}",
     {"s.yaml:9:19: methods[1].set.pinned: expected true or false, got 'yes'"}},
    {"LabelTwice",
     "- dense\n  - label: quick",
     "- {label: quick, method: dense}\n  - label: quick",
     {"s.yaml:6:12: methods[1].label: expected a label of its own, got 'quick' again",
      "s.yaml:22:15: claims[0].baseline: expected one of quick, quick, got 'dense'"}},
    {"LabelWithBlanks",
     "label: quick",
     "label: very quick",
     {"s.yaml:6:12: methods[1].label: expected a name ~ got 'very quick'",
      "s.yaml:21:13: claims[0].method: expected one of dense, paged, got 'quick'"}},
    {"ParametersOfAMethodWithoutAny",
     "- dense\n",
     "- {method: dense, set: {block_tokens: 64}}\n",
     {"s.yaml:5:27: methods[0].set.block_tokens: expected a known key, got 'block_tokens'"}},
};

const BadInput kLoad[] = {
    {"ZeroBatch",
     "batches: [4]",
     "batches: [4, 0]",
     {"s.yaml:13:18: workloads[0].batches[1]: expected an integer from 1 to 65536, got '0'"}},
    {"BatchTwice",
     "batches: [4]",
     "batches: [8, 4, 8]",
     {"s.yaml:13:14: workloads[0].batches: expected each value once, got 8 again"}},
    {"ContextTwice",
     "[8K, 16384]",
     "[8K, 8192]",
     {"s.yaml:12:15: workloads[0].contexts: expected each value once, got 8192 again"}},
    {"NoBatches", "batches: [4]", "batches: []", {"s.yaml:13:14: workloads[0].batches: expected ~ got an empty list"}},
    {"NoContexts", "[8K, 16384]", "[]", {"s.yaml:12:15: workloads[0].contexts: expected ~ got an empty list"}},
    {"ZeroSteps", "decode_steps: 8", "decode_steps: 0", {"s.yaml:14:19: workloads[0].decode_steps: ~ got '0'"}},
    {"NegativeContext", "[8K, 16384]", "[-8K]", {"s.yaml:12:16: workloads[0].contexts[0]: ~ got '-8K'"}},
    {"ContextShorterThanABlock",
     "[8K, 16384]",
     "[8K, 63]",
     {"s.yaml:12:15: workloads[0].contexts: expected at least one block of 64 tokens (quick), got 63"}},
    {"UnknownLabelInWorkload",
     "decode_steps: 8",
     "methods: [quik]",
     {"s.yaml:14:14: workloads[0].methods: expected labels among dense, quick, got 'quik', did you mean quick?"}},
    {"WorkloadTwice",
     "locality:",
     "  - {name: long, contexts: 8K}\nlocality:",
     {"s.yaml:15:12: workloads[1].name: expected a name of its own, got 'long' again"}},
    {"CorrelationOfOne",
     "0.99",
     "1",
     {"s.yaml:15:30: locality.step_correlation: expected a number from 0 to 0.999999999, got '1'"}},
    {"LocalityWithoutCorrelation",
     "{step_correlation: 0.99}",
     "{static_share: 0.5}",
     {"s.yaml:15:1: ~ key is missing"}},
    {"UnknownLocality",
     "{step_correlation: 0.99}",
     "scot",
     {"s.yaml:15:11: locality: expected a mapping, or one of scout, drifting, got 'scot', did you mean scout?"}},
};

const BadInput kNamesAndClaims[] = {
    {"UnknownModel", "qwen3-8b", "qwen3-8", {"s.yaml:2:8: model: expected a path, or one of ~ did you mean qwen3-8b?"}},
    {"UnknownMachine",
     "h200-16c",
     "h200-17c",
     {"s.yaml:3:10: machine: expected a path, or one of ~ did you mean h200-16c?"}},
    {"UnknownProfile",
     "seed: 7",
     "profile: asumed",
     {"s.yaml:16:10: profile: expected a path, or one of ~ did you mean assumed?"}},
    {"ListForMachine", "h200-16c", "[h200-16c]", {"s.yaml:3:10: machine: expected ~ got a list"}},
    {"ClaimOfUnknownLabel",
     "method: quick",
     "method: quik",
     {"s.yaml:21:13: claims[0].method: expected one of dense, quick, got 'quik', did you mean quick?"}},
    {"ClaimOfUnknownWorkload",
     "workload: long",
     "workload: lang",
     {"s.yaml:23:15: claims[0].workload: expected long, got 'lang', did you mean long?"}},
    {"ClaimOfUnknownMetric",
     "metric: throughput_ratio",
     "metric: throughput_ration",
     {"s.yaml:20:13: claims[0].metric: expected one of ~ did you mean throughput_ratio?"}},
    {"ClaimWithoutBaseline",
     "    baseline: dense\n",
     "",
     {"s.yaml:18:5: claims[0].baseline: expected the label to compare with, got nothing: the key is missing"}},
    {"ClaimWithoutContext", "    context: 8K\n", "", {"s.yaml:18:5: claims[0].context: ~ the key is missing"}},
    {"ClaimWithoutSource", "    source: a paper\n", "", {"s.yaml:18:5: claims[0].source: ~ the key is missing"}},
    {"ClaimsInAMissingFile",
     "seed: 7",
     "seed: 7\ncliams: nowhere.yaml",
     {"s.yaml:17:1: cliams: expected a known key, got 'cliams', did you mean claims?"}},
    {"ThreeMistakesAtOnce",
     "decode_steps: 8\nlocality: {step_correlation: 0.99}\nseed: 7",
     "decode_steps: none\nlocality: {step_correlation: high}\nsede: 7",
     {"s.yaml:14:19: workloads[0].decode_steps: ~ got 'none'", "s.yaml:15:30: locality.step_correlation: ~ got 'high'",
      "s.yaml:16:1: sede: expected a known key, got 'sede', did you mean seed?"}},
};

std::string name_of(const testing::TestParamInfo<BadInput>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Document, BadScenario, testing::ValuesIn(kDocument), name_of);
INSTANTIATE_TEST_SUITE_P(Numbers, BadScenario, testing::ValuesIn(kNumbers), name_of);
INSTANTIATE_TEST_SUITE_P(Methods, BadScenario, testing::ValuesIn(kMethods), name_of);
INSTANTIATE_TEST_SUITE_P(Load, BadScenario, testing::ValuesIn(kLoad), name_of);
INSTANTIATE_TEST_SUITE_P(NamesAndClaims, BadScenario, testing::ValuesIn(kNamesAndClaims), name_of);

}  // namespace
}  // namespace outrider
