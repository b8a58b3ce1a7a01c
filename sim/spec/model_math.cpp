// Products, parameters, bytes and FLOPs of each kind of layer.
#include "sim/spec/model_math.h"

#include <algorithm>
#include <cmath>

#include "sim/base/check.h"

namespace outrider {
namespace {

double real(std::int64_t value) { return static_cast<double>(value); }

// A product whose weights a quantised checkpoint quantises.
Linear quantized(const ModelSpec& model, const char* name, double rows, std::int64_t n, std::int64_t k) {
  return {.name = name,
          .rows = rows,
          .n = n,
          .k = k,
          .instances = 1.0,
          .type = model.weight_type,
          .scale_bits = model.weight_scale_bits};
}

Linear unquantized(const ModelSpec& model, const char* name, double rows, std::int64_t n, std::int64_t k) {
  Linear linear = quantized(model, name, rows, n, k);
  linear.type = model.unquantized_type;
  linear.scale_bits = 0.0;
  return linear;
}

// attention

std::int64_t kv_width(const AttentionSpec& a) {
  return a.kv_heads * (a.head_dim + (a.keys_are_values ? 0 : a.v_head_dim));
}

std::int64_t qkv_width(const AttentionSpec& a) {
  return (a.output_gate ? 2 : 1) * a.q_heads * a.head_dim + kv_width(a);
}

std::int64_t linear_conv_width(const AttentionSpec::Linear& l) {
  return 2 * l.key_heads * l.key_dim + l.value_heads * l.value_dim;
}

std::vector<Linear> mla_inputs(const ModelSpec& model, const AttentionSpec& a, double tokens) {
  const auto& latent = a.latent;
  const std::int64_t queries = a.q_heads * a.head_dim;
  const std::int64_t cached = latent.kv_rank + latent.rope_dim;
  std::vector<Linear> products;
  if (latent.q_rank > 0) {
    products.push_back(quantized(model, "q_a_kv_a", tokens, latent.q_rank + cached, model.hidden));
    products.push_back(quantized(model, "q_b", tokens, queries, latent.q_rank));
  } else {
    products.push_back(quantized(model, "q_kv_a", tokens, queries + cached, model.hidden));
  }
  Linear absorb = quantized(model, "q_absorb", tokens, latent.kv_rank, latent.nope_dim);
  absorb.instances = real(a.q_heads);
  products.push_back(absorb);
  if (a.indexer.heads > 0) {
    const std::int64_t query_source = latent.q_rank > 0 ? latent.q_rank : model.hidden;
    products.push_back(quantized(model, "indexer_q", tokens, a.indexer.heads * a.indexer.head_dim, query_source));
    products.push_back(quantized(model, "indexer_k", tokens, a.indexer.head_dim, model.hidden));
    products.push_back(unquantized(model, "indexer_weights", tokens, a.indexer.heads, model.hidden));
  }
  return products;
}

double attention_bias_elements(const ModelSpec& model, const AttentionSpec& a) {
  double elements = a.output_bias ? real(model.hidden) : 0.0;
  if (!a.bias) return elements;
  if (a.kind == AttentionKind::gqa) elements += real(qkv_width(a));
  if (a.kind == AttentionKind::mla) elements += real(a.latent.q_rank + a.latent.kv_rank + a.latent.rope_dim);
  return elements;
}

// Norms, biases and other parameters of attention that are not matrices.
double attention_vector_elements(const ModelSpec& model, const AttentionSpec& a) {
  double elements = attention_bias_elements(model, a);
  if (a.sinks) elements += real(a.q_heads);
  if (a.qk_norm) elements += 2.0 * real(a.head_dim);
  if (a.kind == AttentionKind::mla) elements += real(a.latent.q_rank + a.latent.kv_rank);  // norms of both latents
  if (a.indexer.heads > 0) elements += 2.0 * real(a.indexer.head_dim);                     // its key's LayerNorm
  if (a.kind == AttentionKind::linear) {
    // Depthwise convolution; decay rate and time-step bias per value head; norm of a head's output.
    elements += real(linear_conv_width(a.linear) * a.linear.conv_width);
    elements += real(2 * a.linear.value_heads + a.linear.value_dim);
  }
  return elements;
}

// FFN

// How many expert matrices count, and how many rows each sees.
struct ExpertLoad {
  double instances = 0.0;
  double rows = 0.0;
};

ExpertLoad expected_load(const FfnSpec& f, double tokens) {
  if (f.experts == 0) return {};
  const double instances = expected_active_experts(f.experts, f.experts_per_token, tokens);
  return {.instances = instances, .rows = instances > 0.0 ? tokens * real(f.experts_per_token) / instances : 0.0};
}

std::int64_t gate_up_width(const FfnSpec& f, std::int64_t intermediate) { return (f.gated ? 2 : 1) * intermediate; }

void append_experts(const ModelSpec& model, const FfnSpec& f, ExpertLoad load, std::vector<Linear>& products) {
  const auto of_experts = [&](const char* name, std::int64_t n, std::int64_t k) {
    return Linear{.name = name,
                  .rows = load.rows,
                  .n = n,
                  .k = k,
                  .instances = load.instances,
                  .type = model.expert_type,
                  .scale_bits = model.expert_scale_bits};
  };
  const std::int64_t width = f.expert_intermediate;
  products.push_back(of_experts("experts_gate_up", gate_up_width(f, width), model.hidden));
  products.push_back(of_experts("experts_down", model.hidden, width));
}

std::vector<Linear> ffn_products(const ModelSpec& model, const FfnSpec& f, double tokens, ExpertLoad load) {
  std::vector<Linear> products;
  const auto append_dense = [&](const char* up, const char* down, std::int64_t width) {
    products.push_back(quantized(model, up, tokens, gate_up_width(f, width), model.hidden));
    products.push_back(quantized(model, down, tokens, model.hidden, width));
  };
  if (f.intermediate > 0) append_dense("gate_up", "down", f.intermediate);
  if (f.experts > 0) {
    products.push_back(unquantized(model, "router", tokens, f.experts, model.hidden));
    append_experts(model, f, load, products);
  }
  if (f.shared_gate) products.push_back(unquantized(model, "shared_gate", tokens, 1, model.hidden));
  if (f.shared_intermediate > 0) append_dense("shared_gate_up", "shared_down", f.shared_intermediate);
  return products;
}

double ffn_vector_elements(const ModelSpec& model, const FfnSpec& f, double experts) {
  double elements = real(f.router_vectors);
  if (!f.bias) return elements;
  if (f.intermediate > 0) elements += real(gate_up_width(f, f.intermediate) + model.hidden);
  return elements + experts * real(gate_up_width(f, f.expert_intermediate) + model.hidden);
}

// a whole layer

// All matrices of the layer with `experts` of its routed experts.
std::vector<Linear> layer_products(const ModelSpec& model, const LayerSpec& layer, double experts) {
  std::vector<Linear> products = attention_inputs(model, layer, 1.0);
  const std::vector<Linear> outputs = attention_outputs(model, layer, 1.0);
  const std::vector<Linear> ffn_part = ffn_products(model, layer.ffn, 1.0, {.instances = experts, .rows = 1.0});
  products.insert(products.end(), outputs.begin(), outputs.end());
  products.insert(products.end(), ffn_part.begin(), ffn_part.end());
  return products;
}

double layer_vector_elements(const ModelSpec& model, const LayerSpec& layer, double experts) {
  return real(layer.norms * model.hidden) + attention_vector_elements(model, layer.attention) +
         ffn_vector_elements(model, layer.ffn, experts);
}

double parameters_with(const ModelSpec& model, const LayerSpec& layer, std::int64_t experts) {
  double elements = layer_vector_elements(model, layer, real(experts));
  for (const Linear& product : layer_products(model, layer, real(experts))) elements += product.weights();
  return elements;
}

}  // namespace

std::vector<Linear> attention_inputs(const ModelSpec& model, const LayerSpec& layer, double tokens) {
  CHECK(tokens >= 0.0, "a batch of {} tokens", tokens);
  const AttentionSpec& a = layer.attention;
  switch (a.kind) {
    case AttentionKind::gqa:
      return {quantized(model, "qkv", tokens, qkv_width(a), model.hidden)};
    case AttentionKind::mla:
      return mla_inputs(model, a, tokens);
    case AttentionKind::linear: {
      const auto& l = a.linear;
      const std::int64_t width = linear_conv_width(l) + l.value_heads * l.value_dim + 2 * l.value_heads;
      return {quantized(model, "linear_in", tokens, width, model.hidden)};
    }
  }
  return {};
}

std::vector<Linear> attention_outputs(const ModelSpec& model, const LayerSpec& layer, double tokens) {
  CHECK(tokens >= 0.0, "a batch of {} tokens", tokens);
  const AttentionSpec& a = layer.attention;
  if (a.kind == AttentionKind::linear) {
    return {quantized(model, "out", tokens, model.hidden, a.linear.value_heads * a.linear.value_dim)};
  }
  const Linear out = quantized(model, "out", tokens, model.hidden, a.q_heads * a.v_head_dim);
  if (a.kind == AttentionKind::gqa) return {out};
  Linear absorb = quantized(model, "v_absorb", tokens, a.v_head_dim, a.latent.kv_rank);
  absorb.instances = real(a.q_heads);
  return {absorb, out};
}

std::vector<Linear> ffn(const ModelSpec& model, const LayerSpec& layer, double tokens) {
  CHECK(tokens >= 0.0, "a batch of {} tokens", tokens);
  return ffn_products(model, layer.ffn, tokens, expected_load(layer.ffn, tokens));
}

double expected_active_experts(std::int64_t experts, std::int64_t experts_per_token, double tokens) {
  CHECK(experts_per_token > 0 && experts_per_token <= experts, "{} of {} experts", experts_per_token, experts);
  CHECK(tokens >= 0.0, "a batch of {} tokens", tokens);
  const double chosen = real(experts_per_token) / real(experts);
  return real(experts) * (1.0 - std::pow(1.0 - chosen, tokens));
}

Linear query_projection(const ModelSpec& model, const LayerSpec& layer, double tokens) {
  CHECK(layer.attention.kind == AttentionKind::gqa, "a single query projection exists only in gqa layers");
  return quantized(model, "q", tokens, layer.attention.q_heads * layer.attention.head_dim, model.hidden);
}

Linear kv_projection(const ModelSpec& model, const LayerSpec& layer, double tokens) {
  CHECK(layer.attention.kind == AttentionKind::gqa, "K and V are projected apart from Q in gqa layers only");
  return quantized(model, "kv", tokens, kv_width(layer.attention), model.hidden);
}

Linear lm_head(const ModelSpec& model, double tokens) {
  return unquantized(model, "lm_head", tokens, model.vocab, model.hidden);
}

ParameterCount count_parameters(const ModelSpec& model) {
  ParameterCount count;
  for (const LayerSpec& layer : model.layers) {
    count.total += layer_parameters(model, layer);
    count.active += parameters_with(model, layer, layer.ffn.experts_per_token);
  }
  const double outside_layers = embedding_parameters(model) + real(model.hidden);  // the final norm
  count.total += outside_layers;
  count.active += outside_layers;
  return count;
}

double layer_parameters(const ModelSpec& model, const LayerSpec& layer) {
  return parameters_with(model, layer, layer.ffn.experts);
}

double embedding_parameters(const ModelSpec& model) {
  return (model.tied_embeddings ? 1.0 : 2.0) * real(model.vocab) * real(model.hidden);
}

Bytes layer_weight_bytes(const ModelSpec& model, const LayerSpec& layer) {
  const double experts = real(layer.ffn.experts);
  Bytes bytes = layer_vector_elements(model, layer, experts) * bytes_of(model.unquantized_type);
  for (const Linear& product : layer_products(model, layer, experts)) bytes += product.weight_bytes();
  return bytes;
}

Bytes embedding_bytes(const ModelSpec& model) { return embedding_parameters(model) * bytes_of(model.unquantized_type); }

Bytes weight_bytes(const ModelSpec& model) {
  Bytes bytes = embedding_bytes(model) + real(model.hidden) * bytes_of(model.unquantized_type);
  for (const LayerSpec& layer : model.layers) bytes += layer_weight_bytes(model, layer);
  return bytes;
}

Bytes kv_bytes_per_token(const ModelSpec& model, const LayerSpec& layer) {
  const AttentionSpec& a = layer.attention;
  const Bytes element = bytes_of(model.kv_type);
  switch (a.kind) {
    case AttentionKind::gqa:
      return real(a.kv_heads * (a.head_dim + (a.keys_are_values ? 0 : a.v_head_dim))) * element;
    case AttentionKind::mla: {
      const Bytes indexer_key = a.indexer.heads > 0 ? real(a.indexer.head_dim) * bytes_of(DataType::fp8) : Bytes();
      return real(a.latent.kv_rank + a.latent.rope_dim) * element + indexer_key;
    }
    case AttentionKind::linear:
      return Bytes();
  }
  return Bytes();
}

Bytes kv_bytes_per_token(const ModelSpec& model) {
  Bytes bytes;
  for (const LayerSpec& layer : model.layers) bytes += kv_bytes_per_token(model, layer);
  return bytes;
}

Bytes kv_bytes_per_sequence(const ModelSpec& model, const LayerSpec& layer, std::int64_t context) {
  const AttentionSpec& a = layer.attention;
  if (a.kind == AttentionKind::linear) {
    const auto& l = a.linear;
    const double convolved = real((l.conv_width - 1) * linear_conv_width(l));
    return real(l.value_heads * l.key_dim * l.value_dim) * bytes_of(l.state_type) + convolved * bytes_of(model.kv_type);
  }
  const std::int64_t tokens = a.window > 0 ? std::min(a.window, context) : context;
  return real(tokens) * kv_bytes_per_token(model, layer);
}

Flops attention_flops(const LayerSpec& layer, double tokens) {
  const AttentionSpec& a = layer.attention;
  switch (a.kind) {
    case AttentionKind::gqa:
      return Flops(2.0 * real(a.q_heads) * tokens * real(a.head_dim + a.v_head_dim));
    case AttentionKind::mla:
      return Flops(2.0 * real(a.q_heads) * tokens * real(2 * a.latent.kv_rank + a.latent.rope_dim));
    case AttentionKind::linear:
      return Flops(7.0 * real(a.linear.value_heads * a.linear.key_dim * a.linear.value_dim));
  }
  return Flops();
}

Flops indexer_flops(const LayerSpec& layer, double tokens) {
  return Flops(2.0 * real(layer.attention.indexer.heads * layer.attention.indexer.head_dim) * tokens);
}

std::int64_t attended_tokens(const LayerSpec& layer, std::int64_t context) {
  const AttentionSpec& a = layer.attention;
  if (a.kind == AttentionKind::linear) return 0;
  std::int64_t tokens = context;
  if (a.window > 0) tokens = std::min(tokens, a.window);
  if (a.indexer.top_k > 0) tokens = std::min(tokens, a.indexer.top_k);
  return tokens;
}

bool has_growing_kv(const LayerSpec& layer) {
  return layer.attention.kind == AttentionKind::gqa && layer.attention.window == 0;
}

}  // namespace outrider
