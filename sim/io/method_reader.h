// The list of methods of a scenario, with presets and parameters checked against the catalog.
#pragma once

#include <span>
#include <vector>

#include "sim/io/yaml_reader.h"
#include "sim/spec/scenario.h"

namespace outrider {

// Reads `methods` of a scenario: names, or {label, method, preset, set: {parameter: value}}.
std::vector<MethodRequest> read_methods(Section& root, std::span<const MethodInfo> catalog);

}  // namespace outrider
