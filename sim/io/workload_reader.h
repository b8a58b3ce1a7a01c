// The load of a scenario: blocks of design points, and how selections drift.
#pragma once

#include <filesystem>
#include <vector>

#include "sim/io/input_files.h"
#include "sim/io/method_reader.h"
#include "sim/io/yaml_reader.h"
#include "sim/spec/scenario.h"

namespace outrider {

// Reads `workloads` and `training` of a scenario, of which it has one at least. Contexts hold at least one block of
// every method that runs in them. Where methods of both kinds are listed, each workload names those of its own.
std::vector<Workload> read_workloads(Section& root, const MethodList& methods);

// Reads `locality` of a scenario: figures, or the name of a preset in the presets' file.
Locality read_locality(Section& root, const std::filesystem::path& presets, InputFiles& inputs);

}  // namespace outrider
