// Sums over products, parameters and saved activations.
#include "sim/methods/training_memory.h"

#include <algorithm>
#include <string_view>

namespace outrider {
namespace {

constexpr double kAllExperts = 1e9;  // so many tokens visit every expert

double real(std::int64_t value) { return static_cast<double>(value); }

std::vector<LayerProduct> of_module(const std::vector<Linear>& linears, Module module) {
  std::vector<LayerProduct> products;
  for (const Linear& linear : linears) {
    const std::string_view name(linear.name);
    const bool stays = name == "router" || name == "shared_gate";
    products.push_back({linear, stays ? std::nullopt : std::optional(module)});
  }
  return products;
}

double widest(const std::vector<Bucket>& buckets) {
  double most = 0.0;
  for (const Bucket& bucket : buckets) most = std::max(most, bucket.parameters);
  return most;
}

}  // namespace

LayerProducts products_of(const ModelSpec& model, const LayerSpec& layer, double tokens) {
  return {.inputs = of_module(attention_inputs(model, layer, tokens), Module::qkv),
          .outputs = of_module(attention_outputs(model, layer, tokens), Module::out),
          .ffn = of_module(ffn(model, layer, tokens), Module::ffn)};
}

std::vector<DataType> weight_formats(const Recipe& recipe, const LayerProduct& product) {
  if (!product.module) return {DataType::bf16};
  const DataType forward = recipe.of(*product.module, Pass::forward), dgrad = recipe.of(*product.module, Pass::dgrad);
  return forward == dgrad ? std::vector{forward} : std::vector{forward, dgrad};
}

std::vector<Bucket> buckets_of(const ModelSpec& model) {
  const double embedding = real(model.vocab) * real(model.hidden);
  std::vector<Bucket> buckets = {{-1, (model.tied_embeddings ? 0.0 : embedding) + real(model.hidden)}};
  for (int layer = static_cast<int>(model.layers.size()) - 1; layer >= 0; --layer)
    buckets.push_back({layer, layer_parameters(model, model.layers[static_cast<std::size_t>(layer)])});
  buckets.push_back({-1, embedding});
  return buckets;
}

Bytes TrainingMemory::layer_activations(const LayerSpec& layer, const Recipe& recipe) const {
  constexpr double kHalf = 2.0, kFloat = 4.0;
  const LayerProducts products = products_of(*point.model, layer, 1.0);
  const auto kept = [&](const LayerProduct& product) {  // of its input
    const Linear& linear = product.linear;
    const DataType type = product.module ? units.computing(recipe.of(*product.module, Pass::wgrad)) : DataType::bf16;
    return linear.rows * linear.instances * real(linear.k) * bits_of(type) / 8.0;
  };
  const AttentionSpec& a = layer.attention;
  const double queries = real(a.q_heads * a.head_dim), outputs = real(a.q_heads * a.v_head_dim);
  const double keys = real(a.kv_heads * a.head_dim), values = a.keys_are_values ? 0.0 : real(a.kv_heads * a.v_head_dim);
  double bytes =
      kHalf * (2.0 * real(point.model->hidden) + queries + keys + values + outputs) + kFloat * real(a.q_heads);
  for (const LayerProduct& product : products.inputs) bytes += kept(product);
  for (const LayerProduct& product : products.outputs) {
    const bool own_copy = product.module && is_quantised(recipe.of(*product.module, Pass::wgrad));
    if (own_copy) bytes += kept(product);  // beside the attention's output, which its backward reads
  }
  for (const LayerProduct& product : products.ffn) {
    const Linear& linear = product.linear;
    bytes += kept(product);
    if (linear.n != point.model->hidden) bytes += kHalf * linear.rows * linear.instances * real(linear.n);
  }
  return Bytes(bytes);
}

Bytes TrainingMemory::weights(const Recipe& recipe) const {
  Bytes bytes = (embedding_parameters(*point.model) + real(point.model->hidden)) * Bytes(kWeightBytes);
  for (const LayerSpec& layer : point.model->layers) {
    const LayerProducts products = products_of(*point.model, layer, kAllExperts);
    double others = layer_parameters(*point.model, layer);
    for (const auto* list : {&products.inputs, &products.outputs, &products.ffn}) {
      for (const LayerProduct& product : *list) {
        others -= product.linear.weights();
        for (const DataType type : weight_formats(recipe, product))
          bytes += product.linear.weights() * bytes_of(units.computing(type));
      }
    }
    bytes += others * Bytes(kWeightBytes);
  }
  return bytes;
}

// Then what arrives from the optimizer is not what is kept.
bool TrainingMemory::quantises_all_of_a_weight() const {
  const std::vector<Recipe> phases = schedule.phases();
  return std::any_of(phases.begin(), phases.end(), [](const Recipe& recipe) {
    return std::any_of(recipe.types.begin(), recipe.types.end(), [](const auto& passes) {
      return is_quantised(passes[static_cast<std::size_t>(Pass::forward)]) &&
             is_quantised(passes[static_cast<std::size_t>(Pass::dgrad)]);
    });
  });
}

std::vector<MemoryUse> TrainingMemory::uses() const {
  using Tier = MemoryUse::Tier;
  const ModelSpec& model = *point.model;
  const double parameters = count_parameters(model).total, bucket = widest(buckets_of(model));
  const double tokens = real(point.context);
  Bytes kept_weights, saved, of_one_layer;
  for (const Recipe& recipe : schedule.phases()) {
    kept_weights = std::max(kept_weights, weights(recipe));
    Bytes sum, largest;
    for (const LayerSpec& layer : model.layers) {
      sum += layer_activations(layer, recipe);
      largest = std::max(largest, layer_activations(layer, recipe));
    }
    saved = std::max(saved, sum);
    of_one_layer = std::max(of_one_layer, largest);
  }
  const Bytes inputs = real(static_cast<std::int64_t>(model.layers.size()) * model.hidden) * Bytes(2.0);
  const Bytes logits = real(model.vocab) * Bytes(6.0);  // 16 bits, and floats of their softmax
  const Tier state = offloads ? Tier::dram : Tier::hbm;
  const bool gathers = !offloads || point.micro_batches > 1;
  std::vector<MemoryUse> uses = {
      {"weights", Tier::hbm, kept_weights, Bytes(0.0)},
      {"FP32 master weights", state, parameters * Bytes(kMasterBytes), Bytes(0.0)},
      {"Adam's moments", state, parameters * Bytes(kMomentBytes), Bytes(0.0)},
      {"gradients", Tier::hbm, (gathers ? parameters : 2.0 * bucket) * Bytes(kGradientBytes), Bytes(0.0)},
      {"activations", Tier::hbm, Bytes(0.0), tokens * (checkpoints ? inputs : saved)},
      {"activations of a layer and their gradients", Tier::hbm, Bytes(0.0),
       tokens * (checkpoints ? 2.0 : 1.0) * of_one_layer},
      {"logits", Tier::hbm, Bytes(0.0), tokens * logits},
      {"runtime and fragmentation", Tier::hbm, hbm_reserve, Bytes(0.0)},
      {"system", Tier::dram, dram_reserve, Bytes(0.0)},
  };
  if (quantises_all_of_a_weight())
    uses.push_back({"weights before quantisation", Tier::hbm, 2.0 * bucket * Bytes(kWeightBytes), Bytes(0.0)});
  if (offloads) {
    uses.push_back({"gradients", Tier::pinned, parameters * Bytes(kGradientBytes), Bytes(0.0)});
    uses.push_back({"updated weights", Tier::pinned, parameters * Bytes(kWeightBytes), Bytes(0.0)});
  }
  return uses;
}

}  // namespace outrider
