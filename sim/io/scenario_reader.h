// Scenario files: everything a run depends on, checked against the table of methods.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sim/io/errors.h"
#include "sim/spec/scenario.h"

namespace outrider {

// One `--set path=value`.
struct ScenarioOverride {
  std::string path, value;
};

// Names of models, machines, profiles and localities are looked up in the nearest folder above the scenario that holds
// models/ and machines/ (the scenarios folder), then as paths relative to the scenario file. Overrides below "machine."
// reach into the machine's file. All mistakes of all files are in `errors`.
std::optional<Scenario> read_scenario(const std::filesystem::path& file, std::span<const MethodInfo> catalog,
                                      const std::vector<ScenarioOverride>& overrides, ConfigErrors& errors);

}  // namespace outrider
