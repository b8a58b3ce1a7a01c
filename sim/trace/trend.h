// Whether a series of step times goes somewhere, so that its mean depends on how long one looks.
#pragma once

#include <vector>

#include "sim/base/ticks.h"

namespace outrider {

struct StepTrend {
  double ratio = 1.0;   // median of the last quarter ÷ median of the first
  bool trends = false;  // the medians are over 5 % apart, and 9 of 10 pairs of a first and a last step agree on it
};

// Of step times in order of time. A quarter has two steps at least; fewer than four steps show no trend. Medians and
// pairs rather than means: one long step in a quarter (a recall, say) is no trend.
StepTrend step_trend(const std::vector<Duration>& times);

}  // namespace outrider
