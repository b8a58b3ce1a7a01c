// A transformer's architecture, layer by layer: what a Hugging Face config.json says, typed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/spec/data_type.h"

namespace outrider {

enum class AttentionKind {
  gqa,      // grouped-query attention; MHA is kv_heads == q_heads, MQA is kv_heads == 1
  mla,      // multi-head latent attention (DeepSeek): one compressed latent per token
  linear,   // linear / state-space attention: a fixed-size state, no per-token cache
};

struct AttentionSpec {
  AttentionKind kind = AttentionKind::gqa;
  std::int64_t q_heads = 0;
  std::int64_t kv_heads = 0;   // gqa: cached heads; mla: equals q_heads as published, one latent is cached
  std::int64_t head_dim = 0;   // K (and Q) width per head; mla: nope + rope
  std::int64_t v_head_dim = 0;
  std::int64_t window = 0;     // tokens a query sees; 0 means all (full attention)
  bool bias = false;           // biases on q, k and v
  bool output_bias = false;    // bias on the output projection
  bool output_gate = false;    // q projection also yields a gate of the output's width
  bool qk_norm = false;        // a norm vector of head_dim for each of Q and K
  bool keys_are_values = false;  // V is read from K's projection: one cached tensor (Gemma 4 full-attention layers)

  struct Latent {              // mla only
    std::int64_t q_rank = 0;   // 0: queries are projected directly
    std::int64_t kv_rank = 0;
    std::int64_t rope_dim = 0;
    std::int64_t nope_dim = 0;
  } latent;
  struct Indexer {             // learned sparse attention (DSA): a scorer picks `top_k` tokens
    std::int64_t heads = 0;    // 0: no indexer in this layer
    std::int64_t head_dim = 0;
    std::int64_t top_k = 0;
  } indexer;
  struct Linear {              // linear attention only
    std::int64_t key_heads = 0, value_heads = 0, key_dim = 0, value_dim = 0, conv_width = 0;
  } linear;
};

struct FfnSpec {
  std::int64_t intermediate = 0;         // dense FFN width; 0 where the layer has experts only
  std::int64_t experts = 0;              // 0: dense
  std::int64_t experts_per_token = 0;
  std::int64_t expert_intermediate = 0;
  std::int64_t shared_intermediate = 0;  // total width of always-on shared experts
  bool shared_gate = false;              // a hidden-to-1 gate on the shared expert
  bool gated = true;                     // gate and up projections (SwiGLU); otherwise up only
  bool bias = false;
};

struct LayerSpec {
  AttentionSpec attention;
  FfnSpec ffn;
};

struct ModelSpec {
  std::string name;
  std::string source;          // the file it was read from
  std::int64_t hidden = 0;
  std::int64_t vocab = 0;
  std::int64_t max_context = 0;
  bool tied_embeddings = false;
  DataType weight_type = DataType::bf16;  // attention and dense weights
  DataType expert_type = DataType::bf16;  // routed experts (MXFP4 checkpoints differ)
  DataType kv_type = DataType::bf16;
  std::vector<LayerSpec> layers;
};

}  // namespace outrider
