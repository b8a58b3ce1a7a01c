// Machine files: hardware figures with their provenance, as MachineSpec.
//
// Sections gpu, link, cpu, host; keys are the field names of spec/machine.h. A section's `source` speaks for all of its
// figures; a single figure may say more as {value: 4800 GB/s, source: vendor datasheet}. gpu.peak is {bf16: 989
// TFLOP/s, …}, fp32 and bf16 at least. Transfer surfaces are lists of {fragment: 4 KiB, rate: 0.8 GB/s}
// with rising fragments. `topology` is optional: nodes {name, kind} and links {from, to, forward, backward, both}.
#pragma once

#include <filesystem>
#include <optional>

#include "sim/io/yaml_node.h"
#include "sim/io/yaml_reader.h"
#include "sim/io/yaml_shape.h"
#include "sim/spec/machine.h"

namespace outrider {

std::optional<MachineSpec> read_machine(const std::filesystem::path& file, ConfigErrors& errors);
// A machine from a tree already loaded (and overridden); `file` is for messages.
std::optional<MachineSpec> read_machine(const YamlNode& tree, const std::string& file, ConfigErrors& errors);
// A machine written within another document.
std::optional<MachineSpec> read_machine(Section section);

}  // namespace outrider
