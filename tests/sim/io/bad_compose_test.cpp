// Mistakes in a method from knobs are refused with their place, and contradictions with the reason.
#include <gtest/gtest.h>

#include "sim/io/scenario_reader.h"
#include "sim/methods/method.h"
#include "tests/sim/io/documents.h"

namespace outrider {
namespace {

constexpr const char* kComposed = R"(name: trial
model: qwen3-8b
machine: h200-16c
methods:
  - label: mine
    compose: {}
workloads:
  - {name: w, contexts: [8K]}
)";

class BadCompose : public testing::TestWithParam<BadInput> {};

TEST_P(BadCompose, IsRefusedWithItsPlaceAndReason) {
  const BadInput& input = GetParam();
  const Scratch scratch;
  const auto file = scratch.write("s.yaml", replaced(kComposed, input.from, input.to));
  ConfigErrors errors;
  EXPECT_FALSE(read_scenario({.file = file, .library = shipped_scenarios()}, method_infos(), errors).has_value());
  expect_messages(scratch.messages(errors), input.messages);
}

const BadInput kMistakes[] = {
    {"UnknownKnob",
     "{}",
     "{querry: own}",
     {"s.yaml:6:15: methods[0].compose.querry: expected a known key, got 'querry', did you mean query?"}},
    {"UnknownChoice",
     "{}",
     "{index: minmax}",
     {"s.yaml:6:22: methods[0].compose.index: expected one of min_max, mean, centroids, keys, pq, lsh, got 'minmax', "
      "did you "
      "mean "
      "min_max?"}},
    {"NoLabel",
     "  - label: mine\n    compose: {}",
     "  - compose: {}",
     {"s.yaml:5:5: methods[0].label: expected a name ~ , got nothing: the key is missing"}},
    {"MethodAndCompose",
     "compose: {}",
     "method: scout\n    compose: {}",
     {"s.yaml:6:13: methods[0].method: expected either method or compose, got both"}},
    {"ComposedByName",
     "compose: {}",
     "method: composed",
     {"s.yaml:6:13: methods[0].method: expected one of ~ , got 'composed'"}},
    {"ALayerThatTheModelLacks",
     "{}",
     "{dense_layers: [0, 36]}",
     {"s.yaml:6:33: methods[0].compose.dense_layers[1]: expected an integer from 0 to 35, got '36'"}},
    {"AShareAboveOne",
     "{}",
     "{budget_share: 1.5}",
     {"s.yaml:6:29: methods[0].compose.budget_share: expected a number from 0 to 1, got '1.5'"}},
};

const BadInput kContradictions[] = {
    {"MissesOnTheGpu",
     "{}",
     "{placement: gpu, miss: recall}",
     {"s.yaml:6:37: methods[0].compose.miss: expected placement: blocks or values beside it, as on the GPU no block is "
      "missing, got placement: gpu"}},
    {"TheCpuWithoutKeys",
     "{}",
     "{placement: values, miss: cpu_attend, cache: none}",
     {"s.yaml:6:40: methods[0].compose.miss: expected placement: blocks beside it, as the CPU needs K and V, got "
      "placement: values"}},
    {"ASetThatNeverComes",
     "{}",
     "{miss: cpu_attend}",
     {"s.yaml:6:21: methods[0].compose.miss: expected cache: none, prefill or periodic beside it, as no missing block "
      "comes to the GPU to be kept, got cache: last"}},
    {"PrefetchWithItsOwnQuery",
     "{}",
     "{pipeline: prefetch}",
     {"s.yaml:6:25: methods[0].compose.pipeline: expected query: predicted or shared beside it, as else what a layer "
      "misses is not known before it, got query: own"}},
    {"NoFilters",
     "{}",
     "{query: shared}",
     {"s.yaml:6:22: methods[0].compose.query: expected filter_layers beside it, whose query the others share, got "
      "filter_layers: []"}},
    {"TwoBudgets",
     "{}",
     "{budget_tokens: 1K, budget_share: 0.1}",
     {"s.yaml:6:48: methods[0].compose.budget_share: expected the budget as tokens or as a share, not both, got "
      "budget_tokens: 1024"}},
    {"ASizeOfTheLastSet",
     "{}",
     "{cache_tokens: 4K}",
     {"s.yaml:6:29: methods[0].compose.cache_tokens: expected cache: lru or lfu beside it, the others have a size of "
      "their own, got cache: last"}},
    {"EstimatesWithoutSums",
     "{}",
     "{estimate_share: 0.2}",
     {"s.yaml:6:31: methods[0].compose.estimate_share: expected index: centroids beside it, the only one with sums of "
      "V, "
      "got index: min_max"}},
    {"HashTablesThatNobodySearches",
     "{}",
     "{index: lsh, block_tokens: 1, cache: none}",
     {"s.yaml:6:22: methods[0].compose.index: expected miss: cpu_attend beside it, as the CPU finds the tokens, got "
      "miss: recall"}},
    {"HashTablesOfBlocks",
     "{}",
     "{index: lsh, miss: cpu_attend, cache: none}",
     {"s.yaml:6:22: methods[0].compose.index: expected block_tokens: 1 beside it, as single tokens collide, got "
      "block_tokens: 32"}},
    {"HashesWithoutTables",
     "{}",
     "{hash_bits: 8}",
     {"s.yaml:6:26: methods[0].compose.hash_bits: expected index: lsh beside it, whose hashes they are, got index: "
      "min_max"}},
    {"CodesWithoutAProduct",
     "{}",
     "{pipeline: codes, sub_spaces: 4}",
     {"s.yaml:6:25: methods[0].compose.pipeline: expected index: pq beside it, the only one with codes in DRAM, got "
      "index: min_max",
      "s.yaml:6:44: methods[0].compose.sub_spaces: expected index: pq beside it, whose codes they are, got index: "
      "min_max"}},
    {"CodesOnTheGpu",
     "{}",
     "{placement: gpu, index: pq}",
     {"s.yaml:6:38: methods[0].compose.index: expected placement: blocks or values beside it, as its codes are in "
      "DRAM, "
      "got placement: gpu"}},
    {"AHostThatWaitsForAKernel",
     "{}",
     "{block_copies: zero_copy, host_waits: 2}",
     {"s.yaml:6:52: methods[0].compose.host_waits: expected other block_copies beside it, as a kernel that copies "
      "needs "
      "no host thread, got block_copies: zero_copy"}},
    {"EveryContradictionAtOnce",
     "{}",
     "{key_rank: 32, lookup: cpu, cache: none}",
     {"s.yaml:6:25: methods[0].compose.key_rank: expected placement: values beside it, ~ , got placement: blocks",
      "s.yaml:6:37: methods[0].compose.lookup: expected a cache beside it, in which to look, got cache: none"}},
};

std::string name_of(const testing::TestParamInfo<BadInput>& input) { return input.param.name; }

INSTANTIATE_TEST_SUITE_P(Mistake, BadCompose, testing::ValuesIn(kMistakes), name_of);
INSTANTIATE_TEST_SUITE_P(Contradiction, BadCompose, testing::ValuesIn(kContradictions), name_of);

TEST(Compose, AnOverrideReachesAKnob) {
  const Scratch scratch;
  const auto file = scratch.write("s.yaml", kComposed);
  ConfigErrors errors;
  const std::vector<ScenarioOverride> overrides = {{"methods.mine.compose.block_tokens", "64"}};
  const auto scenario =
      read_scenario({.file = file, .library = shipped_scenarios(), .overrides = overrides}, method_infos(), errors);
  ASSERT_TRUE(scenario.has_value());
  EXPECT_EQ(scenario->methods.front().params.integer("block_tokens"), 64);
}

}  // namespace
}  // namespace outrider
