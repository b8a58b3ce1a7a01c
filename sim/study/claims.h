// Published figures beside predicted ones. Claims are data; claim_metrics() is the vocabulary of what they can speak
// of.
#pragma once

#include <vector>

#include "sim/study/results.h"
#include "sim/trace/claim_metrics.h"

namespace outrider {

// Reads the claim's figure off the points. A claim of a metric that the simulator does not predict, or whose rows are
// missing or do not fit, is not available, and says why. "equals" holds within 20 % of the claimed figure; of a
// ratio of speeds, within 20 % of its gain over 1. The note names rows whose step times trend.
ClaimResult judge(const Claim& claim, const std::vector<PointResult>& points);

}  // namespace outrider
