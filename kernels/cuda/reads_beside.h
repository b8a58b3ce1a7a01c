// Reads of device memory beside other work of the GPU, timed where both run.
#pragma once

#include <functional>

#include "kernels/cuda/timing.h"

namespace outrider {

// A row of reads whose first and last thirds are not timed: other work runs before, meanwhile and after, on a stream of
// its own. Whoever has what the other work needs calls begin() once it is there, and end() before it goes.
class ReadsBeside {
 public:
  ReadsBeside(double bytes, int reads);  // of so many bytes each; the row is three times as long

  void begin();
  void end();

  cudaStream_t other() const { return other_; }
  void read(cudaStream_t stream) const;
  // The time of one read of the row, while what `queue` puts on the other stream runs.
  DeviceTime time(const std::function<void(cudaStream_t other)>& queue);

 private:
  int reads_;
  std::size_t words_;
  GatedStream gated_;
  CudaMemory memory_, sink_;
  cudaStream_t other_ = nullptr;
  cudaEvent_t begin_ = nullptr, end_ = nullptr, fork_ = nullptr;
};

}  // namespace outrider
