// One published figure of a scenario, checked against the scenario's labels and workloads.
#pragma once

#include <string>
#include <vector>

#include "sim/io/yaml_reader.h"
#include "sim/spec/scenario.h"

namespace outrider {

// What claims may refer to.
struct ClaimNames {
  std::vector<std::string> labels, workloads;
};

// The list at `key`, each with an id of its own.
std::vector<Claim> read_claims(Section& root, Key key, const ClaimNames& names);

}  // namespace outrider
