// The figures of repeated trials: a median, and how well it is known.
#pragma once

#include <vector>

namespace outrider {

// [low, high] is the distribution-free 95 % confidence interval of the median: the order statistics at
// n/2 ∓ 0.98·√n. `spread` is (P90 − P10) ÷ median of the trials kept.
struct Measurement {
  double median = 0.0, low = 0.0, high = 0.0, spread = 0.0;
  int trials = 0;     // kept
  int discarded = 0;  // disturbed
  bool settled = false;

  double precision() const { return median > 0.0 ? 0.5 * (high - low) / median : 0.0; }
};

// The figures of some times; at least one. Order does not matter.
Measurement summary_of(std::vector<double> seconds);

}  // namespace outrider
