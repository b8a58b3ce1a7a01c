// The first quarter of a series against the last.
#include "sim/trace/trend.h"

#include <algorithm>
#include <cmath>

namespace outrider {
namespace {

constexpr double kLeastChange = 0.05;
constexpr double kLeastAgreement = 0.9;

// Twice the median, which is a whole number of ticks.
std::int64_t twice_median(std::vector<Duration> times) {
  std::sort(times.begin(), times.end());
  return times[(times.size() - 1) / 2].ps() + times[times.size() / 2].ps();
}

// Of all pairs of an early and a late step, the share in which the late one is longer; shorter where `falling`.
double agreement(const std::vector<Duration>& early, const std::vector<Duration>& late, bool falling) {
  std::size_t agree = 0;
  for (const Duration before : early) {
    agree += static_cast<std::size_t>(std::count_if(
        late.begin(), late.end(), [&](Duration after) { return falling ? after < before : after > before; }));
  }
  return static_cast<double>(agree) / static_cast<double>(early.size() * late.size());
}

}  // namespace

StepTrend step_trend(const std::vector<Duration>& times) {
  if (times.size() < 4) return {};
  const auto quarter = static_cast<std::ptrdiff_t>(std::max<std::size_t>(2, times.size() / 4));
  const std::vector<Duration> early(times.begin(), times.begin() + quarter), late(times.end() - quarter, times.end());
  const std::int64_t before = twice_median(early), after = twice_median(late);
  if (before <= 0) return {};
  const double ratio = static_cast<double>(after) / static_cast<double>(before);
  const bool apart = std::abs(ratio - 1.0) > kLeastChange;
  return {.ratio = ratio, .trends = apart && agreement(early, late, ratio < 1.0) >= kLeastAgreement};
}

}  // namespace outrider
