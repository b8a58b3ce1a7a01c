// Attention of every layer: heads, latents, windows, indexers and the pattern of layer types.
#include "sim/io/hf_layers.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace outrider {
namespace {

constexpr std::string_view kFull = "full_attention";
constexpr std::string_view kSliding = "sliding_attention";
constexpr std::string_view kLinear = "linear_attention";

std::size_t count_of(LayerStack stack) { return static_cast<std::size_t>(stack.layers); }

// the pattern of layer types

// Layer types where the file gives none, as the configuration classes derive them.
std::vector<std::string> default_types(const HfFields& fields, const Architecture& architecture, LayerStack stack) {
  std::vector<std::string> types(count_of(stack), std::string(kFull));
  const auto fill = [&types](std::string_view type, std::size_t first, std::size_t period, std::size_t full_at) {
    for (std::size_t i = first; i < types.size(); ++i) {
      if (i % period != full_at) types[i] = type;
    }
  };
  if (architecture.attention == AttentionRule::hybrid) {
    const std::int64_t interval = std::max<std::int64_t>(1, fields.integer("full_attention_interval", kLayerRange, 4));
    fill(kLinear, 0, static_cast<std::size_t>(interval), static_cast<std::size_t>(interval) - 1);
  }
  switch (architecture.window) {
    case WindowRule::none:
      break;
    case WindowRule::everywhere:
      fill(kSliding, 0, 1, 1);
      break;
    case WindowRule::upper_layers:
      fill(kSliding, static_cast<std::size_t>(fields.integer("max_window_layers", {0, 4096}, 28)), 1, 1);
      break;
    case WindowRule::alternating:
      fill(kSliding, 0, 2, 1);
      break;
    case WindowRule::five_of_six:
      fill(kSliding, 0, 6, 5);
      break;
  }
  return types;
}

std::vector<std::string> read_layer_types(const HfFields& fields, const Architecture& architecture, LayerStack stack) {
  if (!fields.has("layer_types")) return default_types(fields, architecture, stack);
  std::vector<std::string_view> allowed = {kFull};
  if (architecture.window != WindowRule::none) allowed.push_back(kSliding);
  if (architecture.attention == AttentionRule::hybrid) allowed.push_back(kLinear);
  std::vector<std::string> types = fields.words("layer_types", count_of(stack), allowed);
  types.resize(count_of(stack), std::string(kFull));
  if (architecture.experts == ExpertRule::gemma && !types.empty() && types.back() != kFull) {
    const std::string last = fmt::format("layer_types[{}]", types.size() - 1);
    fields.error(last, "full_attention in Gemma's last layer", types.back());
  }
  return types;
}

// Tokens of a sliding layer's window; 0 where the file turns windows off.
std::int64_t read_window(const HfFields& fields, const Architecture& architecture) {
  if (architecture.window == WindowRule::none) return 0;
  if (architecture.window == WindowRule::upper_layers && !fields.flag("use_sliding_window", false)) return 0;
  if (fields.is_null("sliding_window")) return 0;
  if (!fields.has("sliding_window") && architecture.window_default > 0) return architecture.window_default;
  if (!fields.has("sliding_window") && architecture.window == WindowRule::everywhere) return 0;
  return fields.integer("sliding_window", kTokenRange);
}

// grouped-query attention

std::int64_t read_kv_heads(const HfFields& fields, const Architecture& architecture, std::int64_t q_heads) {
  // LlamaConfig: "If it is not specified, will default to num_attention_heads"; the others say so of null only.
  const bool defaults = fields.is_null("num_key_value_heads") || architecture.name == "llama";
  const std::optional<std::int64_t> fallback = defaults ? std::optional(q_heads) : std::nullopt;
  return fields.integer("num_key_value_heads", kHeadRange, fallback);
}

std::int64_t read_head_dim(const HfFields& fields, const Architecture& architecture, LayerStack stack,
                           std::int64_t q_heads) {
  if (fields.has("head_dim") || q_heads == 0 || stack.hidden == 0) return fields.integer("head_dim", kWidthRange, 0);
  if (architecture.head_dim > 0) return architecture.head_dim;
  if (stack.hidden % q_heads != 0) {
    fields.error("hidden_size",
                 fmt::format("a multiple of num_attention_heads ({}) where head_dim is not given", q_heads));
  }
  return stack.hidden / q_heads;
}

void check_groups(const HfFields& fields, const AttentionSpec& attention, std::string_view kv_key) {
  if (attention.q_heads == 0 || attention.kv_heads == 0 || attention.q_heads % attention.kv_heads == 0) return;
  fields.error("num_attention_heads", fmt::format("a multiple of {} ({})", kv_key, attention.kv_heads));
}

void read_biases(const HfFields& fields, const Architecture& architecture, AttentionSpec& attention) {
  if (architecture.bias == BiasRule::never) return;
  const bool biased = architecture.bias == BiasRule::qkv || fields.flag("attention_bias", architecture.bias_default);
  attention.bias = biased;
  attention.output_bias = biased && architecture.bias == BiasRule::by_key;
}

AttentionSpec read_grouped(const HfFields& fields, const Architecture& architecture, LayerStack stack) {
  AttentionSpec attention;
  attention.q_heads = fields.integer("num_attention_heads", kHeadRange);
  attention.kv_heads = read_kv_heads(fields, architecture, attention.q_heads);
  attention.head_dim = read_head_dim(fields, architecture, stack, attention.q_heads);
  attention.v_head_dim = attention.head_dim;
  attention.output_gate = architecture.output_gate && fields.flag("attn_output_gate", true);
  attention.qk_norm = architecture.qk_norm;
  attention.sinks = architecture.sinks;
  read_biases(fields, architecture, attention);
  check_groups(fields, attention, "num_key_value_heads");
  return attention;
}

// Gemma 4's full-attention layers: wider heads, fewer of them cached, and values read from the keys' projection.
AttentionSpec read_global(const HfFields& fields, AttentionSpec attention) {
  attention.head_dim = fields.integer("global_head_dim", kWidthRange, 512);
  attention.v_head_dim = attention.head_dim;
  attention.keys_are_values = fields.flag("attention_k_eq_v", false);
  if (attention.keys_are_values) {
    attention.kv_heads = fields.integer("num_global_key_value_heads", kHeadRange, attention.kv_heads);
    check_groups(fields, attention, "num_global_key_value_heads");
  }
  return attention;
}

AttentionSpec read_linear(const HfFields& fields) {
  AttentionSpec attention;
  attention.kind = AttentionKind::linear;
  auto& linear = attention.linear;
  linear.key_heads = fields.integer("linear_num_key_heads", kHeadRange, 16);
  linear.value_heads = fields.integer("linear_num_value_heads", kHeadRange, 32);
  linear.key_dim = fields.integer("linear_key_head_dim", kWidthRange, 128);
  linear.value_dim = fields.integer("linear_value_head_dim", kWidthRange, 128);
  linear.conv_width = fields.integer("linear_conv_kernel_dim", {1, 1024}, 4);
  if (linear.key_heads > 0 && linear.value_heads % linear.key_heads != 0) {
    fields.error("linear_num_value_heads", fmt::format("a multiple of linear_num_key_heads ({})", linear.key_heads),
                 std::to_string(linear.value_heads));
  }
  const std::string state = fields.text("mamba_ssm_dtype", "float32");
  if (state == "bfloat16") linear.state_type = DataType::bf16;
  if (state != "float32" && state != "bfloat16") fields.error("mamba_ssm_dtype", "float32 or bfloat16");
  return attention;
}

std::vector<AttentionSpec> read_grouped_layers(const HfFields& fields, const Architecture& architecture,
                                               LayerStack stack) {
  const AttentionSpec grouped = read_grouped(fields, architecture, stack);
  const bool gemma = architecture.experts == ExpertRule::gemma;
  const AttentionSpec full = gemma ? read_global(fields, grouped) : grouped;
  const AttentionSpec linear = architecture.attention == AttentionRule::hybrid ? read_linear(fields) : AttentionSpec();
  AttentionSpec sliding = grouped;
  sliding.window = read_window(fields, architecture);
  std::vector<AttentionSpec> layers;
  for (const std::string& type : read_layer_types(fields, architecture, stack)) {
    layers.push_back(type == kFull ? full : type == kSliding ? sliding : linear);
  }
  return layers;
}

// multi-head latent attention

AttentionSpec read_latent(const HfFields& fields, const Architecture& architecture) {
  AttentionSpec attention;
  attention.kind = AttentionKind::mla;
  attention.q_heads = fields.integer("num_attention_heads", kHeadRange);
  attention.kv_heads = attention.q_heads;
  auto& latent = attention.latent;
  latent.kv_rank = fields.integer("kv_lora_rank", kWidthRange);
  latent.q_rank = fields.is_null("q_lora_rank") ? 0 : fields.integer("q_lora_rank", kWidthRange);
  latent.nope_dim = fields.integer("qk_nope_head_dim", kWidthRange);
  latent.rope_dim = fields.integer("qk_rope_head_dim", kWidthRange);
  attention.head_dim = latent.nope_dim + latent.rope_dim;
  attention.v_head_dim = fields.integer("v_head_dim", kWidthRange);
  read_biases(fields, architecture, attention);
  return attention;
}

AttentionSpec::Indexer read_indexer(const HfFields& fields) {
  return {.heads = fields.integer("index_n_heads", kHeadRange),
          .head_dim = fields.integer("index_head_dim", kWidthRange),
          .top_k = fields.integer("index_topk", kTokenRange)};
}

// "full" where the layer has an indexer, "shared" where it reuses the last one's choice, after GlmMoeDsaConfig:
// indexer_types, else index_topk_pattern ("FSSF…"), else one of index_topk_freq layers from index_skip_topk_offset on.
std::vector<std::string> read_indexer_types(const HfFields& fields, LayerStack stack) {
  constexpr std::array<std::string_view, 2> kTypes = {"full", "shared"};
  std::vector<std::string> types;
  if (fields.has("indexer_types")) {
    types = fields.words("indexer_types", count_of(stack), kTypes);
  } else if (fields.has("index_topk_pattern")) {
    const std::string pattern = fields.text("index_topk_pattern");
    if (pattern.size() != count_of(stack) || pattern.find_first_not_of("FS") != std::string::npos) {
      fields.error("index_topk_pattern", fmt::format("a string of {} letters F or S", stack.layers));
    }
    for (char letter : pattern) types.emplace_back(letter == 'F' ? "full" : "shared");
  } else {
    const std::int64_t every = fields.integer("index_topk_freq", kLayerRange, 1);
    const std::int64_t offset = fields.integer("index_skip_topk_offset", {0, 4096}, 2);
    for (std::int64_t i = 0; i < stack.layers && every > 0; ++i) {
      types.emplace_back(std::max<std::int64_t>(i - offset + 1, 0) % every == 0 ? "full" : "shared");
    }
  }
  types.resize(count_of(stack), "full");
  if (!types.empty() && types.front() == "shared") {
    fields.error("indexer_types", "a first layer with an indexer of its own", "\"shared\"");
  }
  return types;
}

std::vector<AttentionSpec> read_latent_layers(const HfFields& fields, const Architecture& architecture,
                                              LayerStack stack) {
  const AttentionSpec attention = read_latent(fields, architecture);
  std::vector<AttentionSpec> layers(count_of(stack), attention);
  if (!architecture.indexer) return layers;
  const AttentionSpec::Indexer indexer = read_indexer(fields);
  const std::vector<std::string> types = read_indexer_types(fields, stack);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    layers[i].indexer = indexer;
    if (types[i] == "shared") layers[i].indexer.heads = layers[i].indexer.head_dim = 0;
  }
  return layers;
}

}  // namespace

std::vector<LayerSpec> read_layers(const HfFields& fields, const Architecture& architecture, LayerStack stack) {
  const std::vector<AttentionSpec> attentions = architecture.attention == AttentionRule::latent
                                                    ? read_latent_layers(fields, architecture, stack)
                                                    : read_grouped_layers(fields, architecture, stack);
  const std::vector<FfnSpec> ffns = read_ffns(fields, architecture, stack);
  std::vector<LayerSpec> layers;
  for (std::size_t i = 0; i < attentions.size(); ++i) {
    LayerSpec layer{.attention = attentions[i], .ffn = ffns[i], .norms = architecture.norms};
    // Gemma norms the dense FFN and the experts beside it apart: one more before the experts, one after each.
    if (architecture.experts == ExpertRule::gemma && layer.ffn.experts > 0) layer.norms += 3;
    layers.push_back(layer);
  }
  return layers;
}

}  // namespace outrider
