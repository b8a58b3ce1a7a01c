// Trials of what calls cost the host thread.
#include <chrono>

#include "kernels/cuda/memory_kernels.h"
#include "kernels/cuda/timing.h"

namespace outrider {
namespace {

using Clock = std::chrono::steady_clock;

double since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

class HostCallTrial final : public DeviceTrial {
 public:
  static constexpr int kCalls = 200;    // below what a stream queues before it blocks
  static constexpr int kKernels = 400;  // of the graph: a decode step's
  static constexpr int kGraphs = 8;

  explicit HostCallTrial(HostCall call)
      : call_(call), host_(CudaMemory::Where::host, 4096), device_(CudaMemory::Where::device, 4096) {
    check_cuda(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
    if (call == HostCall::launch_graph) capture();
  }
  ~HostCallTrial() override {
    cudaStreamSynchronize(stream_);
    if (replay_ != nullptr) cudaGraphExecDestroy(replay_);
    cudaStreamDestroy(stream_);
  }

  DeviceTime run() override {
    const int calls = call_ == HostCall::launch_graph ? kGraphs : kCalls;
    check_cuda(cudaStreamSynchronize(stream_));
    const Clock::time_point begin = Clock::now();
    for (int i = 0; i < calls; ++i) one_call();
    double seconds = since(begin) / calls;
    if (call_ == HostCall::synchronize) seconds -= launches_alone();
    check_cuda(cudaStreamSynchronize(stream_));
    return {seconds, 0.0};
  }

 private:
  void capture() {
    cudaGraph_t graph = nullptr;
    check_cuda(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal));
    for (int i = 0; i < kKernels; ++i) check_cuda(launch_nothing(stream_));
    check_cuda(cudaStreamEndCapture(stream_, &graph));
    const cudaError_t made = cudaGraphInstantiate(&replay_, graph, 0);
    cudaGraphDestroy(graph);
    check_cuda(made);
  }

  void one_call() {
    switch (call_) {
      case HostCall::launch_kernel:
        return check_cuda(launch_nothing(stream_));
      case HostCall::launch_copy:
        return check_cuda(cudaMemcpyAsync(device_.as(), host_.as(), 4096, cudaMemcpyHostToDevice, stream_));
      case HostCall::launch_graph:
        return check_cuda(cudaGraphLaunch(replay_, stream_));
      case HostCall::synchronize:
        check_cuda(launch_nothing(stream_));
        return check_cuda(cudaStreamSynchronize(stream_));
    }
  }

  // A launch alone, of which what a launch with its synchronisation takes more is the synchronisation.
  double launches_alone() {
    const Clock::time_point begin = Clock::now();
    for (int i = 0; i < kCalls; ++i) check_cuda(launch_nothing(stream_));
    return since(begin) / kCalls;
  }

  HostCall call_;
  CudaMemory host_, device_;
  cudaStream_t stream_ = nullptr;
  cudaGraphExec_t replay_ = nullptr;
};

}  // namespace

DeviceTrialPtr host_call_trial(HostCall call) { return std::make_unique<HostCallTrial>(call); }

}  // namespace outrider
