// Interpolation of copy times.
#include "hwmodels/transfer_surface.h"

#include <algorithm>

namespace outrider {

TransferSurface::TransferSurface(const std::vector<TransferPoint>& points) {
  for (const TransferPoint& point : points) {
    sizes_.push_back(point.fragment.value());
    times_.push_back((point.fragment / point.rate).value());
  }
}

double TransferSurface::seconds_per_fragment(double bytes) const {
  const auto above = std::lower_bound(sizes_.begin(), sizes_.end(), bytes);
  if (above == sizes_.begin()) return times_.front();
  if (above == sizes_.end()) return times_.back() * bytes / sizes_.back();
  const auto i = static_cast<std::size_t>(above - sizes_.begin());
  if (*above == bytes) return times_[i];
  const double share = (bytes - sizes_[i - 1]) / (sizes_[i] - sizes_[i - 1]);
  return times_[i - 1] + share * (times_[i] - times_[i - 1]);
}

}  // namespace outrider
