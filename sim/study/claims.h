// Published figures beside predicted ones. Claims are data; claim_metrics() is the vocabulary of what they can speak
// of.
#pragma once

#include <vector>

#include "sim/study/plan.h"
#include "sim/study/results.h"
#include "sim/trace/claim_metrics.h"

namespace outrider {

// Reads the claim's figure off the points. A claim of a metric that the simulator does not predict, or whose rows are
// missing or do not fit, is not available, and says why. "equals" holds within 20 % of the claimed figure; of a
// ratio of speeds, within 20 % of its gain over 1. The note names rows whose step times trend.
ClaimResult judge(const Claim& claim, const std::vector<PointResult>& points);

// The points that the scenario's claims are read off, each once, in the order of the claims; at contexts and batches of
// the claim, whatever its workload lists. Without prefill, of which no metric speaks.
std::vector<PlannedPoint> plan_claims(const Scenario& scenario);

}  // namespace outrider
