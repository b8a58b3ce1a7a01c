// Every mistake in a config.json is named by file, line, dotted path and what was expected; nothing is guessed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "sim/io/hf_config.h"
#include "tests/sim/io/config_messages.h"

namespace outrider {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
using testing::UnorderedElementsAre;

// Ten members on lines 2 to 11.
const std::string kDense = R"({
  "model_type": "llama",
  "hidden_size": 256,
  "num_hidden_layers": 2,
  "num_attention_heads": 8,
  "num_key_value_heads": 2,
  "intermediate_size": 512,
  "vocab_size": 1000,
  "max_position_embeddings": 4096,
  "dtype": "bfloat16",
  "tie_word_embeddings": false
})";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}
std::string without(const std::string& text, const std::string& line) { return replaced(text, line, ""); }
std::string with(const std::string& text, const std::string& members) {
  return replaced(text, "\"tie_word_embeddings\"", members + ",\n  \"tie_word_embeddings\"");
}

// The messages of a text that must be refused.
std::vector<std::string> refused(const std::string& text) {
  ConfigErrors errors;
  EXPECT_FALSE(parse_hf_config(text, "m.json", errors).has_value());
  return messages(errors);
}

TEST(HfConfigErrors, TheTextThatTheCasesStartFromIsValid) {
  ConfigErrors errors;
  EXPECT_TRUE(parse_hf_config(kDense, "m.json", errors).has_value());
  EXPECT_THAT(messages(errors), ElementsAre());
}

// members

TEST(HfConfigErrors, AMissingKeyIsReportedAtTheObjectThatLacksIt) {
  EXPECT_THAT(refused(without(kDense, "  \"vocab_size\": 1000,\n")),
              ElementsAre(HasSubstr("m.json:1:1: vocab_size: expected an integer from 1 to 4294967296, got nothing")));
}

TEST(HfConfigErrors, AWrongTypeIsQuotedOnItsLine) {
  EXPECT_THAT(refused(replaced(kDense, "\"hidden_size\": 256", "\"hidden_size\": \"256\"")),
              ElementsAre(HasSubstr("m.json:3:3: hidden_size: expected an integer from 1 to 1048576, got \"256\"")));
}

TEST(HfConfigErrors, AFractionIsNotAnInteger) {
  EXPECT_THAT(
      refused(replaced(kDense, "512", "512.0")),
      ElementsAre(HasSubstr("m.json:7:3: intermediate_size: expected an integer from 1 to 1048576, got 512.0")));
}

TEST(HfConfigErrors, ANegativeCountIsOutOfRange) {
  EXPECT_THAT(refused(replaced(kDense, "\"num_hidden_layers\": 2", "\"num_hidden_layers\": -2")),
              ElementsAre(HasSubstr("m.json:4:3: num_hidden_layers: expected an integer from 1 to 4096, got -2")));
}

TEST(HfConfigErrors, AHugeLayerCountIsRefusedBeforeItIsAllocated) {
  EXPECT_THAT(
      refused(replaced(kDense, "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 18446744073709551615")),
      ElementsAre(HasSubstr("num_hidden_layers: expected an integer from 1 to 4096, got 18446744073709551615")));
}

TEST(HfConfigErrors, ZeroHeadsAreNoHeads) {
  EXPECT_THAT(refused(replaced(kDense, "\"num_attention_heads\": 8", "\"num_attention_heads\": 0")),
              ElementsAre(HasSubstr("m.json:5:3: num_attention_heads: expected an integer from 1 to 16384, got 0")));
}

TEST(HfConfigErrors, QueryHeadsMustBeAMultipleOfKeyValueHeads) {
  EXPECT_THAT(
      refused(replaced(kDense, "\"num_key_value_heads\": 2", "\"num_key_value_heads\": 3")),
      ElementsAre(HasSubstr("m.json:5:3: num_attention_heads: expected a multiple of num_key_value_heads (3), got 8")));
}

TEST(HfConfigErrors, TheHiddenWidthMustSplitIntoHeadsWhereHeadDimIsMissing) {
  EXPECT_THAT(refused(replaced(kDense, "256", "250")),
              ElementsAre(HasSubstr("m.json:3:3: hidden_size: expected a multiple of num_attention_heads (8) where "
                                    "head_dim is not given, got 250")));
}

TEST(HfConfigErrors, NullIsNotAValueWhereOneIsNeeded) {
  EXPECT_THAT(refused(replaced(kDense, "1000", "null")), ElementsAre(HasSubstr("vocab_size: expected an integer from 1 "
                                                                               "to 4294967296, got null")));
}

