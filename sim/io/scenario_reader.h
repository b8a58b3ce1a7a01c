// Scenario files: everything a run depends on, checked against the table of methods.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sim/io/errors.h"
#include "sim/io/input_files.h"
#include "sim/io/yaml_shape.h"
#include "sim/spec/scenario.h"

namespace outrider {

// One `--set path=value`, or one from elsewhere, which `origin` names in messages.
struct ScenarioOverride {
  std::string path, value;
  std::string origin{};  // "study.yaml:12"; empty: "--set <path>"
};

struct ScenarioRequest {
  std::filesystem::path file;
  std::filesystem::path library{};  // the folder of shipped scenarios; empty: the nearest one at or above the file
  std::vector<ScenarioOverride> overrides{};
  bool with_claims = true;  // false: whatever the file claims is left aside
};

// Overrides apply in order, before anything is read; those below "machine." reach into the machine's file,
// and those below "claims." into the file of claims. Paths in the
// file start at its folder, those in overrides at the current one. All mistakes
// of all files are in `errors`, those of an override with "--set <path>" as their file.
std::optional<Scenario> read_scenario(const ScenarioRequest& request, std::span<const MethodInfo> catalog,
                                      ConfigErrors& errors);
// Many scenarios that name the same files read each once.
std::optional<Scenario> read_scenario(const ScenarioRequest& request, std::span<const MethodInfo> catalog,
                                      InputFiles& inputs, ConfigErrors& errors);
std::optional<Scenario> read_scenario(const std::filesystem::path& file, std::span<const MethodInfo> catalog,
                                      const std::vector<ScenarioOverride>& overrides, ConfigErrors& errors);

// What a scenario file may hold.
YamlShape scenario_shape(std::span<const MethodInfo> catalog);

}  // namespace outrider
