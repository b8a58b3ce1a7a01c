// Trials of what it takes until one knows of another's end: kernels among themselves, kernels and copies, GPU and CPU.
#include <atomic>
#include <chrono>
#include <thread>

#include "kernels/cuda/flags.h"
#include "kernels/cuda/memory_kernels.h"
#include "kernels/cuda/timing.h"

namespace outrider {
namespace {

using Where = CudaMemory::Where;

// A second stream, and events between it and the first.
class OtherStream {
 public:
  explicit OtherStream(int events) : events_(static_cast<std::size_t>(events)) {
    check_cuda(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
    for (cudaEvent_t& event : events_) check_cuda(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
  }
  ~OtherStream() {
    cudaStreamSynchronize(stream_);
    for (cudaEvent_t event : events_) cudaEventDestroy(event);
    cudaStreamDestroy(stream_);
  }
  OtherStream(const OtherStream&) = delete;
  OtherStream& operator=(const OtherStream&) = delete;

  cudaStream_t get() const { return stream_; }
  void hand_over(int event, cudaStream_t from, cudaStream_t to) const {
    check_cuda(cudaEventRecord(events_[static_cast<std::size_t>(event)], from));
    check_cuda(cudaStreamWaitEvent(to, events_[static_cast<std::size_t>(event)], 0));
  }

 private:
  cudaStream_t stream_ = nullptr;
  std::vector<cudaEvent_t> events_;
};

// Kernels launched one by one, in one stream, or in two that wait for each other by events.
class EagerChainTrial final : public DeviceTrial {
 public:
  static constexpr int kKernels = 200;  // below what a stream queues before it blocks

  explicit EagerChainTrial(bool by_events) : other_(kKernels), by_events_(by_events) {
    check_cuda(launch_nothing(gated_.stream()));
    check_cuda(cudaStreamSynchronize(gated_.stream()));
  }

  DeviceTime run() override {
    DeviceTime time = gated_.time([this](cudaStream_t stream) {
      for (int i = 0; i < kKernels; ++i) {
        const bool back = by_events_ && i % 2 == 1;
        const cudaStream_t from = back ? other_.get() : stream;
        check_cuda(launch_nothing(from));
        if (by_events_) other_.hand_over(i, from, back ? stream : other_.get());
      }
    });
    time.seconds /= kKernels;
    return time;
  }

 private:
  GatedStream gated_;
  OtherStream other_;
  bool by_events_;
};

// A kernel on one branch of a graph and a copy on another, each waiting for the one before.
class CopyChainTrial final : public GraphTrial {
 public:
  static constexpr int kPairs = 40;

  CopyChainTrial(CopyWay way, std::size_t bytes)
      : other_(2 * kPairs), host_(Where::host, bytes), device_(Where::device, bytes) {
    capture(
        [&](cudaStream_t stream) {
          for (int i = 0; i < kPairs; ++i) {
            check_cuda(launch_nothing(stream));
            other_.hand_over(2 * i, stream, other_.get());
            check_cuda(way == CopyWay::h2d
                           ? cudaMemcpyAsync(device_.as(), host_.as(), bytes, cudaMemcpyHostToDevice, other_.get())
                           : cudaMemcpyAsync(host_.as(), device_.as(), bytes, cudaMemcpyDeviceToHost, other_.get()));
            other_.hand_over(2 * i + 1, other_.get(), stream);
          }
        },
        kPairs);
  }

 private:
  OtherStream other_;
  CudaMemory host_, device_;
};

// Units of kernels in a graph, at whose first kernel a small copy branches off, on a branch of copies; where they join,
// the next unit's first kernel waits for that copy, which has long ended.
class BranchChainTrial final : public GraphTrial {
 public:
  static constexpr int kUnits = 40, kKernels = 4;

  BranchChainTrial(CopyWay way, Branches branches, std::size_t bytes)
      : other_(2 * kUnits + 1),
        host_(Where::host, bytes),
        device_(Where::device, bytes),
        read_(Where::device, kRead),
        sink_(Where::device, 256) {
    check_cuda(cudaMemset(read_.as(), 1, kRead));
    capture([&](cudaStream_t stream) { queue(way, branches, bytes, stream); }, kUnits);
  }

 private:
  static constexpr std::size_t kRead = 8'000'000;  // of a kernel, which finds it in L2

  void queue(CopyWay way, Branches branches, std::size_t bytes, cudaStream_t stream) const {
    for (int unit = 0; unit < kUnits; ++unit) {
      if (branches == Branches::joined && unit > 0) other_.hand_over(2 * unit - 1, other_.get(), stream);
      for (int kernel = 0; kernel < kKernels; ++kernel) {
        check_cuda(launch_read(read_.as<uint4>(), kRead / sizeof(uint4), sink_.as<unsigned>(), stream));
        if (kernel > 0 || branches == Branches::none) continue;
        other_.hand_over(2 * unit, stream, other_.get());
        queue_copy(way, host_.as(), device_.as(), bytes, other_.get());
      }
    }
    if (branches != Branches::none) other_.hand_over(2 * kUnits, other_.get(), stream);
  }

  OtherStream other_;
  CudaMemory host_, device_, read_, sink_;
};

// Turns of a kernel and a thread: behind each kernel a flag is raised, the thread that watches it raises another at
// once, and a kernel watches that. All kernels are of one graph.
class FlagChainTrial final : public DeviceTrial {
 public:
  static constexpr int kTurns = 100;

  FlagChainTrial() : flags_(Where::host, 2 * kTurns * kStride), turned_(kTurns) {
    check_cuda(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
    load_kernels();
    cudaGraph_t graph = nullptr;
    check_cuda(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal));
    for (int turn = 0; turn < kTurns; ++turn) {
      check_cuda(launch_nothing(stream_));
      check_cuda(launch_raise(on_device(2 * turn), stream_));
      check_cuda(launch_await(on_device(2 * turn + 1), stream_));
    }
    check_cuda(cudaStreamEndCapture(stream_, &graph));
    const cudaError_t made = cudaGraphInstantiate(&replay_, graph, 0);
    cudaGraphDestroy(graph);
    check_cuda(made);
  }
  ~FlagChainTrial() override {
    cudaStreamSynchronize(stream_);
    if (replay_ != nullptr) cudaGraphExecDestroy(replay_);
    cudaStreamDestroy(stream_);
  }

  // Of one turn, behind a first quarter of them.
  DeviceTime run() override {
    for (int flag = 0; flag < 2 * kTurns; ++flag) of_host(flag).store(0, std::memory_order_relaxed);
    check_cuda(cudaGraphLaunch(replay_, stream_));
    for (int turn = 0; turn < kTurns; ++turn) {
      while (of_host(2 * turn).load(std::memory_order_acquire) == 0) {}
      turned_[static_cast<std::size_t>(turn)] = Clock::now();
      of_host(2 * turn + 1).store(1, std::memory_order_release);
    }
    check_cuda(cudaStreamSynchronize(stream_));
    constexpr int kFirst = kTurns / 4;
    return {std::chrono::duration<double>(turned_.back() - turned_[kFirst]).count() / (kTurns - 1 - kFirst), 0.0};
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t kStride = 64;  // a cache line each

  // The first launch of a kernel may wait for what runs.
  void load_kernels() {
    of_host(0).store(1);
    check_cuda(launch_nothing(stream_));
    check_cuda(launch_raise(on_device(1), stream_));
    check_cuda(launch_await(on_device(0), stream_));
    check_cuda(cudaStreamSynchronize(stream_));
  }
  std::atomic<std::uint32_t>& of_host(int flag) const {
    return *reinterpret_cast<std::atomic<std::uint32_t>*>(flags_.as<char>() + static_cast<std::size_t>(flag) * kStride);
  }
  // Pinned memory has one address for both.
  std::uint32_t* on_device(int flag) const { return reinterpret_cast<std::uint32_t*>(&of_host(flag)); }

  CudaMemory flags_;
  std::vector<Clock::time_point> turned_;
  cudaStream_t stream_ = nullptr;
  cudaGraphExec_t replay_ = nullptr;
};

}  // namespace

DeviceTrialPtr stream_chain_trial() { return std::make_unique<EagerChainTrial>(false); }
DeviceTrialPtr event_chain_trial() { return std::make_unique<EagerChainTrial>(true); }
DeviceTrialPtr copy_chain_trial(CopyWay way, double bytes) {
  return std::make_unique<CopyChainTrial>(way, static_cast<std::size_t>(bytes));
}
DeviceTrialPtr branch_chain_trial(CopyWay way, Branches branches, double bytes) {
  return std::make_unique<BranchChainTrial>(way, branches, static_cast<std::size_t>(bytes));
}
DeviceTrialPtr flag_chain_trial() { return std::make_unique<FlagChainTrial>(); }

}  // namespace outrider
