// Study files of the fidelity experiment, read as strictly as scenarios.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include "fidelity/study.h"
#include "sim/io/errors.h"
#include "sim/io/yaml_node.h"

namespace outrider {

// Assignments apply in order, before anything is read. All mistakes are in `errors`.
std::optional<FidelityStudy> read_fidelity_study(const std::filesystem::path& file,
                                                 const std::vector<YamlAssignment>& assignments, ConfigErrors& errors);

// "5%", "2048" or "2K".
std::optional<TokenBudget> parse_token_budget(std::string_view text);

}  // namespace outrider
