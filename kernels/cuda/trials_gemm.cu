// Trials of cuBLASLt's bf16 products.
#include <cublasLt.h>

#include <algorithm>
#include <stdexcept>

#include "kernels/cuda/memory_kernels.h"
#include "kernels/cuda/timing.h"

namespace outrider {
namespace {

constexpr auto kDevice = CudaMemory::Where::device;
constexpr std::size_t kWorkspace = std::size_t{32} << 20;
constexpr std::size_t kBeyondL2 = 300'000'000;
constexpr std::size_t kMostWeights = 32;

void check(cublasStatus_t status) {
  if (status != CUBLAS_STATUS_SUCCESS)
    throw std::runtime_error(std::string("cuBLASLt: ") + cublasLtGetStatusString(status));
}

// Column-major, W is k × n and transposed, x is k × rows, y is n × rows.
class GemmTrial final : public GraphTrial {
 public:
  GemmTrial(std::size_t rows, std::size_t n, std::size_t k)
      : weights_(std::clamp<std::size_t>(kBeyondL2 / (n * k * 2) + 1, 1, kMostWeights)),
        w_(kDevice, weights_ * n * k * 2),
        x_(kDevice, rows * k * 2),
        y_(kDevice, rows * n * 2),
        workspace_(kDevice, kWorkspace) {
    check(cublasLtCreate(&handle_));
    check(cublasLtMatmulDescCreate(&product_, CUBLAS_COMPUTE_32F, CUDA_R_32F));
    const cublasOperation_t transposed = CUBLAS_OP_T;
    check(cublasLtMatmulDescSetAttribute(product_, CUBLASLT_MATMUL_DESC_TRANSA, &transposed, sizeof transposed));
    check(cublasLtMatrixLayoutCreate(&w_layout_, CUDA_R_16BF, k, n, static_cast<std::int64_t>(k)));
    check(cublasLtMatrixLayoutCreate(&x_layout_, CUDA_R_16BF, k, rows, static_cast<std::int64_t>(k)));
    check(cublasLtMatrixLayoutCreate(&y_layout_, CUDA_R_16BF, n, rows, static_cast<std::int64_t>(n)));
    choose();
    check_cuda(launch_random_bf16(w_.as(), weights_ * n * k, nullptr));
    check_cuda(launch_random_bf16(x_.as(), rows * k, nullptr));
    check_cuda(cudaDeviceSynchronize());
    capture(
        [&](cudaStream_t stream) {
          for (std::size_t i = 0; i < weights_; ++i) multiply(w_.as<char>() + i * n * k * 2, stream);
        },
        static_cast<int>(weights_));
  }
  ~GemmTrial() override {
    cublasLtMatrixLayoutDestroy(y_layout_);
    cublasLtMatrixLayoutDestroy(x_layout_);
    cublasLtMatrixLayoutDestroy(w_layout_);
    cublasLtMatmulDescDestroy(product_);
    cublasLtDestroy(handle_);
  }

 private:
  void choose() {
    cublasLtMatmulPreference_t preference = nullptr;
    check(cublasLtMatmulPreferenceCreate(&preference));
    check(cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &kWorkspace,
                                               sizeof kWorkspace));
    cublasLtMatmulHeuristicResult_t best{};
    int found = 0;
    const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(handle_, product_, w_layout_, x_layout_, y_layout_,
                                                                 y_layout_, preference, 1, &best, &found);
    cublasLtMatmulPreferenceDestroy(preference);
    check(status);
    if (found == 0) throw std::runtime_error("cuBLASLt: no algorithm for this product");
    algorithm_ = best.algo;
  }

  void multiply(const void* weights, cudaStream_t stream) const {
    const float one = 1.0f, zero = 0.0f;
    check(cublasLtMatmul(handle_, product_, &one, weights, w_layout_, x_.as(), x_layout_, &zero, y_.as(), y_layout_,
                         y_.as(), y_layout_, &algorithm_, workspace_.as(), kWorkspace, stream));
  }

  std::size_t weights_;
  CudaMemory w_, x_, y_, workspace_;
  cublasLtHandle_t handle_ = nullptr;
  cublasLtMatmulDesc_t product_ = nullptr;
  cublasLtMatrixLayout_t w_layout_ = nullptr, x_layout_ = nullptr, y_layout_ = nullptr;
  cublasLtMatmulAlgo_t algorithm_{};
};

}  // namespace

DeviceTrialPtr gemm_trial(double rows, std::int64_t n, std::int64_t k) {
  return std::make_unique<GemmTrial>(static_cast<std::size_t>(rows), static_cast<std::size_t>(n),
                                     static_cast<std::size_t>(k));
}

}  // namespace outrider
