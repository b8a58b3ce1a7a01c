// Queueing of work behind a gate, and its time by events.
#pragma once

#include <cuda_runtime.h>

#include <functional>
#include <vector>

#include "kernels/cuda/trials.h"

namespace outrider {

// Throws std::runtime_error with CUDA's words.
void check_cuda(cudaError_t error);

// Memory that lives as long as this; `host` memory is pinned.
class CudaMemory {
 public:
  enum class Where { device, host };
  CudaMemory(Where where, std::size_t bytes);
  ~CudaMemory();
  CudaMemory(const CudaMemory&) = delete;
  CudaMemory& operator=(const CudaMemory&) = delete;
  template <class T = void>
  T* as() const {
    return static_cast<T*>(data_);
  }

 private:
  void* data_ = nullptr;
  Where where_;
};

// Queues a copy between pinned or pageable memory and the GPU's.
void queue_copy(CopyWay way, void* host, void* device, std::size_t bytes, cudaStream_t stream);

// A stream with a gate: hold() queues a kernel that spins until open().
class GatedStream {
 public:
  GatedStream();
  ~GatedStream();
  GatedStream(const GatedStream&) = delete;
  GatedStream& operator=(const GatedStream&) = delete;

  cudaStream_t stream() const { return stream_; }
  // Time from the gate's opening to the end of what `queue` puts on the stream. Kernels must have run once before: the
  // first launch of one may wait for the device, which the gate holds.
  DeviceTime time(const std::function<void(cudaStream_t)>& queue);

 private:
  cudaStream_t stream_ = nullptr;
  cudaEvent_t begin_ = nullptr, end_ = nullptr;
  CudaMemory gate_;  // the flag, then clock and nanoseconds of the spinning
};

// Kernels captured once and replayed as a graph; a trial's time is one kernel's.
class GraphTrial : public DeviceTrial {
 public:
  GraphTrial() = default;
  ~GraphTrial() override;
  GraphTrial(const GraphTrial&) = delete;
  GraphTrial& operator=(const GraphTrial&) = delete;
  DeviceTime run() override;
  std::vector<KernelLaunch> launches() const override { return launches_; }

 protected:
  // Called by the constructors of what derives: `work` launches `kernels` kernels on the stream.
  void capture(const std::function<void(cudaStream_t)>& work, int kernels);

 private:
  GatedStream gated_;
  cudaGraphExec_t replay_ = nullptr;
  int kernels_ = 1;
  std::vector<KernelLaunch> launches_;
};

}  // namespace outrider
