// Kernels with operands of their own, as trials launch them: what they stream is so much that HBM and not L2 answers.
#pragma once

#include <cstddef>

#include "kernels/cuda/attention.h"
#include "kernels/cuda/products.h"
#include "kernels/cuda/timing.h"

namespace outrider {

// A product with so many weights that they come from HBM where each is multiplied with in turn.
class ColdProduct {
 public:
  explicit ColdProduct(const Product& product);

  std::size_t weights() const { return weights_; }
  // With the weights whose turn it is.
  void multiply(std::size_t turn, cudaStream_t stream) const;

 private:
  std::size_t weight_bytes_;  // of all in a product
  std::size_t weights_;       // how many such
  CudaMemory w_, x_, y_;
  Products products_;
  const BoundProduct& bound_;
};

// Decode attention with so many sets of cache that they come from HBM where each is attended in turn.
class ColdAttention {
 public:
  explicit ColdAttention(const AttentionTrial& shape);

  std::size_t sets() const { return sets_; }
  // Over the set whose turn it is.
  void attend(std::size_t turn, cudaStream_t stream) const;

 private:
  std::size_t rows() const;
  std::size_t set_pages() const;
  std::size_t set_bytes() const;
  void fill();

  AttentionTrial shape_;
  std::int32_t pages_each_;
  std::size_t sets_;
  CudaMemory cache_, queries_, output_, pages_, tokens_, workspace_;
};

}  // namespace outrider
