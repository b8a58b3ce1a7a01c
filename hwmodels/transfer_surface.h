// Measured copy rates by fragment size, interpolated.
#pragma once

#include <vector>

#include "sim/spec/machine.h"

namespace outrider {

// Time of one fragment in a long row of equal ones: exact at the measured points and linear between them, as a fixed
// cost and a rate are (128 KiB on one H200: 5.40 us measured, 5.39 between those of 64 and 256 KiB); below the first
// point the cost per copy is constant; above the last, the last rate holds.
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
