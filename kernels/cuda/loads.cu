// Loads that run beside something else: copies, and reading of device memory.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <thread>

#include "kernels/cuda/memory_kernels.h"
#include "kernels/cuda/timing.h"

namespace outrider {
namespace {

using Where = CudaMemory::Where;

constexpr std::size_t kBytes = std::size_t{16} << 20;
constexpr std::size_t kPieces = 32;  // of host memory each way, copied in turn: more than the last-level cache holds
constexpr double kUsualRate = 50e9, kUsualRead = 4e12;

class PinnedLoad final : public CopyLoad {
 public:
  explicit PinnedLoad(const LoadKind& kind)
      : kind_(kind),
        host_(Where::host, 2 * kPieces * kBytes),
        device_(Where::device, 2 * kBytes),
        read_(Where::device, kind.reads_hbm ? kReadBytes : 16),
        sink_(Where::device, 256) {
    for (cudaStream_t* stream : {&up_, &down_, &reads_})
      check_cuda(cudaStreamCreateWithFlags(stream, cudaStreamNonBlocking));
    check_cuda(cudaEventCreate(&begin_));
    check_cuda(cudaEventCreate(&end_));
  }
  ~PinnedLoad() override {
    for (cudaStream_t stream : {up_, down_, reads_}) {
      cudaStreamSynchronize(stream);
      cudaStreamDestroy(stream);
    }
    cudaEventDestroy(begin_);
    cudaEventDestroy(end_);
  }

  void begin(double seconds) override {
    copies_ = std::max(1, static_cast<int>(seconds * kUsualRate / kBytes));
    const cudaStream_t timed = kind_.way == CopyWay::d2h ? down_ : up_;
    check_cuda(cudaEventRecord(begin_, timed));
    char *const host = host_.as<char>(), *const device = device_.as<char>();
    for (int i = 0; i < copies_; ++i, next_ = (next_ + 1) % kPieces) {
      char* const up = host + next_ * kBytes;
      if (kind_.way != CopyWay::d2h) queue_copy(CopyWay::h2d, up, device, kBytes, up_);
      if (kind_.way != CopyWay::h2d) queue_copy(CopyWay::d2h, up + kPieces * kBytes, device + kBytes, kBytes, down_);
    }
    check_cuda(cudaEventRecord(end_, timed));
    const int reads = kind_.reads_hbm ? std::max(1, static_cast<int>(seconds * kUsualRead / kReadBytes)) : 0;
    for (int i = 0; i < reads; ++i)
      check_cuda(launch_read(read_.as<uint4>(), kReadBytes / sizeof(uint4), sink_.as<unsigned>(), reads_));
  }

  double end() override {
    float milliseconds = 0.0f;
    for (cudaStream_t stream : {up_, down_, reads_}) check_cuda(cudaStreamSynchronize(stream));
    check_cuda(cudaEventElapsedTime(&milliseconds, begin_, end_));
    const double ways = kind_.way == CopyWay::both ? 2.0 : 1.0;
    return ways * static_cast<double>(copies_) * kBytes / (milliseconds * 1e-3);
  }

 private:
  static constexpr std::size_t kReadBytes = 1'000'000'000 / 16 * 16;
  LoadKind kind_;
  CudaMemory host_, device_, read_, sink_;
  cudaStream_t up_ = nullptr, down_ = nullptr, reads_ = nullptr;
  cudaEvent_t begin_ = nullptr, end_ = nullptr;
  int copies_ = 0;
  std::size_t next_ = 0;  // piece of host memory
};

// A host thread of its own copies from pageable memory until it is told to end: the load is what it reaches.
class PageableLoad final : public CopyLoad {
 public:
  PageableLoad() : host_(std::malloc(kBytes)), device_(Where::device, kBytes) {
    if (host_ == nullptr) throw std::runtime_error("no host memory for pageable copies");
    std::memset(host_, 1, kBytes);
  }
  ~PageableLoad() override {
    if (thread_.joinable()) end();
    std::free(host_);
  }

  void begin(double) override {
    ending_ = false;
    copies_ = 0;
    begin_ = std::chrono::steady_clock::now();
    thread_ = std::thread([this] {
      while (!ending_ && cudaMemcpy(device_.as(), host_, kBytes, cudaMemcpyHostToDevice) == cudaSuccess) ++copies_;
    });
  }
  double end() override {
    ending_ = true;
    thread_.join();
    check_cuda(cudaGetLastError());
    if (copies_ == 0) throw std::runtime_error("pageable copies made no way");
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin_;
    return static_cast<double>(copies_) * kBytes / took.count();
  }

 private:
  void* host_;
  CudaMemory device_;
  std::thread thread_;
  std::atomic<bool> ending_{false};
  int copies_ = 0;
  std::chrono::steady_clock::time_point begin_;
};

}  // namespace

std::unique_ptr<CopyLoad> copy_load(const LoadKind& kind) {
  if (kind.pageable) return std::make_unique<PageableLoad>();
  return std::make_unique<PinnedLoad>(kind);
}

}  // namespace outrider
