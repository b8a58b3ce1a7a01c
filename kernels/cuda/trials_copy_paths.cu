// Trials of other ways to copy: from pageable memory, and many fragments in one call.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <vector>

#include "kernels/cuda/memory_kernels.h"
#include "kernels/cuda/timing.h"

namespace outrider {
namespace {

using Where = CudaMemory::Where;
using Clock = std::chrono::steady_clock;

struct FreeHost {
  void operator()(void* memory) const { std::free(memory); }
};

// The host thread copies to a staging buffer of the driver's: its time is the call's, with the wait for the last bytes.
class PageableTrial final : public DeviceTrial {
 public:
  PageableTrial(CopyWay way, std::size_t fragment, std::size_t count)
      : way_(way),
        fragment_(fragment),
        count_(count),
        host_(std::malloc(fragment * count)),
        device_(Where::device, fragment * count) {
    if (!host_) throw std::runtime_error("no host memory for pageable copies");
    std::memset(host_.get(), 1, fragment * count);
    check_cuda(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
  }
  ~PageableTrial() override { cudaStreamDestroy(stream_); }

  DeviceTime run() override {
    check_cuda(cudaDeviceSynchronize());
    const Clock::time_point begin = Clock::now();
    for (std::size_t i = 0; i < count_; ++i) {
      queue_copy(way_, static_cast<char*>(host_.get()) + i * fragment_, device_.as<char>() + i * fragment_, fragment_,
                 stream_);
    }
    check_cuda(cudaStreamSynchronize(stream_));
    return {std::chrono::duration<double>(Clock::now() - begin).count(), 0.0};
  }

 private:
  CopyWay way_;
  std::size_t fragment_, count_;
  std::unique_ptr<void, FreeHost> host_;
  CudaMemory device_;
  cudaStream_t stream_ = nullptr;
};

// One cudaMemcpyBatchAsync of scattered fragments, to the GPU.
class BatchedTrial final : public DeviceTrial {
 public:
  BatchedTrial(std::size_t fragment, std::size_t count)
      : host_(Where::host, fragment * count), device_(Where::device, fragment * count), sizes_(count, fragment) {
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t scattered = (i * 7919) % count;  // counts are powers of two: a permutation
      sources_.push_back(host_.as<char>() + scattered * fragment);
      targets_.push_back(device_.as<char>() + i * fragment);
    }
  }

  DeviceTime run() override {
    return gated_.time([this](cudaStream_t stream) { queue(stream); });
  }

 private:
  void queue(cudaStream_t stream) {
#if CUDART_VERSION >= 13000
    cudaMemcpyAttributes attributes{};
    attributes.srcAccessOrder = cudaMemcpySrcAccessOrderStream;
    std::size_t first = 0;
    check_cuda(cudaMemcpyBatchAsync(targets_.data(), sources_.data(), sizes_.data(), sizes_.size(), &attributes, &first,
                                    1, stream));
#else
    (void)stream;
    throw std::runtime_error("batched copies need CUDA 13");
#endif
  }

  GatedStream gated_;
  CudaMemory host_, device_;
  std::vector<void*> targets_;
  std::vector<const void*> sources_;
  std::vector<std::size_t> sizes_;
};

}  // namespace

DeviceTrialPtr pageable_copy_trial(CopyWay way, double fragment, double count) {
  return std::make_unique<PageableTrial>(way, static_cast<std::size_t>(fragment), static_cast<std::size_t>(count));
}
DeviceTrialPtr batched_copy_trial(double fragment, double count) {
  return std::make_unique<BatchedTrial>(static_cast<std::size_t>(fragment), static_cast<std::size_t>(count));
}

}  // namespace outrider
