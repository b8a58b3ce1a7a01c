// The list of methods of a scenario, with presets and parameters checked against the catalog.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "sim/io/yaml_reader.h"
#include "sim/spec/scenario.h"

namespace outrider {

struct MethodList {
  std::vector<MethodRequest> requests;
  std::vector<std::string> labels;  // also of requests that were refused, so that each mistake is reported once
};

// Reads `methods` of a scenario: names, {label, method, preset, set: {parameter: value}}, or {label, compose:
// {parameter: value}} for the catalog's composed one. Layers that are named lie below `layers`, where the model is
// known (0: it is not). Requires that every method of the catalog has a preset (CHECKed).
MethodList read_methods(Section& root, std::span<const MethodInfo> catalog, std::size_t layers);

}  // namespace outrider
