// Trials of cuBLASLt's products, and of reading beside them.
#include <algorithm>

#include "kernels/cuda/memory_kernels.h"
#include "kernels/cuda/products.h"
#include "kernels/cuda/reads_beside.h"

namespace outrider {
namespace {

constexpr auto kDevice = CudaMemory::Where::device;
constexpr std::size_t kBeyondL2 = 300'000'000;
constexpr std::size_t kMostWeights = 32;

// A product with its operands, and so many weights that they come from HBM where each is multiplied with in turn.
class ColdProduct {
 public:
  explicit ColdProduct(const Product& product)
      : weight_bytes_(product.weight_bytes()),
        weights_(std::clamp<std::size_t>(kBeyondL2 / weight_bytes_ + 1, 1, kMostWeights)),
        w_(kDevice, weights_ * weight_bytes_),
        x_(kDevice, product.input_bytes()),
        y_(kDevice, product.output_bytes()),
        bound_(products_.get(product)) {
    // Halves of a bf16 of [−1, 1) are numbers of E4M3 too, hardly ever a NaN.
    check_cuda(launch_random_bf16(w_.as(), weights_ * weight_bytes_ / 2, nullptr));
    check_cuda(launch_random_bf16(x_.as(), product.input_bytes() / 2, nullptr));
    check_cuda(cudaDeviceSynchronize());
  }

  std::size_t weights() const { return weights_; }
  // With the i-th of the weights.
  void multiply(std::size_t i, cudaStream_t stream) const {
    bound_.multiply(w_.as<char>() + i * weight_bytes_, x_.as(), y_.as(), 1.0f, stream);
  }

 private:
  std::size_t weight_bytes_;  // of all in a product
  std::size_t weights_;       // how many such
  CudaMemory w_, x_, y_;
  Products products_;
  const BoundProduct& bound_;
};

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
