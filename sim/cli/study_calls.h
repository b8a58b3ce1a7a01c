// What `run`, `explain` and `validate` share: checks of labels against a scenario, and a run's provenance without its
// figures.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/cli/inputs.h"
#include "sim/cli/options.h"
#include "sim/study/run.h"

namespace outrider {

std::vector<std::string> method_labels(const Scenario& scenario);

// One error for each of `labels` that the scenario lacks, with the nearest that it has. `flag` is where they were
// given.
InputErrors unknown_labels(const Scenario& scenario, const std::vector<std::string>& labels, const std::string& flag);

// Errors of --methods, and of --timeline, which must name a method that runs.
InputErrors label_errors(const Scenario& scenario, const std::vector<std::string>& methods,
                         const std::optional<TimelinePoint>& timeline);

// The header of a report (names, profile, seed, version, caveats), without rows.
RunReport provenance_of(const Inputs& inputs);

}  // namespace outrider
