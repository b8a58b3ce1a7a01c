// Copies between scattered fragments of a region of pinned memory and the GPU, for trials: a call for each.
#pragma once

#include <algorithm>
#include <numeric>
#include <vector>

#include "kernels/cuda/timing.h"
#include "sim/base/random.h"

namespace outrider {

// On the GPU fragments lie in order. One fragment alone has a region of its own size; more lie anywhere in a region of
// 1 GiB, as blocks of a cache do, and each row of copies takes those that were not copied for longest.
class ScatteredCopies {
 public:
  ScatteredCopies(CopyWay way, std::size_t fragment, std::size_t count)
      : way_(way),
        fragment_(fragment),
        count_(count),
        places_(count == 1 ? 1 : std::max(count, kRegion / fragment)),
        host_(CudaMemory::Where::host, places_.size() * fragment),
        device_(CudaMemory::Where::device, count * fragment) {
    std::iota(places_.begin(), places_.end(), std::size_t{0});
    RandomStream random(3);
    for (std::size_t i = places_.size(); i > 1; --i) std::swap(places_[i - 1], places_[random.below(i)]);
  }

  void queue(cudaStream_t stream) {
    for (std::size_t i = 0; i < count_; ++i) {
      queue_copy(way_, host_.as<char>() + places_[next_] * fragment_, device_.as<char>() + i * fragment_, fragment_,
                 stream);
      next_ = (next_ + 1) % places_.size();
    }
  }

 private:
  static constexpr std::size_t kRegion = std::size_t{1} << 30;

  CopyWay way_;
  std::size_t fragment_, count_;
  std::vector<std::size_t> places_;
  std::size_t next_ = 0;
  CudaMemory host_, device_;
};

}  // namespace outrider
