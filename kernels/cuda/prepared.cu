// Capture of a prepared kernel over its sets.
#include <algorithm>
#include <utility>

#include "kernels/cuda/memory_kernels.h"
#include "kernels/cuda/prepared.h"

namespace outrider {
namespace {

class PreparedTrial final : public GraphTrial {
 public:
  explicit PreparedTrial(Prepared kernels) : kernels_(std::move(kernels)) {
    capture(
        [this](cudaStream_t stream) {
          for (std::size_t set = 0; set < kernels_.sets; ++set) check_cuda(kernels_.launch(set, stream));
        },
        static_cast<int>(kernels_.sets));
  }

 private:
  Prepared kernels_;
};

}  // namespace

__nv_bfloat16* Prepared::random(std::size_t count) {
  auto* const values = room<__nv_bfloat16>(count);
  check_cuda(launch_random_bf16(values, count, nullptr));
  check_cuda(cudaDeviceSynchronize());
  return values;
}

std::size_t sets_beyond_l2(std::size_t bytes_of_set) {
  constexpr std::size_t kBeyond = 400'000'000;
  return std::clamp<std::size_t>(kBeyond / bytes_of_set + 1, 1, Prepared::kSmall);
}

DeviceTrialPtr prepared_trial(Prepared kernels) { return std::make_unique<PreparedTrial>(std::move(kernels)); }

}  // namespace outrider
