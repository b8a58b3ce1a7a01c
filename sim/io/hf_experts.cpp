// Dense FFNs and experts of every layer, by the conventions of each family of mixture-of-experts models.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

#include "sim/io/hf_layers.h"

namespace outrider {
namespace {

constexpr IntegerRange kExpertRange{1, 1 << 16};

// Names of the keys that say how many experts there are and how many a token visits.
struct ExpertKeys {
  std::string_view experts, per_token, width;
};

FfnSpec read_experts(const HfFields& fields, ExpertKeys keys) {
  FfnSpec ffn;
  ffn.experts = fields.integer(keys.experts, kExpertRange);
  ffn.experts_per_token = fields.integer(keys.per_token, kExpertRange);
  ffn.expert_intermediate = fields.integer(keys.width, kWidthRange);
  if (ffn.experts > 0 && ffn.experts_per_token > ffn.experts) {
    fields.error(keys.per_token, fmt::format("at most {} ({})", keys.experts, ffn.experts));
  }
  return ffn;
}

FfnSpec read_dense(const HfFields& fields, const Architecture& architecture) {
  FfnSpec ffn;
  ffn.intermediate = fields.integer("intermediate_size", kWidthRange);
  ffn.bias = architecture.name == "llama" && fields.flag("mlp_bias", false);
  return ffn;
}

// One FFN per layer; the dense one is read only where a layer has it.
std::vector<FfnSpec> arrange(const HfFields& fields, const Architecture& architecture, const FfnSpec& experts,
                             const std::vector<bool>& sparse) {
  const bool any_dense = std::find(sparse.begin(), sparse.end(), false) != sparse.end();
  const FfnSpec dense = any_dense ? read_dense(fields, architecture) : FfnSpec();
  std::vector<FfnSpec> ffns;
  for (bool is_sparse : sparse) ffns.push_back(is_sparse ? experts : dense);
  return ffns;
}

// Qwen

// Qwen3MoeDecoderLayer: experts in every decoder_sparse_step-th layer that mlp_only_layers does not name.
std::vector<bool> qwen_sparse_layers(const HfFields& fields, LayerStack stack) {
  const std::int64_t step = std::max<std::int64_t>(1, fields.integer("decoder_sparse_step", kLayerRange, 1));
  std::vector<bool> sparse;
  for (std::int64_t i = 0; i < stack.layers; ++i) sparse.push_back((i + 1) % step == 0);
  for (std::int64_t dense : fields.integers("mlp_only_layers", {0, std::max<std::int64_t>(0, stack.layers - 1)})) {
    if (dense < stack.layers) sparse[static_cast<std::size_t>(dense)] = false;
  }
  return sparse;
}

FfnSpec read_qwen_experts(const HfFields& fields, const Architecture& architecture) {
  FfnSpec ffn = read_experts(fields, {"num_experts", "num_experts_per_tok", "moe_intermediate_size"});
  ffn.shared_gate = architecture.shared_gate;
  if (ffn.shared_gate) ffn.shared_intermediate = fields.integer("shared_expert_intermediate_size", kWidthRange);
  return ffn;
}

// DeepSeek

// Experts in every moe_layer_freq-th layer from first_k_dense_replace on, or where mlp_layer_types says so.
std::vector<bool> deepseek_sparse_layers(const HfFields& fields, LayerStack stack) {
  constexpr std::array<std::string_view, 2> kTypes = {"dense", "sparse"};
  std::vector<bool> sparse;
  if (fields.has("mlp_layer_types")) {
    for (const std::string& type : fields.words("mlp_layer_types", static_cast<std::size_t>(stack.layers), kTypes)) {
      sparse.push_back(type == "sparse");
    }
    sparse.resize(static_cast<std::size_t>(stack.layers), true);
    return sparse;
  }
  const std::int64_t dense = fields.integer("first_k_dense_replace", {0, kLayerRange.max});
  const std::int64_t step = std::max<std::int64_t>(1, fields.integer("moe_layer_freq", kLayerRange, 1));
  for (std::int64_t i = 0; i < stack.layers; ++i) sparse.push_back(i >= dense && i % step == 0);
  return sparse;
}

FfnSpec read_deepseek_experts(const HfFields& fields, const Architecture& architecture) {
  FfnSpec ffn = read_experts(fields, {"n_routed_experts", "num_experts_per_tok", "moe_intermediate_size"});
  const std::int64_t shared =
      fields.is_null("n_shared_experts") ? 0 : fields.integer("n_shared_experts", {0, kExpertRange.max});
  ffn.shared_intermediate = shared * ffn.expert_intermediate;
  // Auxiliary-loss-free balancing keeps a correction bias per expert (DeepSeek-V3, arXiv 2412.19437, section 2.1.2).
  const std::string method = fields.text("topk_method", architecture.selection_bias ? "noaux_tc" : "greedy");
  if (method == "noaux_tc") ffn.router_vectors = ffn.experts;
  return ffn;
}

// Gemma

// Parts of Gemma 4 that ModelSpec has no place for.
void refuse_gemma_variants(const HfFields& fields) {
  if (fields.integer("num_kv_shared_layers", {0, kLayerRange.max}, 0) > 0) {
    fields.error("num_kv_shared_layers", "0: layers that share another layer's KV are not supported");
  }
  if (fields.integer("hidden_size_per_layer_input", {0, kWidthRange.max}, 256) > 0) {
    fields.error("hidden_size_per_layer_input", "0: per-layer input embeddings are not supported (the default is 256)");
  }
}

FfnSpec read_gemma_ffn(const HfFields& fields, const Architecture& architecture, LayerStack stack) {
  refuse_gemma_variants(fields);
  const FfnSpec dense = read_dense(fields, architecture);
  if (!fields.flag("enable_moe_block", false)) return dense;
  FfnSpec ffn = read_experts(fields, {"num_experts", "top_k_experts", "moe_intermediate_size"});
  ffn.intermediate = dense.intermediate;
  ffn.router_vectors = stack.hidden + ffn.experts;  // the router's input scale and its scale per expert
  return ffn;
}

// Mixtral and gpt-oss

FfnSpec read_gpt_oss_experts(const HfFields& fields) {
  const bool older = !fields.has("num_experts_per_tok") && fields.has("experts_per_token");
  const std::string_view per_token = older ? "experts_per_token" : "num_experts_per_tok";
  FfnSpec ffn = read_experts(fields, {"num_local_experts", per_token, "intermediate_size"});
  ffn.bias = true;
  ffn.router_vectors = ffn.experts;
  return ffn;
}

}  // namespace

std::vector<FfnSpec> read_ffns(const HfFields& fields, const Architecture& architecture, LayerStack stack) {
  const auto layers = static_cast<std::size_t>(stack.layers);
  switch (architecture.experts) {
    case ExpertRule::none:
      return std::vector<FfnSpec>(layers, read_dense(fields, architecture));
    case ExpertRule::mixtral:
      return std::vector<FfnSpec>(
          layers, read_experts(fields, {"num_local_experts", "num_experts_per_tok", "intermediate_size"}));
    case ExpertRule::gpt_oss:
      return std::vector<FfnSpec>(layers, read_gpt_oss_experts(fields));
    case ExpertRule::gemma:
      return std::vector<FfnSpec>(layers, read_gemma_ffn(fields, architecture, stack));
    case ExpertRule::qwen:
      return arrange(fields, architecture, read_qwen_experts(fields, architecture), qwen_sparse_layers(fields, stack));
    case ExpertRule::deepseek:
      return arrange(fields, architecture, read_deepseek_experts(fields, architecture),
                     deepseek_sparse_layers(fields, stack));
  }
  return {};
}

}  // namespace outrider
