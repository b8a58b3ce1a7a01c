// Products by cuBLASLt, described and given an algorithm before they are launched.
#pragma once

#include <cublasLt.h>
#include <cuda_runtime.h>

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "kernels/cuda/product.h"
#include "kernels/cuda/timing.h"

namespace outrider {

// A product by cuBLASLt's first choice of algorithm.
class BoundProduct {
 public:
  BoundProduct(cublasLtHandle_t handle, const Product& product, void* workspace, std::size_t workspace_bytes);
  ~BoundProduct();
  BoundProduct(const BoundProduct&) = delete;
  BoundProduct& operator=(const BoundProduct&) = delete;

  // y = scale · x · Wᵀ
  void multiply(const void* weights, const void* input, void* output, float scale, cudaStream_t stream) const;

 private:
  void choose();

  cublasLtHandle_t handle_;
  void* workspace_;
  std::size_t workspace_bytes_;
  cublasLtMatmulDesc_t description_ = nullptr;
  cublasLtMatrixLayout_t weights_ = nullptr, input_ = nullptr, output_ = nullptr;
  cublasLtMatmulAlgo_t algorithm_{};
};

// One of each kind of product. All share one workspace, so they must run on one stream.
class Products {
 public:
  Products();
  ~Products();
  Products(const Products&) = delete;
  Products& operator=(const Products&) = delete;

  const BoundProduct& get(const Product& product);

 private:
  CudaMemory workspace_;
  cublasLtHandle_t handle_ = nullptr;
  std::vector<std::pair<Product, std::unique_ptr<BoundProduct>>> products_;
};

}  // namespace outrider
