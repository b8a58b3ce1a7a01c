// Descriptions, layouts and heuristics of cuBLASLt.
#include <stdexcept>
#include <string>

#include "kernels/cuda/products.h"

namespace outrider {
namespace {

constexpr std::size_t kWorkspace = std::size_t{32} << 20;

void check(cublasStatus_t status) {
  if (status != CUBLAS_STATUS_SUCCESS)
    throw std::runtime_error(std::string("cuBLASLt: ") + cublasLtGetStatusString(status));
}

// Column-major, `rows` of it contiguous; one behind the other for each instance.
cublasLtMatrixLayout_t layout_of(cudaDataType type, std::int64_t rows, std::int64_t columns, std::int64_t instances) {
  cublasLtMatrixLayout_t layout = nullptr;
  check(cublasLtMatrixLayoutCreate(&layout, type, static_cast<std::uint64_t>(rows), static_cast<std::uint64_t>(columns),
                                   rows));
  if (instances == 1) return layout;
  const auto count = static_cast<std::int32_t>(instances);
  const std::int64_t stride = rows * columns;
  check(cublasLtMatrixLayoutSetAttribute(layout, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count, sizeof count));
  check(cublasLtMatrixLayoutSetAttribute(layout, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &stride, sizeof stride));
  return layout;
}

}  // namespace

// W is k × n and transposed, x is k × rows, y is n × rows.
BoundProduct::BoundProduct(cublasLtHandle_t handle, const Product& product, void* workspace,
                           std::size_t workspace_bytes)
    : handle_(handle), workspace_(workspace), workspace_bytes_(workspace_bytes) {
  check(cublasLtMatmulDescCreate(&description_, CUBLAS_COMPUTE_32F, CUDA_R_32F));
  const cublasOperation_t transposed = CUBLAS_OP_T;
  check(cublasLtMatmulDescSetAttribute(description_, CUBLASLT_MATMUL_DESC_TRANSA, &transposed, sizeof transposed));
  const cudaDataType type = product.fp8 ? CUDA_R_8F_E4M3 : CUDA_R_16BF;
  weights_ = layout_of(type, product.k, product.n, product.instances);
  input_ = layout_of(type, product.k, product.rows, product.instances);
  output_ = layout_of(CUDA_R_16BF, product.n, product.rows, product.instances);
  choose();
}

BoundProduct::~BoundProduct() {
  for (cublasLtMatrixLayout_t layout : {weights_, input_, output_}) cublasLtMatrixLayoutDestroy(layout);
  cublasLtMatmulDescDestroy(description_);
}

void BoundProduct::choose() {
  cublasLtMatmulPreference_t preference = nullptr;
  check(cublasLtMatmulPreferenceCreate(&preference));
  check(cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace_bytes_,
                                             sizeof workspace_bytes_));
  cublasLtMatmulHeuristicResult_t best{};
  int found = 0;
  const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(handle_, description_, weights_, input_, output_,
                                                               output_, preference, 1, &best, &found);
  cublasLtMatmulPreferenceDestroy(preference);
  check(status);
  if (found == 0) throw std::runtime_error("cuBLASLt: no algorithm for this product");
  algorithm_ = best.algo;
}

void BoundProduct::multiply(const void* weights, const void* input, void* output, float scale,
                            cudaStream_t stream) const {
  const float zero = 0.0f;
  check(cublasLtMatmul(handle_, description_, &scale, weights, weights_, input, input_, &zero, output, output_, output,
                       output_, &algorithm_, workspace_, workspace_bytes_, stream));
}

Products::Products() : workspace_(CudaMemory::Where::device, kWorkspace) { check(cublasLtCreate(&handle_)); }

Products::~Products() {
  products_.clear();
  cublasLtDestroy(handle_);
}

const BoundProduct& Products::get(const Product& product) {
  for (const auto& [known, bound] : products_) {
    if (known == product) return *bound;
  }
  products_.emplace_back(product, std::make_unique<BoundProduct>(handle_, product, workspace_.as(), kWorkspace));
  return *products_.back().second;
}

}  // namespace outrider