TEST(HfConfigErrors, AFlagIsTrueOrFalse) {
  EXPECT_THAT(refused(replaced(kDense, "\"tie_word_embeddings\": false", "\"tie_word_embeddings\": 0")),
              ElementsAre(HasSubstr("m.json:11:3: tie_word_embeddings: expected true or false, got 0")));
}

TEST(HfConfigErrors, AllErrorsOfAFileAreReportedAtOnce) {
  std::string text = replaced(kDense, "256", "\"wide\"");
  text = replaced(text, "512", "0");
  text = without(text, "  \"vocab_size\": 1000,\n");
  text = replaced(text, "\"bfloat16\"", "\"bf17\"");
  EXPECT_THAT(
      refused(text),
      UnorderedElementsAre(HasSubstr("m.json:3:3: hidden_size: expected an integer from 1 to 1048576, got \"wide\""),
                           HasSubstr("m.json:7:3: intermediate_size: expected an integer"),
                           HasSubstr("vocab_size: expected an integer"),
                           HasSubstr("m.json:9:3: dtype: expected bfloat16, float16 or float32, got \"bf17\"")));
}

TEST(HfConfigErrors, AMisspeltKeyIsNamedOnItsLineWhereTheRightOneIsMissing) {
  EXPECT_THAT(
      refused(replaced(kDense, "\"vocab_size\"", "\"vocab_sizes\"")),
      ElementsAre("m.json:8:3: vocab_size: expected an integer from 1 to 4294967296, got nothing, only vocab_sizes"));
}

TEST(HfConfigErrors, AKeyThatIsNeededItselfIsNoMisspellingOfItsNeighbour) {
  const std::string text = with(replaced(kDense, "\"llama\"", "\"deepseek_v3\""), R"("n_routed_experts": 8,
    "num_experts_per_tok": 2, "moe_intermediate_size": 64, "n_shared_experts": 1, "first_k_dense_replace": 1,
    "kv_lora_rank": 64, "q_lora_rank": 64, "qk_rope_head_dim": 16, "v_head_dim": 16)");
  EXPECT_THAT(refused(text),
              ElementsAre("m.json:1:1: qk_nope_head_dim: expected an integer from 1 to 1048576, got nothing"));
}

// number formats

TEST(HfConfigErrors, AMissingDtypeIsNotGuessed) {
  EXPECT_THAT(
      refused(without(kDense, "  \"dtype\": \"bfloat16\",\n")),
      ElementsAre(HasSubstr("dtype: expected dtype or torch_dtype: bfloat16, float16 or float32, got nothing")));
}

TEST(HfConfigErrors, AnUnknownQuantisationIsRefused) {
  EXPECT_THAT(refused(with(kDense, R"("quantization_config": {"quant_method": "bitsandbytes"})")),
              ElementsAre(HasSubstr("m.json:11:27: quantization_config.quant_method: expected one of awq, fp8, gptq, "
                                    "mxfp4, got \"bitsandbytes\"")));
}

TEST(HfConfigErrors, GptqNeedsItsBitsAndGroup) {
  EXPECT_THAT(refused(with(kDense, R"("quantization_config": {"quant_method": "gptq", "bits": 5})")),
              UnorderedElementsAre(HasSubstr("quantization_config.bits: expected 4 or 8, got 5"),
                                   HasSubstr("quantization_config.group_size: expected an integer from 1 to 1048576, "
                                             "got nothing")));
}

// architectures

TEST(HfConfigErrors, AnUnknownModelTypeIsRefusedWithWhatItLacks) {
  const std::vector<std::string> all = refused(replaced(kDense, "\"llama\"", "\"starcoder2\""));
  ASSERT_EQ(all.size(), 1U);
  EXPECT_THAT(all[0], StartsWith("m.json:2:3: model_type: expected one of deepseek_v2, deepseek_v3"));
  EXPECT_THAT(all[0], HasSubstr("got \"starcoder2\" with no head_dim, no attention_bias, no hidden_act \"silu\""));
}

TEST(HfConfigErrors, AnUnknownModelTypeWithExpertsIsNeverReadAsDense) {
  const std::string text = with(replaced(kDense, "\"llama\"", "\"newmoe\""),
                                R"("head_dim": 32, "hidden_act": "silu", "attention_bias": false, "num_experts": 8)");
  EXPECT_THAT(refused(text), ElementsAre(HasSubstr("got \"newmoe\" with num_experts")));
}

TEST(HfConfigErrors, AFileWithoutModelTypeIsRefused) {
  EXPECT_THAT(refused(without(kDense, "  \"model_type\": \"llama\",\n")),
              ElementsAre(HasSubstr("m.json:1:1: model_type: expected a string, got nothing")));
}

