// What distinguishes the architectures that config.json files name, as a table of traits.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "sim/io/hf_fields.h"

namespace outrider {

enum class AttentionRule {
  grouped,  // num_attention_heads, num_key_value_heads, head_dim
  latent,   // MLA: kv_lora_rank, q_lora_rank, qk_nope_head_dim, qk_rope_head_dim, v_head_dim
  hybrid,   // grouped layers among linear_attention ones
};
enum class BiasRule {
  never,
  qkv,         // always on q, k and v, never on the output
  by_key,      // attention_bias: on q, k, v and the output
  qkv_by_key,  // attention_bias: on q, k and v
};
enum class WindowRule {
  none,
  everywhere,    // sliding_window on all layers, unless null
  upper_layers,  // Qwen: with use_sliding_window, on layers from max_window_layers on
  alternating,   // gpt-oss: layer_types, by default every even layer
  five_of_six,   // Gemma: layer_types, by default all but every sixth
};
enum class ExpertRule { none, mixtral, gpt_oss, qwen, deepseek, gemma };

struct Architecture {
  std::string_view name;  // model_type, without "_text"
  AttentionRule attention = AttentionRule::grouped;
  BiasRule bias = BiasRule::by_key;
  WindowRule window = WindowRule::none;
  ExpertRule experts = ExpertRule::none;
  bool qk_norm = false;
  bool sinks = false;
  bool indexer = false;             // DSA: index_n_heads, index_head_dim, index_topk
  bool output_gate = false;         // unless attn_output_gate is false
  bool shared_gate = false;         // on the shared expert
  bool tied = false;                // default of tie_word_embeddings
  bool bias_default = false;        // default of attention_bias
  bool selection_bias = false;      // default topk_method is noaux_tc, with its bias per expert
  std::int64_t norms = 2;           // of the hidden width, per layer
  std::int64_t head_dim = 0;        // documented default; 0: hidden_size / num_attention_heads
  std::int64_t window_default = 0;  // documented default of sliding_window; 0: none
};

std::span<const Architecture> architectures();

// The table's row for the object's model_type (or `outer_type` where it has none), or Llama's for an unknown type whose
// object states all that makes one. Reports and gives nothing otherwise.
struct RecognizedArchitecture {
  const Architecture* row = nullptr;
  std::string description;  // ModelSpec::architecture
};
std::optional<RecognizedArchitecture> recognize_architecture(const HfFields& fields, const HfFields& root);

}  // namespace outrider
