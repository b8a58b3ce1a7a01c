// Trials of gathers by kernels.
#include <numeric>
#include <vector>

#include "kernels/cuda/gather.h"
#include "kernels/cuda/timing.h"
#include "sim/base/random.h"

namespace outrider {
namespace {

using Where = CudaMemory::Where;

// Fragments in a random order, so that no neighbour helps.
class GatherTrial final : public DeviceTrial {
 public:
  GatherTrial(std::size_t fragment, std::size_t count, std::int32_t ctas)
      : host_(Where::host, fragment * count),
        pool_(Where::device, fragment * count),
        sources_(Where::device, count * sizeof(std::int64_t)),
        slots_(Where::device, count * sizeof(std::int32_t)) {
    std::vector<std::int64_t> sources(count);
    std::vector<std::int32_t> slots(count);
    for (std::size_t i = 0; i < count; ++i) sources[i] = static_cast<std::int64_t>(i * fragment);
    std::iota(slots.begin(), slots.end(), 0);
    RandomStream random(1);
    for (std::size_t i = count; i > 1; --i) std::swap(sources[i - 1], sources[random.below(i)]);
    check_cuda(cudaMemcpy(sources_.as(), sources.data(), count * sizeof(std::int64_t), cudaMemcpyHostToDevice));
    check_cuda(cudaMemcpy(slots_.as(), slots.data(), count * sizeof(std::int32_t), cudaMemcpyHostToDevice));
    void* host = nullptr;
    check_cuda(cudaHostGetDevicePointer(&host, host_.as(), 0));
    gather_.host = host;
    gather_.sources = sources_.as<std::int64_t>();
    gather_.slots = slots_.as<std::int32_t>();
    gather_.most = static_cast<std::int32_t>(count);
    gather_.pool = pool_.as();
    gather_.fragment_bytes = gather_.slot_bytes = static_cast<std::int64_t>(fragment);
    gather_.ctas = ctas;
    check_cuda(launch_gather(gather_, gated_.stream()));  // loads the kernel, which a closed gate would keep waiting
    check_cuda(cudaStreamSynchronize(gated_.stream()));
  }

  DeviceTime run() override {
    return gated_.time([this](cudaStream_t stream) { check_cuda(launch_gather(gather_, stream)); });
  }

 private:
  GatedStream gated_;
  CudaMemory host_, pool_, sources_, slots_;
  Gather gather_;
};

}  // namespace

DeviceTrialPtr gather_trial(double fragment, double count, std::int32_t ctas) {
  return std::make_unique<GatherTrial>(static_cast<std::size_t>(fragment), static_cast<std::size_t>(count), ctas);
}

}  // namespace outrider