TEST(HfConfigErrors, EncoderDecoderModelsAreRefused) {
  EXPECT_THAT(refused(with(kDense, "\"is_encoder_decoder\": true")),
              ElementsAre(HasSubstr("m.json:11:3: is_encoder_decoder: expected false: only decoder-only models")));
}

TEST(HfConfigErrors, LayerTypesMustBeOnePerLayer) {
  EXPECT_THAT(
      refused(with(kDense, R"("layer_types": ["full_attention"])")),
      ElementsAre(HasSubstr("m.json:11:3: layer_types: expected an array of 2, one per layer, got an array of 1")));
}

TEST(HfConfigErrors, ALayerTypeThatTheArchitectureLacksIsNamedByItsIndex) {
  const std::string text = with(kDense, "\"layer_types\": [\n    \"full_attention\",\n    \"mamba\"]");
  EXPECT_THAT(refused(text),
              ElementsAre(HasSubstr("m.json:13:5: layer_types[1]: expected one of full_attention, got \"mamba\"")));
}

TEST(HfConfigErrors, MoreActiveExpertsThanExistAreRefused) {
  const std::string text =
      with(replaced(kDense, "\"llama\"", "\"mixtral\""), R"("num_local_experts": 4, "num_experts_per_tok": 5)");
  EXPECT_THAT(refused(text),
              ElementsAre(HasSubstr("num_experts_per_tok: expected at most num_local_experts (4), got 5")));
}

TEST(HfConfigErrors, ExpertsWithoutTheirKeysAreAllReported) {
  EXPECT_THAT(refused(replaced(kDense, "\"llama\"", "\"mixtral\"")),
              UnorderedElementsAre(HasSubstr("num_local_experts: expected an integer from 1 to 65536, got nothing"),
                                   HasSubstr("num_experts_per_tok: expected an integer from 1 to 65536, got nothing")));
}

TEST(HfConfigErrors, LatentAttentionWithoutItsRanksIsRefused) {
  const std::string moe = R"("n_routed_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 64,
    "n_shared_experts": 1, "first_k_dense_replace": 1)";
  EXPECT_THAT(refused(with(replaced(kDense, "\"llama\"", "\"deepseek_v3\""), moe)),
              UnorderedElementsAre(HasSubstr("kv_lora_rank: expected"), HasSubstr("q_lora_rank: expected"),
                                   HasSubstr("qk_nope_head_dim: expected"), HasSubstr("qk_rope_head_dim: expected"),
                                   HasSubstr("v_head_dim: expected")));
}

TEST(HfConfigErrors, GemmaVariantsThatTheModelCannotHoldAreRefused) {
  const std::string text =
      with(replaced(kDense, "\"llama\"", "\"gemma4_text\""), "\"num_kv_shared_layers\": 1, \"head_dim\": 32");
  EXPECT_THAT(refused(text),
              UnorderedElementsAre(HasSubstr("num_kv_shared_layers: expected 0: layers that share"),
                                   HasSubstr("hidden_size_per_layer_input: expected 0: per-layer input")));
}

TEST(HfConfigErrors, ErrorsInsideTextConfigHaveItsPathAndLine) {
  const std::string text = "{\"model_type\": \"gemma4\",\n\"text_config\":\n" + replaced(kDense, "256", "0") + "}";
  const std::vector<std::string> all = refused(text);
  ASSERT_FALSE(all.empty());
  EXPECT_THAT(all[0], HasSubstr("m.json:5:3: text_config.hidden_size: expected an integer from 1 to 1048576, got 0"));
}

TEST(HfConfigErrors, ATextConfigThatIsNoObjectIsRefused) {
  EXPECT_THAT(refused(with(kDense, "\"text_config\": []")),
              ElementsAre(HasSubstr("m.json:11:3: text_config: expected an object, got an array of 0")));
}

// files

TEST(HfConfigErrors, AMissingFileAndADirectoryWithoutConfigAreNamed) {
  ConfigErrors errors;
  EXPECT_FALSE(read_hf_config("no/such/model.json", errors).has_value());
  const std::filesystem::path empty = std::filesystem::path(testing::TempDir()) / "hf_config_errors_test_empty";
  std::filesystem::create_directories(empty);
  EXPECT_FALSE(read_hf_config(empty, errors).has_value());
  const std::vector<std::string> all = messages(errors);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_THAT(all[0], HasSubstr((empty / "config.json").string()));  // by file name
  EXPECT_THAT(all[1], HasSubstr("no/such/model.json"));
  EXPECT_THAT(all[1], HasSubstr("expected a readable file"));
}

}  // namespace
}  // namespace outrider
