// Ranks among sorted values.
#include "sim/base/statistics.h"

#include "sim/base/check.h"

namespace outrider {
namespace {

// Where `share` of the way from the first to the last of `count` values is, in steps from one to the next.
double position(std::size_t count, double share) {
  CHECK(count > 0 && share >= 0.0 && share <= 1.0, "a quantile at {} of {} values", share, count);
  return share * static_cast<double>(count - 1);
}

}  // namespace

std::size_t nearest_rank(std::size_t count, double share) {
  return static_cast<std::size_t>(position(count, share) + 0.5);
}

double interpolated_quantile(std::vector<double> values, double share) {
  const double at = position(values.size(), share);
  std::sort(values.begin(), values.end());
  const auto below = static_cast<std::size_t>(at);
  const double above = values[std::min(below + 1, values.size() - 1)];
  return values[below] + (at - static_cast<double>(below)) * (above - values[below]);
}

}  // namespace outrider
