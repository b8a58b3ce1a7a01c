// The gate: a kernel that watches a flag in host memory, and meanwhile the SM's clock.
#include <chrono>
#include <stdexcept>
#include <thread>

#include "kernels/cuda/timing.h"

namespace outrider {
namespace {

struct Gate {
  volatile unsigned open;
  volatile unsigned long long cycles, nanoseconds;
};

__device__ unsigned long long now_ns() {
  unsigned long long now;
  asm volatile("mov.u64 %0, %globaltimer;" : "=l"(now));
  return now;
}

__global__ void spin_until_open(Gate* gate) {
  const unsigned long long cycles = clock64(), begin = now_ns();
  while (gate->open == 0) {}
  gate->cycles = clock64() - cycles;
  gate->nanoseconds = now_ns() - begin;
  __threadfence_system();
}

std::vector<KernelLaunch> launches_in(cudaGraph_t graph) {
  std::size_t count = 0;
  check_cuda(cudaGraphGetNodes(graph, nullptr, &count));
  std::vector<cudaGraphNode_t> nodes(count);
  check_cuda(cudaGraphGetNodes(graph, nodes.data(), &count));
  std::vector<KernelLaunch> launches;
  for (cudaGraphNode_t node : nodes) {
    cudaKernelNodeParams kernel{};
    cudaFuncAttributes of_kernel{};
    int ctas = 0;
    const bool known = cudaGraphKernelNodeGetParams(node, &kernel) == cudaSuccess &&
                       cudaFuncGetAttributes(&of_kernel, kernel.func) == cudaSuccess;
    const int threads = static_cast<int>(kernel.blockDim.x * kernel.blockDim.y * kernel.blockDim.z);
    if (known && cudaOccupancyMaxActiveBlocksPerMultiprocessor(&ctas, kernel.func, threads, kernel.sharedMemBytes) ==
                     cudaSuccess) {
      launches.push_back({threads, of_kernel.numRegs,
                          static_cast<std::int64_t>(of_kernel.sharedSizeBytes + kernel.sharedMemBytes), ctas});
    }
    cudaGetLastError();  // a library's kernel may not say
  }
  return launches;
}

}  // namespace

void check_cuda(cudaError_t error) {
  if (error != cudaSuccess) throw std::runtime_error(std::string("CUDA: ") + cudaGetErrorString(error));
}

CudaMemory::CudaMemory(Where where, std::size_t bytes) : where_(where) {
  check_cuda(where == Where::device ? cudaMalloc(&data_, bytes) : cudaMallocHost(&data_, bytes));
}

CudaMemory::~CudaMemory() { where_ == Where::device ? cudaFree(data_) : cudaFreeHost(data_); }

void queue_copy(CopyWay way, void* host, void* device, std::size_t bytes, cudaStream_t stream) {
  check_cuda(way == CopyWay::h2d ? cudaMemcpyAsync(device, host, bytes, cudaMemcpyHostToDevice, stream)
                                 : cudaMemcpyAsync(host, device, bytes, cudaMemcpyDeviceToHost, stream));
}

GatedStream::GatedStream() : gate_(CudaMemory::Where::host, sizeof(Gate)) {
  check_cuda(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
  check_cuda(cudaEventCreate(&begin_));
  check_cuda(cudaEventCreate(&end_));
}

GatedStream::~GatedStream() {
  cudaStreamSynchronize(stream_);
  cudaEventDestroy(begin_);
  cudaEventDestroy(end_);
  cudaStreamDestroy(stream_);
}

DeviceTime GatedStream::time(const std::function<void(cudaStream_t)>& queue) {
  Gate* const gate = gate_.as<Gate>();
  gate->open = 0;
  spin_until_open<<<1, 1, 0, stream_>>>(gate);
  check_cuda(cudaGetLastError());
  check_cuda(cudaEventRecord(begin_, stream_));
  queue(stream_);
  check_cuda(cudaEventRecord(end_, stream_));
  std::this_thread::sleep_for(std::chrono::microseconds(50));
  gate->open = 1;
  check_cuda(cudaEventSynchronize(end_));
  float milliseconds = 0.0f;
  check_cuda(cudaEventElapsedTime(&milliseconds, begin_, end_));
  const double spun = static_cast<double>(gate->nanoseconds) * 1e-9;
  return {milliseconds * 1e-3, spun > 0.0 ? static_cast<double>(gate->cycles) / spun : 0.0};
}

GraphTrial::~GraphTrial() {
  if (replay_ != nullptr) cudaGraphExecDestroy(replay_);
}

void GraphTrial::capture(const std::function<void(cudaStream_t)>& work, int kernels) {
  kernels_ = kernels;
  work(gated_.stream());
  check_cuda(cudaStreamSynchronize(gated_.stream()));
  cudaGraph_t graph = nullptr;
  check_cuda(cudaStreamBeginCapture(gated_.stream(), cudaStreamCaptureModeThreadLocal));
  work(gated_.stream());
  check_cuda(cudaStreamEndCapture(gated_.stream(), &graph));
  launches_ = launches_in(graph);
  const cudaError_t made = cudaGraphInstantiate(&replay_, graph, 0);
  cudaGraphDestroy(graph);
  check_cuda(made);
  // An upload may wait for the device, which it must not behind the gate.
  check_cuda(cudaGraphUpload(replay_, gated_.stream()));
  check_cuda(cudaStreamSynchronize(gated_.stream()));
}

DeviceTime GraphTrial::run() {
  DeviceTime time = gated_.time([this](cudaStream_t stream) { check_cuda(cudaGraphLaunch(replay_, stream)); });
  time.seconds /= kernels_;
  return time;
}

}  // namespace outrider
