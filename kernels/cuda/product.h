// The shape of a matrix product. No CUDA in this header, so that what includes it needs no toolkit.
#pragma once

#include <cstddef>
#include <cstdint>

namespace outrider {

// y[rows × n] = x[rows × k] · W[n × k]ᵀ for each instance, in bf16, or x and W in FP8 (E4M3), whose rows are a multiple
// of 16.
struct Product {
  std::int64_t rows = 0, n = 0, k = 0, instances = 1;
  bool fp8 = false;

  bool operator==(const Product& other) const {
    return rows == other.rows && n == other.n && k == other.k && instances == other.instances && fp8 == other.fp8;
  }
  std::size_t element() const { return fp8 ? 1 : 2; }
  std::size_t weight_bytes() const { return static_cast<std::size_t>(instances * n * k) * element(); }
  std::size_t input_bytes() const { return static_cast<std::size_t>(instances * rows * k) * element(); }
  std::size_t output_bytes() const { return static_cast<std::size_t>(instances * rows * n) * 2; }
};

}  // namespace outrider
