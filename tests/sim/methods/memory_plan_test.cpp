// What each method keeps where, from figures of the models' configurations worked out by hand.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/support/design_points.h"

namespace outrider {
namespace {

using Tier = MemoryUse::Tier;

// One row of a plan; a row that is not there fails.
MemoryUse row(const std::vector<MemoryUse>& plan, const std::string& what) {
  const auto found = std::find_if(plan.begin(), plan.end(), [&](const MemoryUse& use) { return use.what == what; });
  EXPECT_NE(found, plan.end()) << "no row '" << what << "'";
  return found == plan.end() ? MemoryUse{} : *found;
}

bool has_row(const std::vector<MemoryUse>& plan, const std::string& what) {
  return std::any_of(plan.begin(), plan.end(), [&](const MemoryUse& use) { return use.what == what; });
}

double each(const std::vector<MemoryUse>& plan, Tier tier) {
  double sum = 0.0;
  for (const MemoryUse& use : plan) sum += use.tier == tier ? use.per_sequence.value() : 0.0;
  return sum;
}

std::vector<MemoryUse> plan_of(const PointSpec& spec) { return DesignPoint(spec).method().memory(); }

// Every plan below is for 8192 cached tokens and 4 steps, that is 8196 tokens at the last step, 256 blocks of 32, and a
// budget of 2048 tokens.
constexpr double kTokens = 8196.0, kBlocks = 256.0, kBudget = 2048.0;

// Qwen3-14B: 40 layers of h 5120, 40 query and 8 KV heads of 128, I 17408, V 151936, bf16, K and Q norms of 128.
//   layer      (40 + 2·8)·128·5120 + 40·128·5120 + 3·17408·5120 + 2·5120 + 2·128 =   330 311 936
//   model      40 layers + 2·151936·5120 + 5120                                  = 14 768 307 200 weights
//   KV         2·8·128·2 B = 4096 B per token and layer; digests as much per block
constexpr double kDenseWeights = 2.0 * 14'768'307'200.0;
constexpr double kDenseKv = 40.0 * 4096.0;

// Qwen3-30B-A3B: 48 layers of h 2048, 32 query and 4 KV heads of 128, 128 experts of 768, V 151936, bf16.
//   layer      (32 + 2·4)·128·2048 + 32·128·2048 + 128·2048 + 128·3·768·2048 + 2·2048 + 2·128 = 623 120 640
//   model      48 layers + 2·151936·2048 + 2048                                          = 30 532 122 624 weights
//   KV         2·4·128·2 B = 2048 B per token and layer
constexpr double kMoeWeights = 2.0 * 30'532'122'624.0;
constexpr double kMoeKv = 48.0 * 2048.0;

// DeepSeek-V3: 61 layers of h 7168, 128 heads, latents 1536 and 512 + 64, heads 128 + 64 and 128, 3 dense layers of
// 18432, else 256 + 1 experts of 2048, V 129280. FP8 with one fp32 scale per 128 × 128 weights, that is 1/4096 B each.
//   attention  (1536 + 576)·7168 + 1536·128·192 + 2·128·128·512 + 128·128·7168            = 187 105 280 in FP8
//   FFN        3·18432·7168 = 396 361 728, or 257·3·2048·7168 = 11 318 329 344             in FP8
//   rest       per layer 2·7168 + 1536 + 512, per expert layer 256·7168 + 256, 2·129280·7168 + 7168 in bf16
//   KV         (512 + 64)·2 B = 1152 B per token and layer
constexpr double kLatentQuantized = 61.0 * 187'105'280.0 + 3.0 * 396'361'728.0 + 58.0 * 11'318'329'344.0;
constexpr double kLatentRest = 61.0 * 16'384.0 + 58.0 * 1'835'264.0 + 2.0 * 129'280.0 * 7168.0 + 7168.0;
constexpr double kLatentWeights = kLatentQuantized * (1.0 + 1.0 / 4096.0) + 2.0 * kLatentRest;
constexpr double kLatentKv = 61.0 * 1152.0;

struct Case {
  const char* model;
  double weights, kv;
};
constexpr Case kDense{"qwen3-14b", kDenseWeights, kDenseKv};
constexpr Case kMoe{"qwen3-30b-a3b", kMoeWeights, kMoeKv};
constexpr Case kLatent{"deepseek-v3", kLatentWeights, kLatentKv};

PointSpec spec_of(const char* method, const Case& model) { return {.method = method, .model = model.model}; }

TEST(MemoryPlan, EveryMethodHoldsAllWeightsAndItsReservesOnce) {
  // Reserves: a tenth of 80 GB of HBM and of 512 GB of DRAM, whatever the batch.
  for (const MethodEntry& entry : decode_methods()) {
    for (const Case& model : {kDense, kMoe, kLatent}) {
      SCOPED_TRACE(entry.info.name + " on " + model.model);
      const auto plan = plan_of(spec_of(entry.info.name.c_str(), model));
      EXPECT_DOUBLE_EQ(row(plan, "weights").fixed.value(), model.weights);
      EXPECT_EQ(row(plan, "weights").tier, Tier::hbm);
      EXPECT_DOUBLE_EQ(row(plan, "activations and runtime").fixed.value(), 0.1 * 80e9);
      EXPECT_EQ(row(plan, "activations and runtime").tier, Tier::hbm);
      EXPECT_DOUBLE_EQ(row(plan, "system").fixed.value(), 0.1 * 512e9);
      EXPECT_EQ(row(plan, "system").tier, Tier::dram);
      double fixed = 0.0;
      for (const MemoryUse& use : plan) fixed += use.fixed.value();
      EXPECT_DOUBLE_EQ(fixed, model.weights + 0.1 * (80e9 + 512e9));
    }
  }
}

TEST(MemoryPlan, FullKvHoldsEveryTokenInHbm) {
  for (const Case& model : {kDense, kMoe, kLatent}) {
    const auto plan = plan_of(spec_of("full_kv", model));
    EXPECT_DOUBLE_EQ(each(plan, Tier::hbm), model.kv * kTokens) << model.model;
    EXPECT_DOUBLE_EQ(each(plan, Tier::dram) + each(plan, Tier::pinned), 0.0) << model.model;
  }
}

TEST(MemoryPlan, FlexGenHoldsTwoLayersInHbmAndEveryTokenInDram) {
  // Two of 40 layers, two of 48.
  for (const auto& [model, layers] : {std::pair{kDense, 40.0}, {kMoe, 48.0}}) {
    const auto plan = plan_of(spec_of("flexgen", model));
    EXPECT_DOUBLE_EQ(each(plan, Tier::hbm), 2.0 * model.kv / layers * kTokens) << model.model;
    EXPECT_DOUBLE_EQ(each(plan, Tier::pinned), model.kv * kTokens) << model.model;
  }
  PointSpec on_cpu = spec_of("flexgen", kDense);
  on_cpu.preset = "cpu";
  EXPECT_DOUBLE_EQ(each(plan_of(on_cpu), Tier::hbm), 0.0) << "attention on the CPU needs no buffer";
  EXPECT_DOUBLE_EQ(each(plan_of(on_cpu), Tier::dram), kDense.kv * kTokens);
  PointSpec pageable = spec_of("flexgen", kDense);
  pageable.set = {{"host_memory", std::string("pageable")}};
  EXPECT_DOUBLE_EQ(each(plan_of(pageable), Tier::dram), kDense.kv * kTokens);
}

TEST(MemoryPlan, ScoutHoldsBudgetAndDigestsInHbmAndEveryTokenInDram) {
  // Digests: minimum and maximum of K, 2·Hk·d·s per block and layer, which is the KV of one token.
  for (const Case& model : {kDense, kMoe}) {
    const auto plan = plan_of(spec_of("scout", model));
    EXPECT_DOUBLE_EQ(row(plan, "block digests").per_sequence.value(), model.kv * kBlocks) << model.model;
    EXPECT_DOUBLE_EQ(row(plan, "resident blocks").per_sequence.value(), model.kv * kBudget) << model.model;
    EXPECT_DOUBLE_EQ(each(plan, Tier::pinned), model.kv * kTokens) << model.model;
  }
}

TEST(MemoryPlan, LargerBlocksShrinkTheDigests) {
  // 64 tokens to a block: 128 blocks.
  PointSpec spec = spec_of("scout", kDense);
  spec.set = {{"block_tokens", std::int64_t{64}}};
  EXPECT_DOUBLE_EQ(row(plan_of(spec), "block digests").per_sequence.value(), kDense.kv * 128.0);
}

TEST(MemoryPlan, InfiniGenHoldsAnIndexInHbmAndEveryTokenInDram) {
  const auto digests = plan_of(spec_of("infinigen", kDense));
  EXPECT_DOUBLE_EQ(row(digests, "block digests").per_sequence.value(), kDense.kv * kBlocks);
  EXPECT_DOUBLE_EQ(row(digests, "resident blocks").per_sequence.value(), kDense.kv * kBudget);
  EXPECT_DOUBLE_EQ(each(digests, Tier::pinned), kDense.kv * kTokens);
  // Paper: 0.3 of the channels of K, which is half of the KV; two layers' buffers of a tenth of the tokens.
  PointSpec paper = spec_of("infinigen", kDense);
  paper.preset = "paper";
  const auto keys = plan_of(paper);
  EXPECT_DOUBLE_EQ(row(keys, "partial keys").per_sequence.value(), 0.3 * kDense.kv / 2.0 * kTokens);
  EXPECT_NEAR(row(keys, "prefetch buffers").per_sequence.value(), 2.0 * kDense.kv / 40.0 * 0.1 * kTokens, 1.0);
  EXPECT_DOUBLE_EQ(each(keys, Tier::dram), kDense.kv * kTokens);
}

TEST(MemoryPlan, HgcaHoldsItsWindowInHbmAndEveryTokenInDram) {
  // A quarter of the budget of 2048, a quarter of the context of 8192, or 40 sinks and 1024 recent tokens.
  PointSpec spec = spec_of("hgca", kDense);
  EXPECT_DOUBLE_EQ(each(plan_of(spec), Tier::hbm), kDense.kv * 512.0);
  EXPECT_DOUBLE_EQ(each(plan_of(spec), Tier::dram), kDense.kv * kTokens);
  spec.set = {{"window_of", std::string("context")}};
  EXPECT_DOUBLE_EQ(each(plan_of(spec), Tier::hbm), kDense.kv * 2048.0);
  spec.set = {{"window_of", std::string("tokens")}};
  EXPECT_DOUBLE_EQ(each(plan_of(spec), Tier::hbm), kDense.kv * 1064.0);
  spec.context = 512;  // the window is no larger than the context
  EXPECT_DOUBLE_EQ(each(plan_of(spec), Tier::hbm), kDense.kv * 512.0);
}

TEST(MemoryPlan, LatentCachesStayOnTheGpuUnderEveryMethod) {
  // MLA's latents are not paged: 61·1152 B per token in HBM, nothing per sequence in DRAM.
  for (const MethodEntry& entry : decode_methods()) {
    const auto plan = plan_of(spec_of(entry.info.name.c_str(), kLatent));
    EXPECT_DOUBLE_EQ(each(plan, Tier::hbm), kLatentKv * kTokens) << entry.info.name;
    if (entry.info.name == "prefix_cache") continue;  // keeps copies of what prompts have in common
    EXPECT_DOUBLE_EQ(each(plan, Tier::dram) + each(plan, Tier::pinned), 0.0) << entry.info.name;
  }
}

TEST(MemoryPlan, WindowLayersStayOnTheGpuAndOnlyTheOthersAreOffloaded) {
  // gpt-oss-20b: 24 layers, every other one with a window of 128; 2·8·64·2 B = 2048 B per token and layer.
  PointSpec spec{.method = "flexgen", .model = "gpt-oss-20b"};
  const auto plan = plan_of(spec);
  EXPECT_DOUBLE_EQ(each(plan, Tier::pinned), 12.0 * 2048.0 * kTokens);
  EXPECT_DOUBLE_EQ(row(plan, "caches of window, latent and linear layers").per_sequence.value(), 12.0 * 2048.0 * 128.0);
  EXPECT_DOUBLE_EQ(row(plan, "KV double buffer").per_sequence.value(), 2.0 * 2048.0 * kTokens);
  EXPECT_FALSE(has_row(plan_of(spec_of("flexgen", kDense)), "caches of window, latent and linear layers"));
}

TEST(MemoryPlan, ReservesFollowTheFractions) {
  PointSpec spec = spec_of("full_kv", kDense);
  spec.set = {{"hbm_fraction", 0.75}, {"dram_fraction", 0.5}};
  const auto plan = plan_of(spec);
  EXPECT_DOUBLE_EQ(row(plan, "activations and runtime").fixed.value(), 0.25 * 80e9);
  EXPECT_DOUBLE_EQ(row(plan, "system").fixed.value(), 0.5 * 512e9);
}

TEST(MemoryPlan, ABudgetAboveTheContextBuysTheContext) {
  // 1024 tokens are 32 blocks: all of them are selected, 1024 tokens are resident.
  PointSpec spec = spec_of("scout", kDense);
  spec.context = 1024;
  DesignPoint point(spec);
  EXPECT_EQ(point.method().selection_need().blocks, 32);
  EXPECT_EQ(point.method().selection_need().selected, 32);
  EXPECT_DOUBLE_EQ(row(point.method().memory(), "resident blocks").per_sequence.value(), kDense.kv * 1024.0);
}

}  // namespace
}  // namespace outrider
