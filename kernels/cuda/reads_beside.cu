// The row of reads, and the events about its second third.
#include "kernels/cuda/memory_kernels.h"
#include "kernels/cuda/reads_beside.h"

namespace outrider {

ReadsBeside::ReadsBeside(double bytes, int reads)
    : reads_(reads),
      words_(static_cast<std::size_t>(bytes) / sizeof(uint4)),
      memory_(CudaMemory::Where::device, static_cast<std::size_t>(bytes)),
      sink_(CudaMemory::Where::device, 256) {}

void ReadsBeside::begin() {
  check_cuda(cudaMemset(memory_.as(), 1, words_ * sizeof(uint4)));
  check_cuda(cudaStreamCreateWithFlags(&other_, cudaStreamNonBlocking));
  check_cuda(cudaEventCreate(&begin_));
  check_cuda(cudaEventCreate(&end_));
  check_cuda(cudaEventCreateWithFlags(&fork_, cudaEventDisableTiming));
}

void ReadsBeside::end() {
  cudaStreamSynchronize(other_);
  for (cudaEvent_t event : {begin_, end_, fork_}) cudaEventDestroy(event);
  cudaStreamDestroy(other_);
}

void ReadsBeside::read(cudaStream_t stream) const {
  check_cuda(launch_read(memory_.as<uint4>(), words_, sink_.as<unsigned>(), stream));
}

DeviceTime ReadsBeside::time(const std::function<void(cudaStream_t other)>& queue) {
  DeviceTime time = gated_.time([&](cudaStream_t stream) {
    check_cuda(cudaEventRecord(fork_, stream));
    check_cuda(cudaStreamWaitEvent(other_, fork_, 0));
    queue(other_);
    for (int i = 0; i < 3 * reads_; ++i) {
      if (i == reads_) check_cuda(cudaEventRecord(begin_, stream));
      if (i == 2 * reads_) check_cuda(cudaEventRecord(end_, stream));
      read(stream);
    }
  });
  float milliseconds = 0.0f;
  check_cuda(cudaEventElapsedTime(&milliseconds, begin_, end_));
  check_cuda(cudaStreamSynchronize(other_));
  time.seconds = milliseconds * 1e-3 / reads_;
  return time;
}

}  // namespace outrider
