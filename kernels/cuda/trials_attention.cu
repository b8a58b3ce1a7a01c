// Trials of decode attention.
#include "kernels/cuda/trial_kernels.h"

namespace outrider {
namespace {

class AttentionGraph final : public GraphTrial {
 public:
  explicit AttentionGraph(const AttentionTrial& shape) : attention_(shape) {
    capture(
        [this](cudaStream_t stream) {
          for (std::size_t set = 0; set < attention_.sets(); ++set) attention_.attend(set, stream);
        },
        static_cast<int>(attention_.sets()));
  }

 private:
  ColdAttention attention_;
};

}  // namespace

DeviceTrialPtr attention_trial(const AttentionTrial& shape) { return std::make_unique<AttentionGraph>(shape); }

}  // namespace outrider
