// Trials of copies, and of reading beside them.
#include <algorithm>
#include <vector>

#include "kernels/cuda/memory_kernels.h"
#include "kernels/cuda/timing.h"

namespace outrider {
namespace {

using Where = CudaMemory::Where;

void copy(CopyWay way, const CudaMemory& host, const CudaMemory& device, std::size_t offset, std::size_t bytes,
          cudaStream_t stream) {
  char *const at_host = host.as<char>() + offset, *const at_device = device.as<char>() + offset;
  check_cuda(way == CopyWay::h2d ? cudaMemcpyAsync(at_device, at_host, bytes, cudaMemcpyHostToDevice, stream)
                                 : cudaMemcpyAsync(at_host, at_device, bytes, cudaMemcpyDeviceToHost, stream));
}

// Fragments go round a region that no cache holds, where it is large enough.
class CopyTrial final : public DeviceTrial {
 public:
  CopyTrial(CopyWay way, double fragment, double count)
      : way_(way),
        fragment_(static_cast<std::size_t>(fragment)),
        count_(static_cast<std::size_t>(count)),
        region_(std::max(fragment_, std::min<std::size_t>(fragment_ * count_, std::size_t{1} << 30))),
        host_(Where::host, region_),
        device_(Where::device, region_),
        host_back_(Where::host, way == CopyWay::both ? region_ : 1),
        device_back_(Where::device, way == CopyWay::both ? region_ : 1) {
    check_cuda(cudaStreamCreateWithFlags(&back_, cudaStreamNonBlocking));
    check_cuda(cudaEventCreateWithFlags(&fork_, cudaEventDisableTiming));
    check_cuda(cudaEventCreateWithFlags(&join_, cudaEventDisableTiming));
  }
  ~CopyTrial() override {
    cudaStreamSynchronize(back_);
    cudaEventDestroy(fork_);
    cudaEventDestroy(join_);
    cudaStreamDestroy(back_);
  }

  DeviceTime run() override {
    return gated_.time([this](cudaStream_t stream) {
      if (way_ != CopyWay::both) return queue(way_, host_, device_, stream);
      check_cuda(cudaEventRecord(fork_, stream));
      check_cuda(cudaStreamWaitEvent(back_, fork_, 0));
      queue(CopyWay::h2d, host_, device_, stream);
      queue(CopyWay::d2h, host_back_, device_back_, back_);
      check_cuda(cudaEventRecord(join_, back_));
      check_cuda(cudaStreamWaitEvent(stream, join_, 0));
    });
  }

 private:
  void queue(CopyWay way, const CudaMemory& host, const CudaMemory& device, cudaStream_t stream) const {
    for (std::size_t i = 0; i < count_; ++i)
      copy(way, host, device, i * fragment_ % (region_ / fragment_ * fragment_), fragment_, stream);
  }

  CopyWay way_;
  std::size_t fragment_, count_, region_;
  GatedStream gated_;
  CudaMemory host_, device_, host_back_, device_back_;
  cudaStream_t back_ = nullptr;
  cudaEvent_t fork_ = nullptr, join_ = nullptr;
};

// A row of reads whose first and last thirds are not timed: copies run before, meanwhile and after.
class ReadBesideCopyTrial final : public DeviceTrial {
 public:
  ReadBesideCopyTrial(CopyWay way, double bytes)
      : way_(way),
        words_(static_cast<std::size_t>(bytes) / sizeof(uint4)),
        memory_(Where::device, static_cast<std::size_t>(bytes)),
        sink_(Where::device, 256),
        host_(Where::host, kCopyBytes),
        device_(Where::device, kCopyBytes) {
    check_cuda(cudaMemset(memory_.as(), 1, static_cast<std::size_t>(bytes)));
    check_cuda(cudaStreamCreateWithFlags(&copies_, cudaStreamNonBlocking));
    check_cuda(cudaEventCreate(&begin_));
    check_cuda(cudaEventCreate(&end_));
    check_cuda(cudaEventCreateWithFlags(&fork_, cudaEventDisableTiming));
  }
  ~ReadBesideCopyTrial() override {
    cudaStreamSynchronize(copies_);
    for (cudaEvent_t event : {begin_, end_, fork_}) cudaEventDestroy(event);
    cudaStreamDestroy(copies_);
  }

  DeviceTime run() override {
    DeviceTime time = gated_.time([this](cudaStream_t stream) {
      check_cuda(cudaEventRecord(fork_, stream));
      check_cuda(cudaStreamWaitEvent(copies_, fork_, 0));
      for (int i = 0; i < kCopies; ++i) copy(way_, host_, device_, 0, kCopyBytes, copies_);
      for (int i = 0; i < 3 * kReads; ++i) {
        if (i == kReads) check_cuda(cudaEventRecord(begin_, stream));
        if (i == 2 * kReads) check_cuda(cudaEventRecord(end_, stream));
        check_cuda(launch_read(memory_.as<uint4>(), words_, sink_.as<unsigned>(), stream));
      }
    });
    float milliseconds = 0.0f;
    check_cuda(cudaEventElapsedTime(&milliseconds, begin_, end_));
    check_cuda(cudaStreamSynchronize(copies_));
    time.seconds = milliseconds * 1e-3 / kReads;
    return time;
  }

 private:
  // Copies of about 80 ms, reads of about 20 ms.
  static constexpr std::size_t kCopyBytes = std::size_t{64} << 20;
  static constexpr int kCopies = 64, kReads = 12;

  CopyWay way_;
  std::size_t words_;
  GatedStream gated_;
  CudaMemory memory_, sink_, host_, device_;
  cudaStream_t copies_ = nullptr;
  cudaEvent_t begin_ = nullptr, end_ = nullptr, fork_ = nullptr;
};

}  // namespace

DeviceTrialPtr copy_trial(CopyWay way, double fragment, double count) {
  return std::make_unique<CopyTrial>(way, fragment, count);
}
DeviceTrialPtr read_beside_copy_trial(CopyWay way, double bytes) {
  return std::make_unique<ReadBesideCopyTrial>(way, bytes);
}

}  // namespace outrider
