// The table of architectures, after the configuration classes of Transformers, and the look-up in it.
#include "sim/io/hf_architecture.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

namespace outrider {
namespace {

constexpr std::array kArchitectures = {
    Architecture{.name = "deepseek_v2", .attention = AttentionRule::latent, .experts = ExpertRule::deepseek},
    Architecture{.name = "deepseek_v3",
                 .attention = AttentionRule::latent,
                 .experts = ExpertRule::deepseek,
                 .selection_bias = true},
    Architecture{.name = "deepseek_v32",
                 .attention = AttentionRule::latent,
                 .experts = ExpertRule::deepseek,
                 .indexer = true,
                 .selection_bias = true},
    Architecture{.name = "gemma4",
                 .window = WindowRule::five_of_six,
                 .experts = ExpertRule::gemma,
                 .qk_norm = true,
                 .tied = true,
                 .norms = 4,
                 .head_dim = 256,
                 .window_default = 512},
    Architecture{.name = "glm4", .bias = BiasRule::qkv_by_key, .norms = 4, .head_dim = 128},
    Architecture{.name = "glm_moe_dsa",
                 .attention = AttentionRule::latent,
                 .experts = ExpertRule::deepseek,
                 .indexer = true,
                 .selection_bias = true},
    Architecture{.name = "gpt_oss",
                 .window = WindowRule::alternating,
                 .experts = ExpertRule::gpt_oss,
                 .sinks = true,
                 .bias_default = true,
                 .head_dim = 64,
                 .window_default = 128},
    Architecture{.name = "llama"},
    Architecture{.name = "mistral", .bias = BiasRule::never, .window = WindowRule::everywhere, .window_default = 4096},
    Architecture{
        .name = "mixtral", .bias = BiasRule::never, .window = WindowRule::everywhere, .experts = ExpertRule::mixtral},
    Architecture{.name = "qwen2", .bias = BiasRule::qkv, .window = WindowRule::upper_layers},
    Architecture{.name = "qwen2_moe",
                 .bias = BiasRule::qkv,
                 .window = WindowRule::upper_layers,
                 .experts = ExpertRule::qwen,
                 .shared_gate = true},
    Architecture{.name = "qwen3", .window = WindowRule::upper_layers, .qk_norm = true, .head_dim = 128},
    Architecture{
        .name = "qwen3_5", .attention = AttentionRule::hybrid, .qk_norm = true, .output_gate = true, .head_dim = 256},
    Architecture{.name = "qwen3_5_moe",
                 .attention = AttentionRule::hybrid,
                 .experts = ExpertRule::qwen,
                 .qk_norm = true,
                 .output_gate = true,
                 .shared_gate = true,
                 .head_dim = 256},
    Architecture{.name = "qwen3_moe", .window = WindowRule::upper_layers, .experts = ExpertRule::qwen, .qk_norm = true},
    Architecture{.name = "qwen3_next",
                 .attention = AttentionRule::hybrid,
                 .experts = ExpertRule::qwen,
                 .qk_norm = true,
                 .output_gate = true,
                 .shared_gate = true,
                 .head_dim = 256},
};

// What a file of an unknown model_type must state to be read as a Llama-shaped decoder, besides hidden_act "silu".
constexpr std::array<std::string_view, 10> kLlamaKeys = {
    "hidden_size",       "num_hidden_layers", "num_attention_heads",     "num_key_value_heads", "head_dim",
    "intermediate_size", "vocab_size",        "max_position_embeddings", "attention_bias",      "tie_word_embeddings"};
// Parts of the names of keys that tell of something which is not in a Llama-shaped decoder.
constexpr std::array<std::string_view, 12> kForeignParts = {"expert", "moe",    "lora_rank",      "linear_",
                                                            "ssm",    "mamba",  "conv",           "indexer",
                                                            "index_", "cross_", "sliding_window", "layer_type"};

const Architecture* row_named(std::string_view name) {
  if (name.ends_with("_text")) name.remove_suffix(5);
  const auto row = std::find_if(kArchitectures.begin(), kArchitectures.end(),
                                [&](const Architecture& architecture) { return architecture.name == name; });
  return row == kArchitectures.end() ? nullptr : &*row;
}

std::string known_names() {
  std::vector<std::string_view> names;
  for (const Architecture& architecture : kArchitectures) names.push_back(architecture.name);
  return comma_separated(names);
}

bool is_foreign(const std::string& key) {
  return std::any_of(kForeignParts.begin(), kForeignParts.end(),
                     [&](std::string_view part) { return key.find(part) != std::string::npos; });
}

// Why the object can't be read as a Llama-shaped decoder; empty where it can.
std::string why_not_llama(const HfFields& fields) {
  std::vector<std::string> reasons;
  for (std::string_view key : kLlamaKeys) {
    if (!fields.has(key)) reasons.push_back(fmt::format("no {}", key));
  }
  if (!fields.has("hidden_act") || fields.text("hidden_act") != "silu") reasons.push_back("no hidden_act \"silu\"");
  for (const std::string& key : fields.keys()) {
    if (is_foreign(key) && fields.is_set(key)) reasons.push_back(key);
  }
  const std::vector<std::string_view> views(reasons.begin(), reasons.end());
  return comma_separated(views);
}

}  // namespace

std::span<const Architecture> architectures() { return kArchitectures; }

std::optional<RecognizedArchitecture> recognize_architecture(const HfFields& fields, const HfFields& root) {
  const HfFields& typed = fields.has("model_type") ? fields : root;
  const std::string type = typed.text("model_type");
  if (type.empty()) return std::nullopt;
  if (const Architecture* row = row_named(type)) return RecognizedArchitecture{.row = row, .description = type};
  const std::string reasons = why_not_llama(fields);
  if (reasons.empty()) {
    return RecognizedArchitecture{.row = row_named("llama"), .description = type + ", read as llama"};
  }
  typed.error("model_type",
              fmt::format("one of {}, or a dense model that states all that makes a Llama-shaped one", known_names()),
              fmt::format("\"{}\" with {}", type, reasons));
  return std::nullopt;
}

}  // namespace outrider
