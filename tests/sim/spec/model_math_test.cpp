// Parameter counts against published ones, and every formula against algebra by hand.
#include "sim/spec/model_math.h"

#include <gtest/gtest.h>

#include <cmath>
#include <ostream>
#include <string>
#include <vector>

#include "sim/io/hf_config.h"

namespace outrider {
namespace {

ModelSpec model_of(const std::string& folder, const std::string& name) {
  ConfigErrors errors;
  const auto model = read_hf_config(std::string(OUTRIDER_SOURCE_DIR) + "/" + folder + "/" + name + ".json", errors);
  EXPECT_TRUE(model.has_value()) << name;
  return model.value_or(ModelSpec{});
}
ModelSpec ours(const std::string& name) { return model_of("scenarios/models", name); }
ModelSpec published(const std::string& name) { return model_of("tests/data/models", name); }

const Linear& named(const std::vector<Linear>& products, const std::string& name) {
  for (const Linear& product : products) {
    if (product.name == name) return product;
  }
  ADD_FAILURE() << "no product named " << name;
  return products.front();
}

// published counts

// Billions of parameters, input embedding and LM head included in both columns, multi-token prediction left out.
// (gpt-oss is published as 20.9 / 3.6 and 116.8 / 5.1: there `active` leaves out the input embedding.)
struct PublishedCount {
  const char* model;
  double total;
  double active;
};
void PrintTo(const PublishedCount& count, std::ostream* out) { *out << count.model; }

class PublishedCounts : public testing::TestWithParam<PublishedCount> {};

TEST_P(PublishedCounts, AgreeToTheirLastDigit) {
  const ParameterCount count = count_parameters(ours(GetParam().model));
  EXPECT_NEAR(count.total * 1e-9, GetParam().total, 0.00051);
  EXPECT_NEAR(count.active * 1e-9, GetParam().active, 0.00051);
}

INSTANTIATE_TEST_SUITE_P(
    Models, PublishedCounts,
    testing::Values(PublishedCount{"llama-3.1-8b", 8.030, 8.030}, PublishedCount{"llama-3.1-70b", 70.554, 70.554},
                    PublishedCount{"qwen3-8b", 8.191, 8.191}, PublishedCount{"qwen3-14b", 14.768, 14.768},
                    PublishedCount{"qwen3-32b", 32.762, 32.762}, PublishedCount{"qwen2.5-7b", 7.616, 7.616},
                    PublishedCount{"qwen3-30b-a3b", 30.532, 3.353}, PublishedCount{"qwen3-235b-a22b", 235.094, 22.191},
                    PublishedCount{"mixtral-8x7b", 46.703, 12.880}, PublishedCount{"gpt-oss-20b", 20.915, 4.187},
                    PublishedCount{"gpt-oss-120b", 116.829, 5.712}, PublishedCount{"deepseek-v3", 671.026, 37.552}));

// Exact element counts of the checkpoints' tensors.
TEST(ParameterCounts, AreExactWhereTheCheckpointsAreKnownToTheElement) {
  EXPECT_EQ(count_parameters(ours("llama-3.1-8b")).total, 8030261248.0);
  EXPECT_EQ(count_parameters(ours("llama-2-7b")).total, 6738415616.0);
  EXPECT_EQ(count_parameters(ours("qwen2.5-7b")).total, 7615616512.0);
  EXPECT_EQ(count_parameters(ours("mixtral-8x7b")).total, 46702792704.0);
  EXPECT_EQ(count_parameters(ours("gpt-oss-20b")).total, 20914757184.0);
}

// Per layer, by tensor of the checkpoint, h = 2816, dense FFN 2112, 128 experts of 704:
//   dense 3·2112·h, router 128·h + h + 128, experts 128·3·704·h, 7 norms of h.
//   sliding (25 layers): q 16·256·h, k and v 8·256·h each, o h·16·256, two norms of 256.
//   full (5 layers): q 16·512·h, k 2·512·h, no v, o h·16·512, two norms of 512.
TEST(ParameterCounts, GemmaSharesKeysWithValuesInFullLayersAndHasExpertsBesideADenseFfn) {
  const double h = 2816;
  const double both = 3 * 2112 * h + 128 * h + h + 128 + 128.0 * 3 * 704 * h + 7 * h;
  const double sliding = 2 * 4096 * h + 2 * 2048 * h + 2 * 256;
  const double full = 2 * 8192 * h + 1024 * h + 2 * 512;
  const double expected = 30 * both + 25 * sliding + 5 * full + 262144 * h + h;
  EXPECT_EQ(count_parameters(ours("gemma-4-26b-a4b")).total, expected);
}

// Per layer, h = 5120: two norms, FFN 3·17408·h.
//   full (16): q with gate 2·24·256·h, k and v 4·256·h each, o h·24·256, two norms of 256.
//   linear (48): q and k 16·128·h each, v and z 48·128·h each, b and a 48·h each, o 48·128·h,
//   convolution 4·(2·2048 + 6144), A and dt 48 each, norm 128.
TEST(ParameterCounts, HybridLayersCountTheGatedDeltaRule) {
  const double h = 5120;
  const double both = 2 * h + 3 * 17408 * h;
  const double full = 2 * 6144 * h + 2 * 1024 * h + 6144 * h + 2 * 256;
  const double linear = 2 * 2048 * h + 2 * 6144 * h + 2 * 48 * h + 6144 * h + 4 * 10240 + 2 * 48 + 128;
  EXPECT_EQ(count_parameters(ours("qwen3.5-27b")).total, 64 * both + 16 * full + 48 * linear + 2 * 248320 * h + h);
}

// V3.2 = V3 + 61 indexers: wq_b 64·128·1536, wk 128·7168, weights_proj 64·7168, LayerNorm weight and bias 2·128.
TEST(ParameterCounts, AnIndexerAddsItsProjectionsAndItsNorm) {
  const double indexer = 64.0 * 128 * 1536 + 128 * 7168 + 64 * 7168 + 2 * 128;
  EXPECT_EQ(count_parameters(published("deepseek-v3.2")).total - count_parameters(published("deepseek-v3")).total,
            61 * indexer);
}

// KV bytes

TEST(KvBytes, PerTokenAreTheKnownFigures) {
  EXPECT_EQ(kv_bytes_per_token(ours("deepseek-v3")), Bytes(70272));  // 61 layers · (512 + 64) · 2
  EXPECT_EQ(kv_bytes_per_token(ours("qwen3-14b")), Bytes(163840));   // 40 · 2 · 8 · 128 · 2
  EXPECT_EQ(kv_bytes_per_token(ours("llama-2-7b")), Bytes(524288));  // 32 · 2 · 32 · 128 · 2
  EXPECT_EQ(kv_bytes_per_token(ours("qwen3.5-27b")), Bytes(65536));  // 16 of 64 layers · 2 · 4 · 256 · 2
  // 61 · (576 · 2 + 128 · 1): the indexer's key in FP8 beside the latent.
  EXPECT_EQ(kv_bytes_per_token(published("deepseek-v3.2")), Bytes(61 * 1280));
  // 78 · 576 · 2 + 21 full indexers · 128: layers 0–2, then one of four of the other 75 (3 is shared, 6 the first).
  EXPECT_EQ(kv_bytes_per_token(published("glm-5.2")), Bytes(78 * 1152 + 21 * 128));
}

TEST(KvBytes, KeysThatAreValuesAreCachedOnce) {
  const ModelSpec gemma = ours("gemma-4-26b-a4b");
  EXPECT_EQ(kv_bytes_per_token(gemma, gemma.layers[0]), Bytes(2 * 8 * 256 * 2));
  EXPECT_EQ(kv_bytes_per_token(gemma, gemma.layers[5]), Bytes(1 * 2 * 512 * 2));
}

TEST(KvBytes, AWindowCapsASequenceExactlyAtItsLength) {
  const ModelSpec model = ours("gpt-oss-20b");
  const LayerSpec& windowed = model.layers[0];
  const LayerSpec& full = model.layers[1];
  const Bytes token(2 * 8 * 64 * 2);
  EXPECT_EQ(kv_bytes_per_sequence(model, windowed, 127), 127 * token);
  EXPECT_EQ(kv_bytes_per_sequence(model, windowed, 128), 128 * token);
  EXPECT_EQ(kv_bytes_per_sequence(model, windowed, 129), 128 * token);
  EXPECT_EQ(kv_bytes_per_sequence(model, full, 129), 129 * token);
}

// State 48 heads · 128 · 128 · 4 bytes; convolution: the last 3 inputs of 2·16·128 + 48·128 channels, 2 bytes each.
TEST(KvBytes, LinearAttentionHoldsTheSameStateAtAnyContext) {
  const ModelSpec model = ours("qwen3.5-27b");
  const Bytes state(48.0 * 128 * 128 * 4 + 3 * 10240 * 2);
  EXPECT_EQ(kv_bytes_per_sequence(model, model.layers[0], 1), state);
  EXPECT_EQ(kv_bytes_per_sequence(model, model.layers[0], 100000), state);
  EXPECT_EQ(kv_bytes_per_token(model, model.layers[0]), Bytes(0));
}

// products

TEST(Products, GroupedAttentionFusesQueriesKeysAndValues) {
  const ModelSpec model = ours("qwen3-14b");
  const auto inputs = attention_inputs(model, model.layers[0], 40);
  ASSERT_EQ(inputs.size(), 1U);
  EXPECT_STREQ(inputs[0].name, "qkv");
  EXPECT_EQ(inputs[0].n, (40 + 2 * 8) * 128);
  EXPECT_EQ(inputs[0].k, 5120);
  EXPECT_EQ(inputs[0].rows, 40);
  EXPECT_EQ(inputs[0].flops(), Flops(2.0 * 40 * 7168 * 5120));
  EXPECT_EQ(inputs[0].weight_bytes(), Bytes(7168.0 * 5120 * 2));
  const auto outputs = attention_outputs(model, model.layers[0], 40);
  ASSERT_EQ(outputs.size(), 1U);
  EXPECT_EQ(outputs[0].n, 5120);
  EXPECT_EQ(outputs[0].k, 40 * 128);
}

TEST(Products, DenseFfnFusesGateAndUp) {
  const ModelSpec model = ours("qwen3-14b");
  const auto products = ffn(model, model.layers[0], 3);
  ASSERT_EQ(products.size(), 2U);
  EXPECT_STREQ(products[0].name, "gate_up");
  EXPECT_EQ(products[0].n, 2 * 17408);
  EXPECT_EQ(products[0].k, 5120);
  EXPECT_STREQ(products[1].name, "down");
  EXPECT_EQ(products[1].n, 5120);
  EXPECT_EQ(products[1].k, 17408);
}

TEST(Products, AnUngatedFfnHasNoGate) {
  ModelSpec model = ours("qwen3-14b");
  model.layers[0].ffn.gated = false;
  EXPECT_EQ(ffn(model, model.layers[0], 1)[0].n, 17408);
}

// The absorbed form holds kv_b_proj's 512 · 128 · (128 + 128) weights once, split over two products.
TEST(Products, AbsorbedMlaHasEveryWeightOfTheUpProjectionOnce) {
  const ModelSpec model = ours("deepseek-v3");
  const auto inputs = attention_inputs(model, model.layers[0], 4);
  const auto outputs = attention_outputs(model, model.layers[0], 4);
  EXPECT_EQ(named(inputs, "q_a_kv_a").n, 1536 + 512 + 64);
  EXPECT_EQ(named(inputs, "q_b").n, 128 * 192);
  EXPECT_EQ(named(inputs, "q_b").k, 1536);
  const Linear& absorb = named(inputs, "q_absorb");
  EXPECT_EQ(absorb.instances, 128);
  EXPECT_EQ(absorb.weights() + named(outputs, "v_absorb").weights(), 512.0 * 128 * (128 + 128));
  EXPECT_EQ(absorb.flops(), Flops(2.0 * 4 * 128 * 128 * 512));
  EXPECT_EQ(named(outputs, "out").k, 128 * 128);
}

TEST(Products, WithoutAQueryRankQueriesAreProjectedDirectly) {
  const ModelSpec model = published("deepseek-v2-lite");
  const auto inputs = attention_inputs(model, model.layers[0], 1);
  ASSERT_EQ(inputs.size(), 2U);
  EXPECT_EQ(named(inputs, "q_kv_a").n, 16 * 192 + 512 + 64);
  EXPECT_EQ(named(inputs, "q_kv_a").k, 2048);
}

TEST(Products, OnlyLayersWithAnIndexerHaveItsProjections) {
  const ModelSpec model = published("glm-5.2");
  EXPECT_EQ(attention_inputs(model, model.layers[0], 1).size(), 6U);
  EXPECT_EQ(attention_inputs(model, model.layers[3], 1).size(), 3U);  // shared
  EXPECT_EQ(model.layers[3].attention.indexer.top_k, 2048);
}

TEST(Products, AnOutputGateDoublesTheQueryProjectionButNotThePredictedQuery) {
  const ModelSpec model = ours("qwen3.5-27b");
  EXPECT_EQ(attention_inputs(model, model.layers[3], 1)[0].n, (2 * 24 + 2 * 4) * 256);
  EXPECT_EQ(query_projection(model, model.layers[3], 1).n, 24 * 256);
  const AttentionSpec& attention = model.layers[3].attention;
  EXPECT_EQ(kv_projection(model, model.layers[3], 1).n,
            attention.kv_heads * (attention.head_dim + attention.v_head_dim));
  EXPECT_EQ(kv_projection(model, model.layers[3], 1).k, model.hidden);
}

TEST(Products, LinearAttentionProjectsKeysValuesAndGatesAtOnce) {
  const ModelSpec model = ours("qwen3.5-27b");
  const auto inputs = attention_inputs(model, model.layers[0], 1);
  ASSERT_EQ(inputs.size(), 1U);
  EXPECT_EQ(inputs[0].n, 2 * 2048 + 2 * 6144 + 2 * 48);
  EXPECT_EQ(attention_outputs(model, model.layers[0], 1)[0].k, 6144);
}

TEST(Products, TheLmHeadHasTheVocabularysWidth) {
  const Linear head = lm_head(ours("qwen3-14b"), 7);
  EXPECT_EQ(head.n, 151936);
  EXPECT_EQ(head.k, 5120);
  EXPECT_EQ(head.rows, 7);
}

TEST(ProductsDeathTest, NeverAskForAPredictedQueryOfALatentLayer) {
  const ModelSpec model = ours("deepseek-v3");
  EXPECT_DEATH(query_projection(model, model.layers[0], 1), "gqa");
  EXPECT_DEATH(kv_projection(model, model.layers[0], 1), "gqa");
}

// experts

// E = 8, k = 2: one token visits 2; two tokens 8·(1 − 0.75²) = 3.5; with 16 rows in all for 8 tokens.
TEST(Experts, DistinctActiveExpertsFollowIndependentUniformRouting) {
  EXPECT_DOUBLE_EQ(expected_active_experts(8, 2, 0), 0.0);
  EXPECT_DOUBLE_EQ(expected_active_experts(8, 2, 1), 2.0);
  EXPECT_DOUBLE_EQ(expected_active_experts(8, 2, 2), 3.5);
  EXPECT_DOUBLE_EQ(expected_active_experts(8, 8, 1), 8.0);
  EXPECT_DOUBLE_EQ(expected_active_experts(8, 2, 1e6), 8.0);
}

TEST(Experts, RowsAreSharedOutOverTheActiveOnes) {
  const ModelSpec model = ours("mixtral-8x7b");
  const auto products = ffn(model, model.layers[0], 2);
  EXPECT_STREQ(products[0].name, "router");
  EXPECT_EQ(products[0].n, 8);
  const Linear& up = named(products, "experts_gate_up");
  EXPECT_DOUBLE_EQ(up.instances, 3.5);
  EXPECT_DOUBLE_EQ(up.rows, 2 * 2 / 3.5);
  EXPECT_EQ(up.n, 2 * 14336);
  // FLOPs do not depend on which experts are hit: tokens · k · 2 · n · k.
  EXPECT_DOUBLE_EQ(up.flops().value(), 2.0 * 2 * 2 * 28672 * 4096);
}

TEST(Experts, AnEmptyBatchReadsNoExpert) {
  const ModelSpec model = ours("mixtral-8x7b");
  const auto products = ffn(model, model.layers[0], 0);
  EXPECT_EQ(named(products, "experts_down").weight_bytes(), Bytes(0));
  EXPECT_EQ(named(products, "experts_down").flops(), Flops(0));
}

TEST(Experts, SharedExpertsAreDenseAndAlwaysOn) {
  const ModelSpec model = ours("deepseek-v3");
  EXPECT_EQ(ffn(model, model.layers[2], 1).size(), 2U);  // the first three layers are dense
  const auto products = ffn(model, model.layers[3], 1);
  EXPECT_EQ(named(products, "shared_gate_up").n, 2 * 2048);
  EXPECT_EQ(named(products, "shared_gate_up").instances, 1);
}

TEST(Experts, StandBesideTheDenseFfnInGemma) {
  const ModelSpec model = ours("gemma-4-26b-a4b");
  const auto products = ffn(model, model.layers[0], 1);
  ASSERT_EQ(products.size(), 5U);
  EXPECT_EQ(named(products, "gate_up").n, 2 * 2112);
  EXPECT_EQ(named(products, "experts_down").k, 704);
}

// bytes

// MXFP4: 4 bits and an 8-bit exponent per 32 weights, 4.25 bits. The published checkpoints have 12.8 and 60.8 GiB
// (gpt-oss model card, arXiv 2508.10925, table 1).
TEST(WeightBytes, CountTheScalesOfQuantisedExperts) {
  const ModelSpec model = ours("gpt-oss-20b");
  const Linear up = named(ffn(model, model.layers[0], 1e9), "experts_gate_up");
  EXPECT_DOUBLE_EQ(up.weight_bytes().value(), 32.0 * 5760 * 2880 * 4.25 / 8);
  EXPECT_NEAR(weight_bytes(model) / Bytes(1 << 30), 12.8, 0.05);
  EXPECT_NEAR(weight_bytes(ours("gpt-oss-120b")) / Bytes(1 << 30), 60.8, 0.05);
}

TEST(WeightBytes, OfAPlainBfloat16ModelAreTwicePerParameter) {
  const ModelSpec model = ours("qwen3-14b");
  EXPECT_EQ(weight_bytes(model).value(), 2.0 * count_parameters(model).total);
}

TEST(WeightBytes, OfTiedEmbeddingsCountOnce) {
  EXPECT_EQ(embedding_bytes(ours("gemma-4-26b-a4b")), Bytes(262144.0 * 2816 * 2));
  EXPECT_EQ(embedding_bytes(ours("qwen3-14b")), Bytes(2 * 151936.0 * 5120 * 2));
}

TEST(WeightBytes, LeaveEmbeddingsAndRoutersUnquantised) {
  const ModelSpec model = ours("deepseek-v3");
  EXPECT_EQ(embedding_bytes(model), Bytes(2 * 129280.0 * 7168 * 2));
  EXPECT_EQ(named(ffn(model, model.layers[3], 1), "router").type, DataType::bf16);
  EXPECT_EQ(named(ffn(model, model.layers[3], 1), "experts_down").type, DataType::fp8);
  EXPECT_EQ(lm_head(model, 1).type, DataType::bf16);
}

// FLOPs of attention

TEST(AttentionFlops, OfGroupedHeadsAreTwoProductsPerToken) {
  const ModelSpec model = ours("qwen3-14b");
  EXPECT_EQ(attention_flops(model.layers[0], 1000), Flops(2.0 * 40 * 1000 * (128 + 128)));
}

TEST(AttentionFlops, OfMlaRunOverTheLatent) {
  const ModelSpec model = ours("deepseek-v3");
  EXPECT_EQ(attention_flops(model.layers[0], 10), Flops(2.0 * 128 * 10 * (512 + 64 + 512)));
}

TEST(AttentionFlops, OfLinearAttentionDoNotGrowWithTheContext) {
  const ModelSpec model = ours("qwen3.5-27b");
  EXPECT_EQ(attention_flops(model.layers[0], 10), Flops(7.0 * 48 * 128 * 128));
  EXPECT_EQ(attention_flops(model.layers[0], 1e6), attention_flops(model.layers[0], 10));
}

TEST(AttentionFlops, OfAnIndexerCoverEveryCachedToken) {
  const ModelSpec model = published("glm-5.2");
  EXPECT_EQ(indexer_flops(model.layers[0], 5000), Flops(2.0 * 32 * 128 * 5000));
  EXPECT_EQ(indexer_flops(model.layers[3], 5000), Flops(0));
}

TEST(AttendedTokens, AreCappedByWindowsAndIndexers) {
  const ModelSpec windowed = ours("gpt-oss-20b");
  EXPECT_EQ(attended_tokens(windowed.layers[0], 100), 100);
  EXPECT_EQ(attended_tokens(windowed.layers[0], 129), 128);
  EXPECT_EQ(attended_tokens(windowed.layers[1], 129), 129);
  const ModelSpec sparse = published("glm-5.2");
  EXPECT_EQ(attended_tokens(sparse.layers[0], 2049), 2048);
  EXPECT_EQ(attended_tokens(sparse.layers[3], 2049), 2048);  // a shared choice caps it too
  EXPECT_EQ(attended_tokens(ours("qwen3.5-27b").layers[0], 2049), 0);
}

TEST(GrowingKv, IsThatOfGroupedLayersWithoutAWindow) {
  EXPECT_TRUE(has_growing_kv(ours("qwen3-14b").layers[0]));
  EXPECT_FALSE(has_growing_kv(ours("gpt-oss-20b").layers[0]));
  EXPECT_TRUE(has_growing_kv(ours("gpt-oss-20b").layers[1]));
  EXPECT_FALSE(has_growing_kv(ours("deepseek-v3").layers[0]));
  EXPECT_FALSE(has_growing_kv(ours("qwen3.5-27b").layers[0]));
}

}  // namespace
}  // namespace outrider
