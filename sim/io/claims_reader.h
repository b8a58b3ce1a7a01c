// One published figure of a scenario, checked against the scenario's labels and workloads.
#pragma once

#include <span>
#include <string>
#include <string_view>
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

// The metrics that claims may name; study/claims.h says what each means.
std::span<const std::string_view> claim_metric_names();

}  // namespace outrider
