// One published figure of a scenario, checked against the scenario's labels and workloads.
#pragma once

#include "sim/io/yaml_reader.h"
#include "sim/spec/scenario.h"

namespace outrider {

// Requires the scenario's methods and workloads to have been read.
Claim read_claim(Section& item, const Scenario& scenario);

}  // namespace outrider
