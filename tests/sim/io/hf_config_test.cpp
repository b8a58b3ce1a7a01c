// Publishers' config.json files give the architectures they describe, and ours in scenarios/models give the same.
#include "sim/io/hf_config.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "sim/io/hf_architecture.h"

namespace outrider {
namespace {

const std::string kPublished = std::string(OUTRIDER_SOURCE_DIR) + "/tests/data/models/";
const std::string kOurs = std::string(OUTRIDER_SOURCE_DIR) + "/scenarios/models/";

ModelSpec read(const std::string& file) {
  ConfigErrors errors;
  const auto model = read_hf_config(file, errors);
  EXPECT_TRUE(model.has_value()) << file;
  return model.value_or(ModelSpec{});
}
ModelSpec published(const std::string& name) { return read(kPublished + name + ".json"); }

ModelSpec parsed(const std::string& text) {
  ConfigErrors errors;
  const auto model = parse_hf_config(text, "model.json", errors);
  EXPECT_TRUE(model.has_value()) << text;
  return model.value_or(ModelSpec{});
}

// A small dense model with more members in front.
std::string dense(const std::string& type, const std::string& more = "") {
  return "{\"model_type\": \"" + type + "\", " + more + R"("hidden_size": 256, "num_hidden_layers": 8,
    "num_attention_heads": 8, "num_key_value_heads": 2, "intermediate_size": 512, "vocab_size": 1000,
    "max_position_embeddings": 4096, "dtype": "bfloat16"})";
}

// Ours against the publishers.

struct Twin {
  const char* ours;
  const char* published;
};
void PrintTo(const Twin& twin, std::ostream* out) { *out << twin.ours; }

const std::vector<Twin> kTwins = {{"qwen3-8b", "qwen3-8b"},
                                  {"qwen3-14b", "qwen3-14b"},
                                  {"qwen3-32b", "qwen3-32b"},
                                  {"llama-3.1-8b", "meta-llama-3.1-8b"},
                                  {"llama-3.1-70b", "meta-llama-3.1-70b"},
                                  {"mistral-nemo-12b", "mistral-nemo-instruct-2407"},
                                  {"qwen2.5-7b", "qwen2.5-7b-instruct"},
                                  {"mixtral-8x7b", "mixtral-8x7b-v0.1"},
                                  {"qwen3-30b-a3b", "qwen3-30b-a3b"},
                                  {"qwen3-235b-a22b", "qwen3-235b-a22b"},
                                  {"gpt-oss-20b", "gpt-oss-20b"},
                                  {"gpt-oss-120b", "gpt-oss-120b"},
                                  {"deepseek-v3", "deepseek-v3"},
                                  {"gemma-4-26b-a4b", "gemma-4-26b-a4b"},
                                  {"qwen3.5-27b", "qwen3.5-27b"},
                                  {"llama-2-7b", "llama-2-7b-hf"}};

class OurModels : public testing::TestWithParam<Twin> {};

TEST_P(OurModels, EqualThePublishersButForTheirNames) {
  ModelSpec ours = read(kOurs + GetParam().ours + ".json");
  const ModelSpec theirs = published(GetParam().published);
  EXPECT_EQ(ours.name, GetParam().ours);
  EXPECT_NE(ours.source, theirs.source);
  ours.name = theirs.name;
  ours.source = theirs.source;
  EXPECT_TRUE(ours == theirs);
}

INSTANTIATE_TEST_SUITE_P(Models, OurModels, testing::ValuesIn(kTwins));

TEST(OurModels, AreAllComparedWithTheirPublishers) {
  std::set<std::string> compared;
  for (const Twin& twin : kTwins) compared.insert(twin.ours);
  for (const auto& entry : std::filesystem::directory_iterator(kOurs)) {
    EXPECT_EQ(compared.count(entry.path().stem().string()), 1U) << entry.path();
  }
}

// what the publishers' files say

TEST(Published, Qwen3HasGroupedQueriesWithNormedHeads) {
  const ModelSpec model = published("qwen3-14b");
  ASSERT_EQ(model.layers.size(), 40U);
  const AttentionSpec& attention = model.layers[39].attention;
  EXPECT_EQ(attention.kind, AttentionKind::gqa);
  EXPECT_EQ(attention.q_heads, 40);
  EXPECT_EQ(attention.kv_heads, 8);
  EXPECT_EQ(attention.head_dim, 128);
  EXPECT_TRUE(attention.qk_norm);
  EXPECT_FALSE(attention.bias);
  EXPECT_EQ(attention.window, 0);
  EXPECT_EQ(model.hidden, 5120);
  EXPECT_EQ(model.vocab, 151936);
  EXPECT_EQ(model.max_context, 40960);
  EXPECT_FALSE(model.tied_embeddings);
  EXPECT_EQ(model.layers[0].ffn.intermediate, 17408);
  EXPECT_EQ(model.architecture, "qwen3");
}

