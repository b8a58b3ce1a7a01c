// Order statistics of trials.
#include "calibration/samples/measurement.h"

#include <algorithm>
#include <cmath>

#include "sim/base/check.h"
#include "sim/base/statistics.h"

namespace outrider {

Measurement summary_of(std::vector<double> seconds) {
  CHECK(!seconds.empty(), "a summary of no trials");
  std::sort(seconds.begin(), seconds.end());
  const auto n = static_cast<double>(seconds.size());
  const double half = 0.98 * std::sqrt(n);
  const auto last = seconds.size() - 1;
  const auto low = static_cast<std::size_t>(std::max(0.0, std::floor(0.5 * n - half)));
  const auto high = std::min(last, static_cast<std::size_t>(std::ceil(0.5 * n + half)));
  Measurement result;
  result.median = interpolated_quantile(seconds, 0.5);
  result.low = seconds[low];
  result.high = seconds[high];
  result.spread = result.median > 0.0
                      ? (interpolated_quantile(seconds, 0.9) - interpolated_quantile(seconds, 0.1)) / result.median
                      : 0.0;
  result.trials = static_cast<int>(seconds.size());
  return result;
}

}  // namespace outrider
