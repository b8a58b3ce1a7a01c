// Published figures beside predicted ones. Claims are data; this is the vocabulary of what they can speak of.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "sim/study/results.h"

namespace outrider {

struct ClaimMetric {
  std::string_view name;
  std::string_view meaning;
};
// The metrics that claims may name.
std::span<const ClaimMetric> claim_metrics();

// Reads the claim's figure off the points. A claim of a metric that the simulator does not predict, or whose rows are
// missing or do not fit, is not available, and says why.
ClaimResult judge(const Claim& claim, const std::vector<PointResult>& points);

}  // namespace outrider