TEST(Published, Llama2HasMultiHeadAttentionInFloat16) {
  const ModelSpec model = published("llama-2-7b-hf");
  EXPECT_EQ(model.layers[0].attention.kv_heads, model.layers[0].attention.q_heads);
  EXPECT_EQ(model.layers[0].attention.head_dim, 128);  // 4096 / 32
  EXPECT_EQ(model.weight_type, DataType::fp16);
  EXPECT_EQ(model.kv_type, DataType::fp16);
}

TEST(Published, MistralNemosHeadsAreNarrowerThanItsHiddenWidth) {
  const ModelSpec model = published("mistral-nemo-instruct-2407");
  EXPECT_EQ(model.layers[0].attention.head_dim, 128);  // not 5120 / 32
  EXPECT_EQ(model.layers[0].attention.window, 0);      // null
}

TEST(Published, Qwen25HasBiasesOnQueriesKeysAndValuesOnlyAndNoWindow) {
  const AttentionSpec attention = published("qwen2.5-7b-instruct").layers[0].attention;
  EXPECT_TRUE(attention.bias);
  EXPECT_FALSE(attention.output_bias);
  EXPECT_EQ(attention.window, 0);  // use_sliding_window is false
}

TEST(Published, MixtralsExpertsTakeThePlaceOfTheDenseFfn) {
  const FfnSpec ffn = published("mixtral-8x7b-v0.1").layers[31].ffn;
  EXPECT_EQ(ffn.intermediate, 0);
  EXPECT_EQ(ffn.experts, 8);
  EXPECT_EQ(ffn.experts_per_token, 2);
  EXPECT_EQ(ffn.expert_intermediate, 14336);
}

TEST(Published, Qwen3MoeHasExpertsInEveryLayer) {
  for (const LayerSpec& layer : published("qwen3-30b-a3b").layers) {
    EXPECT_EQ(layer.ffn.experts, 128);
    EXPECT_EQ(layer.ffn.expert_intermediate, 768);
    EXPECT_EQ(layer.ffn.intermediate, 0);
  }
}

TEST(Published, GptOssAlternatesWindowsAndQuantisesItsExpertsOnly) {
  const ModelSpec model = published("gpt-oss-20b");
  EXPECT_EQ(model.layers[0].attention.window, 128);
  EXPECT_EQ(model.layers[1].attention.window, 0);
  EXPECT_EQ(model.layers[23].attention.window, 0);
  EXPECT_TRUE(model.layers[0].attention.sinks);
  EXPECT_TRUE(model.layers[0].attention.bias);
  EXPECT_TRUE(model.layers[0].attention.output_bias);
  EXPECT_TRUE(model.layers[0].ffn.bias);
  EXPECT_EQ(model.weight_type, DataType::bf16);
  EXPECT_EQ(model.expert_type, DataType::fp4);
  EXPECT_EQ(model.expert_scale_bits, 0.25);
  EXPECT_EQ(model.kv_type, DataType::bf16);
}

TEST(Published, DeepseekV3IsLatentWithThreeDenseLayersInFp8) {
  const ModelSpec model = published("deepseek-v3");
  const AttentionSpec& attention = model.layers[0].attention;
  EXPECT_EQ(attention.kind, AttentionKind::mla);
  EXPECT_EQ(attention.head_dim, 192);
  EXPECT_EQ(attention.v_head_dim, 128);
  EXPECT_EQ(attention.latent.q_rank, 1536);
  EXPECT_EQ(attention.latent.kv_rank, 512);
  EXPECT_EQ(attention.indexer.heads, 0);
  EXPECT_EQ(model.layers[2].ffn.intermediate, 18432);
  EXPECT_EQ(model.layers[2].ffn.experts, 0);
  EXPECT_EQ(model.layers[3].ffn.intermediate, 0);
  EXPECT_EQ(model.layers[3].ffn.experts, 256);
  EXPECT_EQ(model.layers[3].ffn.shared_intermediate, 2048);
  EXPECT_EQ(model.weight_type, DataType::fp8);
  EXPECT_EQ(model.expert_type, DataType::fp8);
  EXPECT_EQ(model.unquantized_type, DataType::bf16);
  EXPECT_EQ(model.kv_type, DataType::bf16);
  EXPECT_EQ(model.weight_scale_bits, 32.0 / (128 * 128));
}

TEST(Published, DeepseekV2LiteProjectsQueriesDirectlyAndHasTwoSharedExperts) {
  const ModelSpec model = published("deepseek-v2-lite");
  EXPECT_EQ(model.layers[1].attention.latent.q_rank, 0);
  EXPECT_EQ(model.layers[1].ffn.shared_intermediate, 2 * 1408);
  EXPECT_EQ(model.layers[0].ffn.experts, 0);
  EXPECT_EQ(model.layers[1].ffn.router_vectors, 0);  // greedy: no correction bias
}

