// Weights, KV bytes and FLOPs of a model as closed formulas; checked against published parameter counts.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/spec/model.h"

namespace outrider {

// Symbols below: h hidden width, Hq/Hk query/KV heads, d/d_v width of a key/value head, I FFN width, E/k experts and
// experts per token, s bytes per cached element. Bytes are bytes, not GB; a multiply-add is 2 FLOPs.

// One matrix product y[rows × n] = x[rows × k] · W[k × n], repeated over `instances` distinct weight matrices
// (experts, or the heads of MLA's absorbed projections). `rows` is the rows per instance.
struct Linear {
  const char* name = "";  // "qkv", "out", "gate_up", "down", "router", "experts_gate_up", "lm_head", …
  double rows = 0.0;
  std::int64_t n = 0;
  std::int64_t k = 0;
  double instances = 1.0;
  DataType type = DataType::bf16;
  double scale_bits = 0.0;  // bits of quantisation scales per weight

  double weights() const { return instances * static_cast<double>(n) * static_cast<double>(k); }
  // Payload and scales: weights · (bits(type) + scale_bits) / 8.
  Bytes weight_bytes() const { return Bytes(weights() * (bits_of(type) + scale_bits) / 8.0); }
  Flops flops() const { return Flops(2.0 * rows * weights()); }
};

// The products of one layer for a batch of `tokens` (decode: one per sequence). Requires tokens >= 0 (CHECKed).
// Each list is in the order of execution, and holds every weight matrix of its part of the layer exactly once.
//
// Everything before attention:
//   gqa     "qkv" n = (Hq + 2·Hk)·d, k = h, fused; Hq twice with an output gate, Hk·d once when keys are values.
//   mla     "q_a_kv_a" n = q_rank + kv_rank + rope, k = h; "q_b" n = Hq·(nope + rope), k = q_rank
//           (without q_rank: "q_kv_a" n = Hq·(nope + rope) + kv_rank + rope); "q_absorb": each head's nope query
//           through W_UK, n = kv_rank, k = nope, Hq instances (the absorbed decode form of arXiv 2405.04434,
//           section 2.1.2); with an indexer "indexer_q" n = Hi·di, k = q_rank, "indexer_k" n = di and "indexer_weights"
//           n = Hi, k = h (DeepSeek-V3.2-Exp, model.py).
//   linear  "linear_in" n = 2·key_heads·key_dim + 2·value_heads·value_dim + 2·value_heads, k = h: q, k, v, the output
//           gate z and the two gates b and a of a gated delta rule (Qwen3-Next).
std::vector<Linear> attention_inputs(const ModelSpec& model, const LayerSpec& layer, double tokens);
// Everything after attention: mla first "v_absorb" n = d_v, k = kv_rank, Hq instances (W_UV); then "out" n = h,
// k = Hq·d_v (linear: value_heads·value_dim).
std::vector<Linear> attention_outputs(const ModelSpec& model, const LayerSpec& layer, double tokens);
// "gate_up" n = 2·I (I where not gated), k = h and "down" n = h, k = I where the layer has a dense FFN; then, with
// experts, "router" n = E, "experts_gate_up" and "experts_down"; then "shared_gate", "shared_gate_up" and
// "shared_down". For experts, `instances` is expected_active_experts and `rows` is tokens·k ÷ instances.
std::vector<Linear> ffn(const ModelSpec& model, const LayerSpec& layer, double tokens);

// Expected number of distinct experts that `tokens` tokens visit, each choosing k of E independently and uniformly:
// E·(1 − (1 − k/E)^tokens). Real routers are skewed, so this is an upper bound of what a trained model touches.
// Requires 0 < k <= E (CHECKed).
double expected_active_experts(std::int64_t experts, std::int64_t experts_per_token, double tokens);

// Q projection alone, n = Hq·d, k = h, without an output gate (Scout's and InfiniGen's predicted query).
// Requires gqa (CHECKed): MLA's query takes two products and linear attention scores no cached tokens.
Linear query_projection(const ModelSpec& model, const LayerSpec& layer, double tokens);
// K and V projections alone, n = Hk·(d + d_v) (Hk·d where keys are values), k = h. Requires gqa (CHECKed).
Linear kv_projection(const ModelSpec& model, const LayerSpec& layer, double tokens);
Linear lm_head(const ModelSpec& model, double tokens);  // n = vocab, k = h

// Convention: every weight once; tied embeddings once; input embedding and LM head both count, in `active` too; with
// norms, biases, sinks and router biases; no multi-token-prediction modules, no vision or audio tower, no buffers.
struct ParameterCount {
  double total = 0.0;
  double active = 0.0;  // the same with experts_per_token of the routed experts instead of all
};
ParameterCount count_parameters(const ModelSpec& model);
double layer_parameters(const ModelSpec& model, const LayerSpec& layer);  // all experts, with vectors
double embedding_parameters(const ModelSpec& model);                      // input embedding and LM head (once if tied)

// At the types they are stored in, scales included.
Bytes layer_weight_bytes(const ModelSpec& model, const LayerSpec& layer);
Bytes embedding_bytes(const ModelSpec& model);  // input embedding and LM head (once if tied)
Bytes weight_bytes(const ModelSpec& model);     // all layers, embeddings and the final norm

// KV bytes that one token adds to one layer: gqa Hk·(d + d_v)·s, that is 2·Hk·d·s (once Hk·d·s when keys are values),
// mla (kv_rank + rope)·s (arXiv 2405.04434, table 1), plus di·1 byte of FP8 indexer key in layers that have an indexer,
// linear 0. Keys as values: K's projection is cached once and normed and rotated on reading; an engine that caches the
// rotated K and the plain V apart (as Transformers does for Gemma 4) holds twice as much.
Bytes kv_bytes_per_token(const ModelSpec& model, const LayerSpec& layer);
Bytes kv_bytes_per_token(const ModelSpec& model);  // over all layers, windows ignored
// KV bytes one sequence of `context` tokens holds in one layer: a window caps the tokens. linear: its fixed state,
// value_heads·key_dim·value_dim·bytes(state_type) + (conv_width − 1)·(2·key_heads·key_dim + value_heads·value_dim)·s.
Bytes kv_bytes_per_sequence(const ModelSpec& model, const LayerSpec& layer, std::int64_t context);

// FLOPs of decode attention for one query token of one sequence over `tokens` attended tokens, softmax not counted:
// gqa 2·Hq·tokens·(d + d_v); mla 2·Hq·tokens·(kv_rank + rope + kv_rank) (absorbed form); linear, whatever the tokens,
// 7·value_heads·key_dim·value_dim (decay 1; kᵀS, rank-1 update and qᵀS 2 each; gated delta rule, arXiv 2412.06464).
Flops attention_flops(const LayerSpec& layer, double tokens);
// FLOPs of the indexer that scores `tokens` cached tokens for one query token: 2·Hi·di·tokens; 0 without an indexer.
Flops indexer_flops(const LayerSpec& layer, double tokens);
// Tokens that a query with `context` tokens before it attends to: a window or the indexer's top_k caps them; linear 0.
std::int64_t attended_tokens(const LayerSpec& layer, std::int64_t context);

// True where offloading methods can page this layer's KV: gqa without a window.
bool has_growing_kv(const LayerSpec& layer);

}  // namespace outrider
