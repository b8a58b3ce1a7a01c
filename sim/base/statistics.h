// Quantiles of values that were measured or simulated: medians of trials, percentiles of errors.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace outrider {

// Of `count` sorted values, at least one: the index of the one nearest to `share`, 0 to 1, of the way from the first to
// the last, and of two as near the upper. At 0.5 of an even number that is the upper of the two in the middle.
std::size_t nearest_rank(std::size_t count, double share);

// The value at that rank: always one of `values`, which need not be sorted.
template <class T>
T nearest_quantile(std::vector<T> values, double share) {
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(nearest_rank(values.size(), share));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

// The same, linearly between the two values next to it (type 7 of Hyndman and Fan, 1996, NumPy's default): at 0.5 of an
// even number the mean of the two in the middle.
double interpolated_quantile(std::vector<double> values, double share);

}  // namespace outrider
