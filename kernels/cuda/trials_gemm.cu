// Trials of cuBLASLt's products, and of reading beside them.
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
class Product {
 public:
  Product(std::size_t rows, std::size_t n, std::size_t k, bool fp8)
      : bytes_(fp8 ? 1 : 2),
        weight_bytes_(n * k * bytes_),
        weights_(std::clamp<std::size_t>(kBeyondL2 / weight_bytes_ + 1, 1, kMostWeights)),
        w_(kDevice, weights_ * weight_bytes_),
        x_(kDevice, rows * k * bytes_),
        y_(kDevice, rows * n * 2),
        workspace_(kDevice, kWorkspace) {
    check(cublasLtCreate(&handle_));
    check(cublasLtMatmulDescCreate(&product_, CUBLAS_COMPUTE_32F, CUDA_R_32F));
    const cublasOperation_t transposed = CUBLAS_OP_T;
    check(cublasLtMatmulDescSetAttribute(product_, CUBLASLT_MATMUL_DESC_TRANSA, &transposed, sizeof transposed));
    const cudaDataType type = fp8 ? CUDA_R_8F_E4M3 : CUDA_R_16BF;
    check(cublasLtMatrixLayoutCreate(&w_layout_, type, k, n, static_cast<std::int64_t>(k)));
    check(cublasLtMatrixLayoutCreate(&x_layout_, type, k, rows, static_cast<std::int64_t>(k)));
    check(cublasLtMatrixLayoutCreate(&y_layout_, CUDA_R_16BF, n, rows, static_cast<std::int64_t>(n)));
    choose();
    // Halves of a bf16 of [−1, 1) are numbers of E4M3 too, hardly ever a NaN.
    check_cuda(launch_random_bf16(w_.as(), weights_ * weight_bytes_ / 2, nullptr));
    check_cuda(launch_random_bf16(x_.as(), rows * k * bytes_ / 2, nullptr));
    check_cuda(cudaDeviceSynchronize());
  }
  ~Product() {
    cublasLtMatrixLayoutDestroy(y_layout_);
    cublasLtMatrixLayoutDestroy(x_layout_);
    cublasLtMatrixLayoutDestroy(w_layout_);
    cublasLtMatmulDescDestroy(product_);
    cublasLtDestroy(handle_);
  }
  Product(const Product&) = delete;
  Product& operator=(const Product&) = delete;

  std::size_t weights() const { return weights_; }
  // With the i-th of the weights.
  void multiply(std::size_t i, cudaStream_t stream) const {
    const float one = 1.0f, zero = 0.0f;
    const char* const weights = w_.as<char>() + i * weight_bytes_;
    check(cublasLtMatmul(handle_, product_, &one, weights, w_layout_, x_.as(), x_layout_, &zero, y_.as(), y_layout_,
                         y_.as(), y_layout_, &algorithm_, workspace_.as(), kWorkspace, stream));
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

  std::size_t bytes_;         // of a weight or activation
  std::size_t weight_bytes_;  // of all in a product
  std::size_t weights_;       // how many such
  CudaMemory w_, x_, y_, workspace_;
  cublasLtHandle_t handle_ = nullptr;
  cublasLtMatmulDesc_t product_ = nullptr;
  cublasLtMatrixLayout_t w_layout_ = nullptr, x_layout_ = nullptr, y_layout_ = nullptr;
  cublasLtMatmulAlgo_t algorithm_{};
};

class GemmTrial final : public GraphTrial {
 public:
  GemmTrial(std::size_t rows, std::size_t n, std::size_t k, bool fp8) : product_(rows, n, k, fp8) {
    capture(
        [&](cudaStream_t stream) {
          for (std::size_t i = 0; i < product_.weights(); ++i) product_.multiply(i, stream);
        },
        static_cast<int>(product_.weights()));
  }

 private:
  Product product_;
};

// A row of reads whose first and last thirds are not timed: products that compute far more than they read run before,
// meanwhile and after.
class ReadBesideGemmTrial final : public DeviceTrial {
 public:
  explicit ReadBesideGemmTrial(double bytes)
      : product_(kRows, kRows, kRows, false),
        words_(static_cast<std::size_t>(bytes) / sizeof(uint4)),
        memory_(kDevice, static_cast<std::size_t>(bytes)),
        sink_(kDevice, 256) {
    check_cuda(cudaMemset(memory_.as(), 1, static_cast<std::size_t>(bytes)));
    check_cuda(cudaStreamCreateWithFlags(&products_, cudaStreamNonBlocking));
    check_cuda(cudaEventCreate(&begin_));
    check_cuda(cudaEventCreate(&end_));
    check_cuda(cudaEventCreateWithFlags(&fork_, cudaEventDisableTiming));
    product_.multiply(0, products_);
    check_cuda(launch_read(memory_.as<uint4>(), words_, sink_.as<unsigned>(), products_));
    check_cuda(cudaStreamSynchronize(products_));
  }
  ~ReadBesideGemmTrial() override {
    cudaStreamSynchronize(products_);
    for (cudaEvent_t event : {begin_, end_, fork_}) cudaEventDestroy(event);
    cudaStreamDestroy(products_);
  }

  DeviceTime run() override {
    DeviceTime time = gated_.time([this](cudaStream_t stream) {
      check_cuda(cudaEventRecord(fork_, stream));
      check_cuda(cudaStreamWaitEvent(products_, fork_, 0));
      for (int i = 0; i < kProducts; ++i) product_.multiply(0, products_);
      for (int i = 0; i < 3 * kReads; ++i) {
        if (i == kReads) check_cuda(cudaEventRecord(begin_, stream));
        if (i == 2 * kReads) check_cuda(cudaEventRecord(end_, stream));
        check_cuda(launch_read(memory_.as<uint4>(), words_, sink_.as<unsigned>(), stream));
      }
    });
    float milliseconds = 0.0f;
    check_cuda(cudaEventElapsedTime(&milliseconds, begin_, end_));
    check_cuda(cudaStreamSynchronize(products_));
    time.seconds = milliseconds * 1e-3 / kReads;
    return time;
  }

 private:
  static constexpr std::size_t kRows = 4096;
  static constexpr int kProducts = 150, kReads = 4;  // about 30 ms of products, 20 ms of reads of 8 GB beside them

  Product product_;
  std::size_t words_;
  GatedStream gated_;
  CudaMemory memory_, sink_;
  cudaStream_t products_ = nullptr;
  cudaEvent_t begin_ = nullptr, end_ = nullptr, fork_ = nullptr;
};

}  // namespace

DeviceTrialPtr gemm_trial(double rows, std::int64_t n, std::int64_t k, bool fp8) {
  return std::make_unique<GemmTrial>(static_cast<std::size_t>(rows), static_cast<std::size_t>(n),
                                     static_cast<std::size_t>(k), fp8);
}
DeviceTrialPtr read_beside_gemm_trial(double bytes) { return std::make_unique<ReadBesideGemmTrial>(bytes); }

}  // namespace outrider