TEST(Published, DeepseekV32HasAnIndexerInEveryLayer) {
  for (const LayerSpec& layer : published("deepseek-v3.2").layers) {
    EXPECT_EQ(layer.attention.indexer.heads, 64);
    EXPECT_EQ(layer.attention.indexer.head_dim, 128);
    EXPECT_EQ(layer.attention.indexer.top_k, 2048);
  }
}

TEST(Published, Glm52SharesIndexersInGroupsOfFour) {
  const ModelSpec model = published("glm-5.2");
  ASSERT_EQ(model.layers.size(), 78U);
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const bool own = i < 3 || i % 4 == 2;
    EXPECT_EQ(model.layers[i].attention.indexer.heads, own ? 32 : 0) << i;
    EXPECT_EQ(model.layers[i].attention.indexer.top_k, 2048) << i;
    EXPECT_EQ(model.layers[i].ffn.experts, i < 3 ? 0 : 256) << i;
  }
  EXPECT_EQ(model.layers[0].attention.head_dim, 256);  // 192 + 64, not the file's head_dim
}

TEST(Published, Gemma4SlidesFiveOfSixLayersAndSharesKeysWithValuesInTheSixth) {
  const ModelSpec model = published("gemma-4-26b-a4b");
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const AttentionSpec& attention = model.layers[i].attention;
    const bool full = i % 6 == 5;
    EXPECT_EQ(attention.window, full ? 0 : 1024) << i;
    EXPECT_EQ(attention.kv_heads, full ? 2 : 8) << i;
    EXPECT_EQ(attention.head_dim, full ? 512 : 256) << i;
    EXPECT_EQ(attention.keys_are_values, full) << i;
    EXPECT_EQ(model.layers[i].ffn.intermediate, 2112) << i;
    EXPECT_EQ(model.layers[i].ffn.experts, 128) << i;
    EXPECT_EQ(model.layers[i].norms, 7) << i;
  }
  EXPECT_TRUE(model.tied_embeddings);
}

TEST(Published, Qwen35HasFullAttentionInEveryFourthLayerWithAnOutputGate) {
  const ModelSpec model = published("qwen3.5-27b");
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const AttentionSpec& attention = model.layers[i].attention;
    EXPECT_EQ(attention.kind, i % 4 == 3 ? AttentionKind::gqa : AttentionKind::linear) << i;
    EXPECT_EQ(attention.output_gate, i % 4 == 3) << i;
    if (i % 4 == 3) continue;
    EXPECT_EQ(attention.linear.value_heads, 48) << i;
    EXPECT_EQ(attention.linear.state_type, DataType::fp32) << i;
  }
  EXPECT_EQ(model.hidden, 5120);  // text_config's, not vision_config's
  EXPECT_FALSE(model.tied_embeddings);
}

// where a model is found, and what it is called

TEST(Paths, ADirectoryIsReadThroughItsConfigJsonAndNamesTheModel) {
  const std::filesystem::path directory = std::filesystem::path(testing::TempDir()) / "hf_config_test" / "my-model";
  std::filesystem::create_directories(directory);
  std::filesystem::copy_file(kPublished + "qwen3-8b.json", directory / "config.json",
                             std::filesystem::copy_options::overwrite_existing);
  const ModelSpec model = read(directory.string());
  EXPECT_EQ(model.name, "my-model");
  EXPECT_EQ(model.source, (directory / "config.json").string());
  EXPECT_EQ(read((directory / "config.json").string()).name, "my-model");
  EXPECT_EQ(read((directory / "").string()).name, "my-model");
  EXPECT_EQ(published("qwen3-8b").name, "qwen3-8b");
}

// defaults that Transformers documents

TEST(Defaults, LlamaWithoutKvHeadsIsMultiHead) {
  std::string text = dense("llama");
  const std::string kv = R"("num_key_value_heads": 2, )";
  text.replace(text.find(kv), kv.size(), "");
  EXPECT_EQ(parsed(text).layers[0].attention.kv_heads, 8);
}

TEST(Defaults, HeadDimIsTheHiddenWidthOverTheHeadsExceptWhereAClassFixesIt) {
  EXPECT_EQ(parsed(dense("llama")).layers[0].attention.head_dim, 32);
  EXPECT_EQ(parsed(dense("qwen3")).layers[0].attention.head_dim, 128);
  EXPECT_EQ(parsed(dense("llama", R"("head_dim": 64, )")).layers[0].attention.head_dim, 64);
}

