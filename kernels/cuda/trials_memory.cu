// Trials of kernels that stream device memory.
#include <algorithm>

#include "kernels/cuda/memory_kernels.h"
#include "kernels/cuda/timing.h"

namespace outrider {
namespace {

constexpr auto kDevice = CudaMemory::Where::device;

class StreamTrial final : public GraphTrial {
 public:
  StreamTrial(double bytes, bool reads) : memory_(kDevice, static_cast<std::size_t>(bytes)), sink_(kDevice, 256) {
    const auto words = static_cast<std::size_t>(bytes) / sizeof(uint4);
    check_cuda(cudaMemset(memory_.as(), 1, static_cast<std::size_t>(bytes)));
    capture(
        [&](cudaStream_t stream) {
          check_cuda(reads ? launch_read(memory_.as<uint4>(), words, sink_.as<unsigned>(), stream)
                           : launch_write(memory_.as<uint4>(), words, stream));
        },
        1);
  }

 private:
  CudaMemory memory_, sink_;
};

// Each kernel reads what the one before wrote.
class ElementwiseTrial final : public GraphTrial {
 public:
  static constexpr int kKernels = 64;

  ElementwiseTrial(double read, double write)
      : one_(kDevice, room_for(read, write)), other_(kDevice, room_for(read, write)) {
    check_cuda(cudaMemset(one_.as(), 1, room_for(read, write)));
    check_cuda(cudaMemset(other_.as(), 1, room_for(read, write)));
    const auto in = static_cast<std::size_t>(read) / sizeof(uint4),
               out = static_cast<std::size_t>(write) / sizeof(uint4);
    capture(
        [&](cudaStream_t stream) {
          for (int i = 0; i < kKernels; ++i) {
            const CudaMemory &from = i % 2 == 0 ? one_ : other_, &to = i % 2 == 0 ? other_ : one_;
            check_cuda(launch_elementwise(from.as<uint4>(), in, to.as<uint4>(), out, stream));
          }
        },
        kKernels);
  }

 private:
  static std::size_t room_for(double read, double write) {
    return static_cast<std::size_t>(std::max(read, write)) + 16;
  }
  CudaMemory one_, other_;
};

class ChainTrial final : public GraphTrial {
 public:
  static constexpr int kKernels = 500;

  ChainTrial() {
    capture(
        [](cudaStream_t stream) {
          for (int i = 0; i < kKernels; ++i) check_cuda(launch_nothing(stream));
        },
        kKernels);
  }
};

}  // namespace

DeviceTrialPtr read_trial(double bytes) { return std::make_unique<StreamTrial>(bytes, true); }
DeviceTrialPtr write_trial(double bytes) { return std::make_unique<StreamTrial>(bytes, false); }
DeviceTrialPtr elementwise_trial(double read_bytes, double write_bytes) {
  return std::make_unique<ElementwiseTrial>(read_bytes, write_bytes);
}
DeviceTrialPtr chain_trial() { return std::make_unique<ChainTrial>(); }

}  // namespace outrider
