// The layers of a model, from the members of its config.json.
#pragma once

#include <vector>

#include "sim/io/hf_architecture.h"
#include "sim/spec/model.h"

namespace outrider {

// Reports what is missing or wrong; the layers then have zeros in its place. Requires hidden and layers as read.
struct LayerStack {
  std::int64_t hidden = 0;
  std::int64_t layers = 0;
};
std::vector<LayerSpec> read_layers(const HfFields& fields, const Architecture& architecture, LayerStack stack);

// By layer; no dense FFN where the layer has experts in its place. In hf_experts.cpp.
std::vector<FfnSpec> read_ffns(const HfFields& fields, const Architecture& architecture, LayerStack stack);

}  // namespace outrider