TEST(Defaults, MistralSlidesOver4096TokensUnlessTold) {
  EXPECT_EQ(parsed(dense("mistral")).layers[0].attention.window, 4096);
  EXPECT_EQ(parsed(dense("mistral", R"("sliding_window": null, )")).layers[0].attention.window, 0);
  EXPECT_EQ(parsed(dense("mistral", R"("sliding_window": 100, )")).layers[7].attention.window, 100);
}

TEST(Defaults, QwenSlidesFromMaxWindowLayersOn) {
  const ModelSpec model =
      parsed(dense("qwen2", R"("use_sliding_window": true, "sliding_window": 64, "max_window_layers": 5, )"));
  EXPECT_EQ(model.layers[4].attention.window, 0);
  EXPECT_EQ(model.layers[5].attention.window, 64);
}

TEST(Defaults, LayerTypesOverridePatterns) {
  const ModelSpec model = parsed(dense("qwen3", R"("use_sliding_window": true, "sliding_window": 64,
    "layer_types": ["full_attention", "sliding_attention", "full_attention", "full_attention",
                    "full_attention", "full_attention", "full_attention", "full_attention"], )"));
  EXPECT_EQ(model.layers[0].attention.window, 0);
  EXPECT_EQ(model.layers[1].attention.window, 64);
  EXPECT_EQ(model.layers[7].attention.window, 0);
}

TEST(Defaults, AttentionBiasReachesTheOutputExceptInGlm4) {
  const AttentionSpec llama = parsed(dense("llama", R"("attention_bias": true, )")).layers[0].attention;
  EXPECT_TRUE(llama.bias);
  EXPECT_TRUE(llama.output_bias);
  const AttentionSpec glm = parsed(dense("glm4", R"("attention_bias": true, )")).layers[0].attention;
  EXPECT_TRUE(glm.bias);
  EXPECT_FALSE(glm.output_bias);
}

TEST(Defaults, QwenMoeLayersCanBeDenseByStepOrByName) {
  const std::string experts = R"("num_experts": 16, "num_experts_per_tok": 2, "moe_intermediate_size": 64,
    "decoder_sparse_step": 2, "mlp_only_layers": [3], )";
  const ModelSpec model = parsed(dense("qwen3_moe", experts));
  EXPECT_EQ(model.layers[0].ffn.experts, 0);  // (0 + 1) % 2
  EXPECT_EQ(model.layers[1].ffn.experts, 16);
  EXPECT_EQ(model.layers[3].ffn.experts, 0);  // named
  EXPECT_EQ(model.layers[3].ffn.intermediate, 512);
  EXPECT_EQ(model.layers[5].ffn.experts, 16);
}

TEST(Defaults, Qwen2MoeHasAGatedSharedExpert) {
  const FfnSpec ffn = parsed(dense("qwen2_moe", R"("num_experts": 16, "num_experts_per_tok": 2,
    "moe_intermediate_size": 64, "shared_expert_intermediate_size": 96, )"))
                          .layers[0]
                          .ffn;
  EXPECT_TRUE(ffn.shared_gate);
  EXPECT_EQ(ffn.shared_intermediate, 96);
}

TEST(Quantization, GptqAndAwqPayForTheirGroups) {
  const ModelSpec gptq =
      parsed(dense("llama", R"("quantization_config": {"quant_method": "gptq", "bits": 8, "group_size": 128}, )"));
  EXPECT_EQ(gptq.weight_type, DataType::int8);
  EXPECT_EQ(gptq.weight_scale_bits, (16.0 + 8.0) / 128);
  const ModelSpec awq = parsed(dense("llama", R"("quantization_config": {"quant_method": "awq", "group_size": 64}, )"));
  EXPECT_EQ(awq.weight_type, DataType::int4);
  EXPECT_EQ(awq.expert_type, DataType::int4);
  EXPECT_EQ(awq.weight_scale_bits, (16.0 + 4.0) / 64);
  EXPECT_EQ(awq.unquantized_type, DataType::bf16);
}

TEST(Architectures, AreAllNamedInTheReadme) {
  std::ifstream file(std::string(OUTRIDER_SOURCE_DIR) + "/README.md");
  const std::string readme{std::istreambuf_iterator<char>(file), {}};
  for (const Architecture& architecture : architectures())
    EXPECT_NE(readme.find("`" + std::string(architecture.name) + "`"), std::string::npos) << architecture.name;
}

// unknown architectures

TEST(UnknownTypes, AreReadAsLlamaOnlyWhereTheFileStatesEverythingAndSayso) {
  const ModelSpec model = parsed(dense("newmodel", R"("head_dim": 32, "hidden_act": "silu", "attention_bias": false,
    "tie_word_embeddings": true, )"));
  EXPECT_EQ(model.architecture, "newmodel, read as llama");
  EXPECT_EQ(model.layers[0].attention.q_heads, 8);
  EXPECT_TRUE(model.tied_embeddings);
}

}  // namespace
}  // namespace outrider
