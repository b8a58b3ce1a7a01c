// How a machine's text differs from the one it is named after.
#pragma once

#include <string>
#include <vector>

#include "sim/io/yaml_node.h"

namespace outrider {

// Every figure that `is` states otherwise than `was`, in the order of the texts: "cpu.cores: 64 instead of 16". Names,
// descriptions and sources are no figures; "4800 GB/s" and "4.8 TB/s" are the same.
std::vector<std::string> machine_changes(const YamlNode& is, const YamlNode& was);

}  // namespace outrider
