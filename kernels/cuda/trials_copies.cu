// Trials of copies, and of reading beside them.
#include <memory>

#include "kernels/cuda/memory_kernels.h"
#include "kernels/cuda/reads_beside.h"
#include "kernels/cuda/scattered_copies.h"

namespace outrider {
namespace {

using Where = CudaMemory::Where;

class CopyTrial final : public DeviceTrial {
 public:
  CopyTrial(CopyWay way, std::size_t fragment, std::size_t count)
      : copies_(way == CopyWay::d2h ? CopyWay::d2h : CopyWay::h2d, fragment, count) {
    if (way == CopyWay::both) back_ = std::make_unique<ScatteredCopies>(CopyWay::d2h, fragment, count);
    check_cuda(cudaStreamCreateWithFlags(&stream_back_, cudaStreamNonBlocking));
    check_cuda(cudaEventCreateWithFlags(&fork_, cudaEventDisableTiming));
    check_cuda(cudaEventCreateWithFlags(&join_, cudaEventDisableTiming));
  }
  ~CopyTrial() override {
    cudaStreamSynchronize(stream_back_);
    cudaEventDestroy(fork_);
    cudaEventDestroy(join_);
    cudaStreamDestroy(stream_back_);
  }

  DeviceTime run() override {
    return gated_.time([this](cudaStream_t stream) {
      if (!back_) return copies_.queue(stream);
      check_cuda(cudaEventRecord(fork_, stream));
      check_cuda(cudaStreamWaitEvent(stream_back_, fork_, 0));
      copies_.queue(stream);
      back_->queue(stream_back_);
      check_cuda(cudaEventRecord(join_, stream_back_));
      check_cuda(cudaStreamWaitEvent(stream, join_, 0));
    });
  }

 private:
  GatedStream gated_;
  ScatteredCopies copies_;
  std::unique_ptr<ScatteredCopies> back_;  // where both ways are copied at once
  cudaStream_t stream_back_ = nullptr;
  cudaEvent_t fork_ = nullptr, join_ = nullptr;
};

// A row of copies while another stream reads device memory, from before the first to after the last.
class CopyBesideReadsTrial final : public DeviceTrial {
 public:
  CopyBesideReadsTrial(CopyWay way, std::size_t fragment, std::size_t count)
      : copies_(way, fragment, count), memory_(Where::device, kReadBytes), sink_(Where::device, 256) {
    check_cuda(cudaMemset(memory_.as(), 1, kReadBytes));
    check_cuda(cudaStreamCreateWithFlags(&reads_, cudaStreamNonBlocking));
    check_cuda(cudaEventCreate(&begin_));
    check_cuda(cudaEventCreate(&end_));
    check_cuda(cudaEventCreateWithFlags(&fork_, cudaEventDisableTiming));
    check_cuda(cudaEventCreateWithFlags(&first_, cudaEventDisableTiming));
    read();
    check_cuda(cudaStreamSynchronize(reads_));
    seconds_ = copies_alone();
  }
  ~CopyBesideReadsTrial() override {
    cudaStreamSynchronize(reads_);
    for (cudaEvent_t event : {begin_, end_, fork_, first_}) cudaEventDestroy(event);
    cudaStreamDestroy(reads_);
  }

  DeviceTime run() override {
    const auto reads = static_cast<int>(2.0 * seconds_ / kSecondsOfRead) + 2;
    DeviceTime time = gated_.time([this, reads](cudaStream_t stream) {
      check_cuda(cudaEventRecord(fork_, stream));
      check_cuda(cudaStreamWaitEvent(reads_, fork_, 0));
      read();
      check_cuda(cudaEventRecord(first_, reads_));
      for (int i = 0; i < reads; ++i) read();
      check_cuda(cudaStreamWaitEvent(stream, first_, 0));
      check_cuda(cudaEventRecord(begin_, stream));
      copies_.queue(stream);
      check_cuda(cudaEventRecord(end_, stream));
    });
    float milliseconds = 0.0f;
    check_cuda(cudaEventElapsedTime(&milliseconds, begin_, end_));
    check_cuda(cudaStreamSynchronize(reads_));
    time.seconds = milliseconds * 1e-3;
    return time;
  }

 private:
  static constexpr std::size_t kReadBytes = std::size_t{1} << 30;
  static constexpr double kSecondsOfRead = 2e-4;  // at least

  void read() {
    check_cuda(launch_read(memory_.as<uint4>(), kReadBytes / sizeof(uint4), sink_.as<unsigned>(), reads_));
  }
  double copies_alone() {
    return gated_.time([this](cudaStream_t stream) { copies_.queue(stream); }).seconds;
  }

  GatedStream gated_;
  ScatteredCopies copies_;
  CudaMemory memory_, sink_;
  cudaStream_t reads_ = nullptr;
  cudaEvent_t begin_ = nullptr, end_ = nullptr, fork_ = nullptr, first_ = nullptr;
  double seconds_ = 0.0;
};

class ReadBesideCopyTrial final : public DeviceTrial {
 public:
  ReadBesideCopyTrial(CopyWay way, double bytes)
      : way_(way), reads_(bytes, kReads), host_(Where::host, kCopyBytes), device_(Where::device, kCopyBytes) {
    reads_.begin();
  }
  ~ReadBesideCopyTrial() override { reads_.end(); }

  DeviceTime run() override {
    return reads_.time([this](cudaStream_t other) {
      for (int i = 0; i < kCopies; ++i) queue_copy(way_, host_.as(), device_.as(), kCopyBytes, other);
    });
  }

 private:
  // Copies of about 80 ms, reads of about 20 ms.
  static constexpr std::size_t kCopyBytes = std::size_t{64} << 20;
  static constexpr int kCopies = 64, kReads = 12;

  CopyWay way_;
  ReadsBeside reads_;
  CudaMemory host_, device_;
};

}  // namespace

DeviceTrialPtr copy_trial(CopyWay way, double fragment, double count) {
  return std::make_unique<CopyTrial>(way, static_cast<std::size_t>(fragment), static_cast<std::size_t>(count));
}
DeviceTrialPtr copy_beside_reads_trial(CopyWay way, double fragment, double count) {
  return std::make_unique<CopyBesideReadsTrial>(way, static_cast<std::size_t>(fragment),
                                                static_cast<std::size_t>(count));
}
DeviceTrialPtr read_beside_copy_trial(CopyWay way, double bytes) {
  return std::make_unique<ReadBesideCopyTrial>(way, bytes);
}

}  // namespace outrider
