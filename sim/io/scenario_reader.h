// Scenario files: everything a run depends on, checked against the table of methods.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sim/io/errors.h"
#include "sim/io/yaml_shape.h"
#include "sim/spec/scenario.h"

namespace outrider {

// One `--set path=value`.
struct ScenarioOverride {
  std::string path, value;
};

struct ScenarioRequest {
  std::filesystem::path file;
  std::filesystem::path library{};  // the folder of shipped scenarios; empty: the nearest one at or above the file
  std::vector<ScenarioOverride> overrides{};
};

// Overrides apply in order, before anything is read; those below "machine." reach into the machine's file. Paths in the
// file start at its folder, those in overrides at the current one. All mistakes
// of all files are in `errors`, those of an override with "--set <path>" as their file.
std::optional<Scenario> read_scenario(const ScenarioRequest& request, std::span<const MethodInfo> catalog,
                                      ConfigErrors& errors);
std::optional<Scenario> read_scenario(const std::filesystem::path& file, std::span<const MethodInfo> catalog,
                                      const std::vector<ScenarioOverride>& overrides, ConfigErrors& errors);

// What a scenario file may hold.
YamlShape scenario_shape(std::span<const MethodInfo> catalog);

}  // namespace outrider
