// What the methods leave out of the systems they stand for, and of real loads (rows of DEVIATIONS.md).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/design_points.h"
#include "tests/support/graph_readings.h"

namespace outrider {
namespace {

using F = Family;
using testing::UnorderedElementsAre;

TaskGraph step_of(const PointSpec& spec) { return std::move(DesignPoint(spec).graphs().back()); }

// Nobody arrives, ends or has another length than the others, and no prompt is prefilled beside a decode step.
TEST(KnownGap, BatchesAreSteadyAndOfOneLength) {
  DesignPoint point({.method = "full_kv", .layers = 2, .batch = 8, .steps = 6});
  for (const TaskGraph& graph : point.graphs()) {
    const auto& shape = std::get<AttentionShape>(graph.op(op_at(graph, F::attend_dense, 1)).shape);
    EXPECT_EQ(shape.sequences, 8);
    EXPECT_DOUBLE_EQ(shape.tokens, 8.0 * shape.longest);
    EXPECT_TRUE(ops_of(graph, F::prefill_attend).empty());
  }
}

// What is selected depends on the drift's seed and on no model.
TEST(KnownGap, SelectionsAreDrawnAndNotComputed) {
  const PointSpec spec{.method = "scout", .layers = 2, .steps = 3};
  PointSpec other = spec;
  other.model = "llama-3.1-8b";
  DesignPoint one(spec), two(other);
  for (std::int64_t step = 0; step < spec.steps; ++step) {
    const BlockSet first = one.selection().selected(1, 0, step), second = two.selection().selected(1, 0, step);
    EXPECT_TRUE(std::equal(first.begin(), first.end(), second.begin(), second.end()));
  }
}

// 64 tokens of DeepSeek-V3, 8 of 256 experts each: 256 · (1 − (1 − 8/256)⁶⁴) = 222.4 are read, the most there can be.
TEST(KnownGap, RoutersChooseAllExpertsEquallyOften) {
  EXPECT_NEAR(expected_active_experts(256, 8, 64.0), 222.4, 0.1);
  const TaskGraph graph = step_of({.method = "full_kv", .model = "deepseek-v3", .layers = 5, .batch = 64});
  double visited = 0.0;
  for (const OpId op : ops_of(graph, F::gemm, 4))
    visited = std::max(visited, std::get<GemmShape>(graph.op(op).shape).instances);
  EXPECT_NEAR(visited, 222.4, 0.1);
}

TEST(KnownGap, HgcaChoosesItsTokensForNothing) {
  const TaskGraph graph = step_of({.method = "hgca", .layers = 3});
  for (const F family : {F::score_blocks, F::select_top_k, F::residency_diff, F::cpu_gather})
    EXPECT_TRUE(ops_of(graph, family).empty()) << to_string(family);
}

// The CPU's worker sees the request itself: between its arrival and the attention the host thread does nothing.
TEST(KnownGap, TheHostThreadHasNoPartInSpawningAttention) {
  for (const char* method : {"scout", "hgca"}) {
    const TaskGraph graph = step_of({.method = method, .layers = 3});
    ASSERT_FALSE(ops_of(graph, F::cpu_attend).empty());
    EXPECT_TRUE(ops_of(graph, F::dispatch_pool).empty());
    for (const OpId attended : ops_of(graph, F::cpu_attend)) {
      for (const OpId on : graph.dependencies(attended))
        EXPECT_NE(kind_of(graph.op(on).family), OpKind::host_step) << method;
    }
  }
}

// The paper has a group of threads for each sequence; here all threads attend all sequences of a layer together.
TEST(KnownGap, ScoutsThreadsAreOneGroup) {
  const TaskGraph graph = step_of({.method = "scout", .layers = 3, .batch = 8});
  EXPECT_EQ(ops_of(graph, F::cpu_attend, 2).size(), 1u);
}

// FlexGen's percentages by tier, its block schedule over several batches, its disk and its compression.
TEST(KnownGap, FlexGenHasOneTierAndOneSchedule) {
  std::vector<std::string> own;
  for (const ParamSpec& param : entry_of("flexgen").info.params) {
    if (param.name != "launch" && !param.name.ends_with("_fraction")) own.push_back(param.name);
  }
  EXPECT_THAT(own, UnorderedElementsAre("cpu_attention", "host_memory", "fragments_per_layer"));
  const TaskGraph graph = step_of({.method = "flexgen", .layers = 3, .steps = 1});
  EXPECT_DOUBLE_EQ(copied(graph, Direction::h2d), 3.0 * 2.0 * 8192.0 * 4096.0) << "the whole cache of every layer";
}

// Clusters found by k-means and factors found by a decomposition cost at prefill what extremes of blocks do: a pass
// over K, and the writing.
TEST(KnownGap, EveryIndexIsBuiltInOnePass) {
  for (const char* method : {"scout", "shadowkv", "retroinfer", "magicpig", "pqcache"}) {
    const TaskGraph graph = DesignPoint({.method = method, .layers = 3}).method().prefill();
    const auto& built = std::get<StreamShape>(graph.op(op_at(graph, F::build_digest, 2)).shape);
    EXPECT_DOUBLE_EQ(built.read.value(), 8192.0 * 2048.0) << method;
    EXPECT_DOUBLE_EQ(built.flops.value(), 0.0) << method;
  }
}

// Of selections that hardly change, as many tokens come in every step.
TEST(KnownGap, ChosenTokensAreFetchedAnewInEachStep) {
  for (const auto& [method, preset, tokens] :
       {std::tuple{"csattention", "cpu_gpu", 409.0}, {"retrieval_completion", "oracle", 81.0}}) {
    DesignPoint point({.method = method, .preset = preset, .layers = 2, .batch = 1, .locality = kStill});
    for (const TaskGraph& graph : point.graphs())
      EXPECT_DOUBLE_EQ(copied(graph, Direction::h2d), 2.0 * tokens * 4096.0) << method;
  }
}

// Ten rounds of k-means over 8192 tokens are two products and a selection.
TEST(KnownGap, LookUpTablesAreBuiltAsFastAsProducts) {
  const auto prefill = [](const char* method) {
    return DesignPoint({.method = method, .layers = 2}).method().prefill();
  };
  EXPECT_EQ(ops_of(prefill("csattention"), F::gemm, 1).size(), ops_of(prefill("full_kv"), F::gemm, 1).size() + 2);
  EXPECT_EQ(ops_of(prefill("csattention"), F::select_top_k, 1).size(), 1u);
}

TEST(KnownGap, TurboAttendsEachWidthInAKernelOfItsOwn) {
  const TaskGraph graph = step_of({.method = "turbo", .layers = 2});
  const std::vector<OpId> attended = ops_of(graph, F::attend_quantised, 1);
  ASSERT_EQ(attended.size(), 2u);
  EXPECT_TRUE(waits_for(graph, attended[1], attended[0]));
}

// ArkVale drops the block of the lowest score; here what was not selected for longest goes, as scores are not kept.
TEST(KnownGap, CachesKnowNoScores) {
  const MethodInfo& info = method_named("composed")->info;
  const auto cache = std::find_if(info.params.begin(), info.params.end(),
                                  [](const ParamSpec& param) { return param.name == "cache"; });
  ASSERT_NE(cache, info.params.end());
  EXPECT_THAT(cache->choices, UnorderedElementsAre("none", "prefill", "last", "lru", "lfu", "periodic"));
}

// Of every layer and step as many; a bucket of 2ᵏ holds that part of the context.
TEST(KnownGap, HashTablesFindAsManyTokensEverywhere) {
  DesignPoint point({.method = "magicpig", .layers = 6, .steps = 4});
  for (const TaskGraph& graph : point.graphs()) {
    for (int layer = 1; layer < 6; ++layer) {
      const auto& found = std::get<AttentionShape>(graph.op(op_at(graph, F::cpu_attend, layer)).shape);
      EXPECT_DOUBLE_EQ(found.tokens, static_cast<double>(found.sequences) * found.longest);
      EXPECT_DOUBLE_EQ(found.longest, 163.0);
      const auto& look = std::get<StreamShape>(graph.op(op_at(graph, F::cpu_hash_lookup, layer)).shape);
      EXPECT_DOUBLE_EQ(look.flops.value(), look.items * 150.0 * 8192.0 / 1024.0);
    }
  }
}

// PQCache's blocks of 128 tokens, copied into its cache until the same layer of the next step.
TEST(KnownGap, CachesAreFilledWithWhatWasFetched) {
  const TaskGraph graph = step_of({.method = "pqcache", .layers = 3, .steps = 3});
  EXPECT_TRUE(graph.awaits().empty());
  EXPECT_TRUE(graph.fills().empty());
  for (const Op& op : graph.ops()) EXPECT_NE(op.lane, lane_id(Lane::recall));
}

TEST(KnownGap, ProductCodesAreScoredAsDigestsAre) {
  const TaskGraph codes = step_of({.method = "pqcache", .layers = 3}),
                  digests = step_of({.method = "quest", .layers = 3});
  for (const TaskGraph* graph : {&codes, &digests}) EXPECT_EQ(ops_of(*graph, F::score_blocks, 2).size(), 1u);
}

PointSpec training(const char* preset, std::map<std::string, ParamValue> set = {}) {
  return {.method = "train_step",
          .preset = preset,
          .set = std::move(set),
          .model = "llama-2-7b",
          .layers = 3,
          .context = 4096,
          .batch = 1,
          .steps = 1,
          .machine = "b200-56c"};
}

// With clipping, Adam waits for the last gradient; nothing reads the gradients for their norm.
TEST(KnownGap, TheNormThatClippingNeedsIsNotTaken) {
  const TaskGraph plain = step_of(training("bf16")), clipped = step_of(training("bf16", {{"clipping", true}}));
  for (int family = 0; family < kFamilies; ++family)
    EXPECT_EQ(ops_of(plain, static_cast<F>(family)).size(), ops_of(clipped, static_cast<F>(family)).size());
}

TEST(KnownGap, ScalesOfTrainedNumbersTakeNoBytes) {
  const TaskGraph graph = step_of(training("fp4_fp4_fp4"));
  int narrow = 0;
  for (const Op& op : graph.ops()) {
    const auto* shape = std::get_if<GemmShape>(&op.shape);
    if (shape == nullptr || shape->type != DataType::fp4) continue;
    EXPECT_EQ(shape->scale_bits, 0.0);
    ++narrow;
  }
  EXPECT_GT(narrow, 0);
}

TEST(KnownGap, AdamComputesForNothing) {
  for (const char* preset : {"bf16", "zero_offload"}) {
    const TaskGraph graph = step_of(training(preset));
    for (const F family : {F::adam, F::cpu_adam}) {
      for (const OpId op : ops_of(graph, family))
        EXPECT_EQ(std::get<StreamShape>(graph.op(op).shape).flops, Flops(0.0)) << preset;
    }
  }
}

// NEO swaps requests between GPU and CPU, and prefills prompts in its first sub-batch, behind which the CPU attends.
TEST(KnownGap, NeoMovesNoRequestsAndHidesNothingBehindPrompts) {
  DesignPoint point({.method = "neo", .set = {{"cpu_share", 0.5}}, .layers = 2, .batch = 8, .steps = 6});
  for (const TaskGraph& graph : point.graphs()) {
    EXPECT_TRUE(ops_of(graph, F::prefill_attend).empty());
    EXPECT_EQ(std::get<AttentionShape>(graph.op(op_at(graph, F::cpu_attend, 1)).shape).sequences, 4);
  }
}

// FastDecode's attention is dealt out to CPUs of several nodes.
TEST(KnownGap, FastDecodeHasTheHostsOwnCoresOnly) {
  const TaskGraph graph = step_of({.method = "fastdecode", .layers = 3, .batch = 8});
  for (const OpId op : ops_of(graph, F::cpu_attend)) EXPECT_EQ(graph.op(op).lane, lane_id(Lane::cpu));
  EXPECT_EQ(ops_of(graph, F::cpu_attend, 1).size(), 2u) << "one for each sub-batch, and not for each node";
}

// KVPR keeps K and V of tokens whose inputs it keeps too, so that the share may change from step to step.
TEST(KnownGap, KvprKeepsATokenInOneForm) {
  double kept = 0.0;
  for (const MemoryUse& use :
       DesignPoint({.method = "kvpr", .set = {{"recomputed_share", 0.5}}, .layers = 2, .steps = 4}).method().memory()) {
    if (use.tier == MemoryUse::Tier::pinned) kept += use.per_sequence.value();
  }
  EXPECT_DOUBLE_EQ(kept, 2.0 * 8196.0 * (0.5 * 4096.0 + 0.5 * 10'240.0));
}

// H2O's attention writes its scores; here a kernel behind it reads K once more.
TEST(KnownGap, H2oReadsKAgainForItsScores) {
  const TaskGraph graph = step_of({.method = "h2o", .layers = 3});
  const auto& scores = std::get<StreamShape>(graph.op(op_at(graph, F::score_blocks, 1)).shape);
  EXPECT_GE(scores.read.value(), 2.0 * 1638.0 * 2048.0);
  EXPECT_TRUE(ops_of(DesignPoint({.method = "h2o", .layers = 3}).method().prefill(), F::score_blocks).empty());
}

// What is computed of a prompt is there for the next one only once it is written to DRAM.
TEST(KnownGap, PrefixCachesWriteNothingBack) {
  const TaskGraph prompt = DesignPoint({.method = "prefix_cache", .layers = 3}).method().prefill();
  EXPECT_DOUBLE_EQ(copied(prompt, Direction::d2h), 8.0) << "the sampled token";
}

}  // namespace
}  // namespace outrider
