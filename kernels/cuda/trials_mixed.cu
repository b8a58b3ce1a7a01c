// Kernels of different kinds one behind the other, as in a decoder's layer. Each kind alone finds its code in L2, where
// it just ran; among others that stream more than L2 holds it does not.
#include <array>
#include <functional>

#include "kernels/cuda/memory_kernels.h"
#include "kernels/cuda/merge.h"
#include "kernels/cuda/trial_kernels.h"

namespace outrider {
namespace {

constexpr auto kDevice = CudaMemory::Where::device;
constexpr int kTurns = 20;
constexpr std::int32_t kRows = 8, kHeads = 32, kWidth = 4096, kWide = 28672;

class Row final : public GraphTrial {
 public:
  Row(const std::function<void(cudaStream_t)>& work, int kernels) { capture(work, kernels); }
};

class MixedChainTrial final : public DeviceTrial {
 public:
  MixedChainTrial()
      : narrow_({kRows, kWidth, kWidth}),
        wide_({kRows, kWide, kWidth}),
        attention_({.sequences = kRows, .kv_heads = 8, .group = 4, .tokens = 2048, .scattered = true}),
        one_(kDevice, kRows * kWide * 2),
        other_(kDevice, kRows * kWide * 2),
        lse_(kDevice, kRows * kHeads * sizeof(float)) {
    check_cuda(launch_random_bf16(one_.as(), kRows * kWide, nullptr));
    check_cuda(cudaMemset(lse_.as(), 0, kRows * kHeads * sizeof(float)));
    check_cuda(cudaDeviceSynchronize());
    const std::array<std::function<void(std::size_t, cudaStream_t)>, kKernels> kernels = {
        [this](std::size_t turn, cudaStream_t stream) { narrow_.multiply(turn, stream); },
        [this](std::size_t, cudaStream_t stream) { elementwise(kWidth, kWidth, stream); },
        [this](std::size_t turn, cudaStream_t stream) { attention_.attend(turn, stream); },
        [this](std::size_t, cudaStream_t stream) { merge(stream); },
        [this](std::size_t turn, cudaStream_t stream) { wide_.multiply(turn, stream); },
        [this](std::size_t, cudaStream_t stream) { elementwise(kWide, kWide / 2, stream); }};
    mixed_ = std::make_unique<Row>(
        [&](cudaStream_t stream) {
          for (std::size_t turn = 0; turn < kTurns; ++turn) {
            for (const auto& kernel : kernels) kernel(turn, stream);
          }
        },
        kTurns);
    for (std::size_t i = 0; i < kKernels; ++i) {
      alone_[i] = std::make_unique<Row>(
          [&](cudaStream_t stream) {
            for (std::size_t turn = 0; turn < kTurns; ++turn) kernels[i](turn, stream);
          },
          kTurns);
    }
  }

  // What a kernel among the others takes longer than alone, on average.
  DeviceTime run() override {
    DeviceTime time = mixed_->run();
    for (const auto& row : alone_) time.seconds -= row->run().seconds;
    time.seconds /= kKernels;
    return time;
  }

 private:
  static constexpr int kKernels = 6;

  void elementwise(std::size_t in, std::size_t out, cudaStream_t stream) const {
    constexpr std::size_t kValues = sizeof(uint4) / 2;
    check_cuda(launch_elementwise(one_.as<uint4>(), kRows * in / kValues, other_.as<uint4>(), kRows * out / kValues,
                                  stream));
  }

  void merge(cudaStream_t stream) const {
    MergePartials<__nv_bfloat16> partials;
    partials.rows = kRows * kHeads;
    partials.head_dim = kWidth / kHeads;
    partials.first = one_.as<__nv_bfloat16>();
    partials.second = partials.first + kRows * kWidth;
    partials.first_lse = partials.second_lse = lse_.as<float>();
    partials.output = other_.as<__nv_bfloat16>();
    check_cuda(launch_merge(partials, stream));
  }

  ColdProduct narrow_, wide_;
  ColdAttention attention_;
  CudaMemory one_, other_, lse_;
  std::unique_ptr<Row> mixed_;
  std::array<std::unique_ptr<Row>, kKernels> alone_;
};

}  // namespace

DeviceTrialPtr mixed_chain_trial() { return std::make_unique<MixedChainTrial>(); }

}  // namespace outrider
