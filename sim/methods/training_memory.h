// What a training step holds in memory, and the buckets in which its gradients become weights.
#pragma once

#include <optional>
#include <vector>

#include "sim/methods/method.h"
#include "sim/methods/training_recipe.h"
#include "sim/spec/model_math.h"

namespace outrider {

// A matrix of a layer and the module whose formats it has; routers and gates of experts have none and stay at 16 bits.
struct LayerProduct {
  Linear linear;
  std::optional<Module> module;
};
// In the order of the forward pass; the FFN's last product follows its activation.
struct LayerProducts {
  std::vector<LayerProduct> inputs, outputs, ffn;
};
LayerProducts products_of(const ModelSpec& model, const LayerSpec& layer, double tokens);

// The formats in which a product's weights are kept between steps: those of the forward pass and of input gradients.
std::vector<DataType> weight_formats(const Recipe& recipe, const LayerProduct& product);

// Parameters whose gradients are complete at once, in the order of the backward pass: the LM head with the final norm,
// the layers from the last to the first, the input embedding (with a tied head). Together all of the model's.
struct Bucket {
  int layer = -1;
  double parameters = 0.0;
};
std::vector<Bucket> buckets_of(const ModelSpec& model);

// Bytes to a parameter.
inline constexpr double kGradientBytes = 2.0, kWeightBytes = 2.0, kMasterBytes = 4.0, kMomentBytes = 8.0;

struct TrainingMemory {
  const MethodPoint& point;
  const PrecisionSchedule& schedule;
  const Units& units;
  bool offloads = false;     // gradients and the optimizer's state in DRAM
  bool checkpoints = false;  // only each layer's input is kept of the forward pass
  Bytes hbm_reserve, dram_reserve;

  // Activations of a layer: inputs of its products in the format in which weight gradients read them; inputs of norms,
  // Q, K, V, the attention's output and inputs of the activation at 16 bits; a float for each query and head.
  Bytes layer_activations(const LayerSpec& layer, const Recipe& recipe) const;  // of a token
  Bytes weights(const Recipe& recipe) const;
  bool quantises_all_of_a_weight() const;
  std::vector<MemoryUse> uses() const;
};

}  // namespace outrider
