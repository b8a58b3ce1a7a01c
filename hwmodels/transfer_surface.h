// Measured copy rates by fragment size, interpolated.
#pragma once

#include <vector>

#include "sim/spec/machine.h"

namespace outrider {

// Time of one fragment in a long row of equal ones: log-log interpolation between measured points, so it is exact at
// the points and monotone; below the first point the cost per copy is constant; above the last, the last rate holds.
class TransferSurface {
 public:
  TransferSurface() = default;
  explicit TransferSurface(const std::vector<TransferPoint>& points);
  bool empty() const { return sizes_.empty(); }
  double seconds_per_fragment(double bytes) const;  // bytes > 0

 private:
  std::vector<double> sizes_, times_;
};

}  // namespace outrider
