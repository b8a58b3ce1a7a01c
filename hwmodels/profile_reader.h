// Profile files: every coefficient of the hardware models with its interval and source.
//
//   name: assumed
//   kind: assumed            # assumed, fitted or transferred
//   machine: h200-16c        # the machine it was fitted on; not for assumptions
//   note: what to bear in mind
//   coefficients:
//     gpu.kernel_gap: {value: 1.2 us, low: 0.8 us, high: 2.5 us, source: where it comes from}
//
// All coefficients of coefficient_table() must be there and no other; low <= value <= high.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "hwmodels/profile.h"
#include "sim/io/errors.h"
#include "sim/io/yaml_node.h"

namespace outrider {

std::optional<Profile> read_profile(const std::filesystem::path& file, ConfigErrors& errors);
// A profile from a tree already loaded; `file` is for messages.
std::optional<Profile> read_profile(const YamlNode& tree, const std::string& file, ConfigErrors& errors);

// The JSON schema of profile files, for editors.
std::string profile_schema();

}  // namespace outrider
