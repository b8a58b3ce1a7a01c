// Weights, KV bytes and FLOPs of a model as closed formulas; checked against published parameter counts.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/spec/model.h"

namespace outrider {

// One matrix product y[rows × n] = x[rows × k] · W[k × n], repeated over `instances` distinct weight matrices
// (experts). `rows` is the rows per instance. Bytes of weights read: instances · k · n · bytes(type).
struct Linear {
  const char* name = "";       // "qkv", "out", "gate_up", "down", "router", "experts_gate_up", "lm_head", …
  double rows = 0.0;
  std::int64_t n = 0;
  std::int64_t k = 0;
  double instances = 1.0;
  DataType type = DataType::bf16;

  Bytes weight_bytes() const { return instances * static_cast<double>(n) * static_cast<double>(k) * bytes_of(type); }
  Flops flops() const { return Flops(2.0 * rows * instances * static_cast<double>(n) * static_cast<double>(k)); }
};

// The products of one layer for a batch of `tokens` (decode: one per sequence). The groups run in this order.
// attention_inputs: everything before attention (Q, K, V fused; MLA's down- and up-projections; the indexer's).
std::vector<Linear> attention_inputs(const ModelSpec& model, const LayerSpec& layer, double tokens);
std::vector<Linear> attention_outputs(const ModelSpec& model, const LayerSpec& layer, double tokens);
// For experts, `instances` is the expected number of distinct active experts, E·(1 − (1 − k/E)^tokens),
// under independent uniform routing; `rows` is tokens·k ÷ instances.
std::vector<Linear> ffn(const ModelSpec& model, const LayerSpec& layer, double tokens);
// Q projection alone (Scout's and InfiniGen's predicted query).
Linear query_projection(const ModelSpec& model, const LayerSpec& layer, double tokens);
Linear lm_head(const ModelSpec& model, double tokens);

struct ParameterCount {
  double total = 0.0;   // every weight once; tied embeddings once; no multi-token-prediction modules, no vision tower
  double active = 0.0;  // embeddings, attention, dense parts, and experts_per_token of the routed experts
};
ParameterCount count_parameters(const ModelSpec& model);

Bytes layer_weight_bytes(const ModelSpec& model, const LayerSpec& layer);
Bytes embedding_bytes(const ModelSpec& model);  // input embedding and LM head (once if tied)
Bytes weight_bytes(const ModelSpec& model);     // all layers and embeddings, at their stored types

// KV bytes that one token adds to one layer: gqa 2·Hk·d·s (1· when keys are values), mla (kv_rank + rope_dim)·s
// (+ indexer key, head_dim·1 byte), linear 0.
Bytes kv_bytes_per_token(const ModelSpec& model, const LayerSpec& layer);
Bytes kv_bytes_per_token(const ModelSpec& model);  // over all layers, windows ignored
// KV bytes one sequence of `context` tokens holds in one layer: a window caps the tokens; linear: its fixed state.
Bytes kv_bytes_per_sequence(const ModelSpec& model, const LayerSpec& layer, std::int64_t context);

// FLOPs of decode attention for one query token of one sequence over `tokens` cached tokens:
// gqa 2·Hq·tokens·(d + d_v); mla 2·Hq·tokens·(kv_rank + rope + kv_rank) (absorbed form).
Flops attention_flops(const LayerSpec& layer, double tokens);

// True where offloading methods can page this layer's KV: gqa without a window.
bool has_growing_kv(const LayerSpec& layer);

}  // namespace outrider
