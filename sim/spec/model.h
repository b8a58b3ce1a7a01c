// A transformer's architecture, layer by layer: what a Hugging Face config.json says, typed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/spec/data_type.h"

namespace outrider {

enum class AttentionKind {
  gqa,     // grouped-query attention; MHA is kv_heads == q_heads, MQA is kv_heads == 1
  mla,     // multi-head latent attention (DeepSeek): one compressed latent per token
  linear,  // linear / state-space attention: a fixed-size state, no per-token cache
};

struct AttentionSpec {
  AttentionKind kind = AttentionKind::gqa;
  std::int64_t q_heads = 0;
  std::int64_t kv_heads = 0;  // gqa: cached heads; mla: equals q_heads as published, one latent is cached
  std::int64_t head_dim = 0;  // K (and Q) width per head; mla: nope + rope
  std::int64_t v_head_dim = 0;
  std::int64_t window = 0;       // tokens a query sees; 0 means all (full attention)
  bool bias = false;             // biases on q, k and v; mla: on the down-projections of q and kv
  bool output_bias = false;      // bias on the output projection
  bool output_gate = false;      // q projection also yields a gate of the output's width
  bool qk_norm = false;          // a norm vector of head_dim for each of Q and K
  bool keys_are_values = false;  // V is read from K's projection: one cached tensor (Gemma 4 full-attention layers)
  bool sinks = false;            // a learned logit per query head in the softmax's denominator (gpt-oss)

  struct Latent {             // mla only
    std::int64_t q_rank = 0;  // 0: queries are projected directly
    std::int64_t kv_rank = 0;
    std::int64_t rope_dim = 0;
    std::int64_t nope_dim = 0;
    bool operator==(const Latent&) const = default;
  } latent;
  struct Indexer {           // learned sparse attention (DSA): a scorer picks `top_k` tokens
    std::int64_t heads = 0;  // 0: no indexer in this layer
    std::int64_t head_dim = 0;
    std::int64_t top_k = 0;  // with heads == 0: the layer reuses the choice of the last layer that has an indexer
    bool operator==(const Indexer&) const = default;
  } indexer;
  struct Linear {  // linear attention only
    std::int64_t key_heads = 0, value_heads = 0, key_dim = 0, value_dim = 0, conv_width = 0;
    DataType state_type = DataType::fp32;  // of the recurrent state
    bool operator==(const Linear&) const = default;
  } linear;
  bool operator==(const AttentionSpec&) const = default;
};

struct FfnSpec {
  std::int64_t intermediate = 0;  // dense FFN width; 0 where the layer has experts only
  std::int64_t experts = 0;       // 0: dense
  std::int64_t experts_per_token = 0;
  std::int64_t expert_intermediate = 0;
  std::int64_t shared_intermediate = 0;  // total width of always-on shared experts
  bool shared_gate = false;              // a hidden-to-1 gate on the shared expert
  bool gated = true;                     // gate and up projections (SwiGLU); otherwise up only
  bool bias = false;                     // on every projection of the dense FFN and of each expert
  std::int64_t router_vectors = 0;       // elements of the router's biases and scales, in all
  bool operator==(const FfnSpec&) const = default;
};

struct LayerSpec {
  AttentionSpec attention;
  FfnSpec ffn;
  std::int64_t norms = 2;  // norm vectors of the hidden width: before attention and before the FFN, or more
  bool operator==(const LayerSpec&) const = default;
};

struct ModelSpec {
  std::string name;
  std::string source;  // the file it was read from
  std::int64_t hidden = 0;
  std::int64_t vocab = 0;
  std::int64_t max_context = 0;
  bool tied_embeddings = false;
  DataType weight_type = DataType::bf16;  // attention and dense weights
  DataType expert_type = DataType::bf16;  // routed experts (MXFP4 checkpoints differ)
  DataType kv_type = DataType::bf16;
  // Embeddings, LM head, routers, norms and biases, which quantised checkpoints leave as they were.
  DataType unquantized_type = DataType::bf16;
  double weight_scale_bits = 0.0;  // bits of quantisation scales and zero points per weight, on top of the payload
  double expert_scale_bits = 0.0;
  std::string architecture;  // the file's model_type, and what it was read as where that is not the same
  std::vector<LayerSpec> layers;
  bool operator==(const ModelSpec&) const = default;
};

}  // namespace outrider
