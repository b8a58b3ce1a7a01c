// Trials of cuBLASLt's products, and of reading beside them.
#include "kernels/cuda/reads_beside.h"
#include "kernels/cuda/trial_kernels.h"

namespace outrider {
namespace {

class GemmTrial final : public GraphTrial {
 public:
  explicit GemmTrial(const Product& product) : product_(product) {
    capture(
        [&](cudaStream_t stream) {
          for (std::size_t i = 0; i < product_.weights(); ++i) product_.multiply(i, stream);
        },
        static_cast<int>(product_.weights()));
  }

 private:
  ColdProduct product_;
};

// Beside products that compute far more than they read.
class ReadBesideGemmTrial final : public DeviceTrial {
 public:
  explicit ReadBesideGemmTrial(double bytes) : product_({kRows, kRows, kRows}), reads_(bytes, kReads) {
    reads_.begin();
    product_.multiply(0, reads_.other());
    reads_.read(reads_.other());
    check_cuda(cudaStreamSynchronize(reads_.other()));
  }
  ~ReadBesideGemmTrial() override { reads_.end(); }

  DeviceTime run() override {
    return reads_.time([this](cudaStream_t other) {
      for (int i = 0; i < kProducts; ++i) product_.multiply(0, other);
    });
  }

 private:
  static constexpr std::int64_t kRows = 4096;
  static constexpr int kProducts = 150, kReads = 4;  // about 30 ms of products, 20 ms of reads of 8 GB beside them

  ColdProduct product_;
  ReadsBeside reads_;
};

}  // namespace

DeviceTrialPtr gemm_trial(double rows, std::int64_t n, std::int64_t k, bool fp8) {
  return std::make_unique<GemmTrial>(Product{static_cast<std::int64_t>(rows), n, k, 1, fp8});
}
DeviceTrialPtr read_beside_gemm_trial(double bytes) { return std::make_unique<ReadBesideGemmTrial>(bytes); }

}  // namespace outrider
