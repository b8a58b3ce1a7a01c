// KV rows quantised to 8, 4 or 2 bits, asymmetric, with a scale and a zero point for every few channels of a token.
#pragma once

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <cstdint>

namespace outrider {

// A row is one token's key or value of one KV head. Channel c stands for zero + scale · code, code an unsigned number
// of `bits` bits: bits (c · bits) mod 8 upwards of byte ⌊c · bits / 8⌋. Device memory, 16-byte aligned.
struct QuantisedRows {
  std::uint8_t* codes = nullptr;     // [rows][head_dim · bits / 8]
  __nv_bfloat162* scales = nullptr;  // [rows][head_dim / channels]: x is the scale, y the zero point
  std::int32_t head_dim = 128;       // 64, 128 or 256
  std::int32_t channels = 64;        // that share a scale: 32, 64 or 128, dividing head_dim
  std::int32_t bits = 4;             // 8, 4 or 2
};

// Of values that are finite. The zero point is the smallest value, exactly; the scale is (largest − smallest) ÷
// (2^bits − 1) rounded up to bf16. So zero + scale · code is within scale ÷ 2 of the value (and 2⁻²⁰ of the range, for
// fp32), and a row whose channels are all equal is exact. cudaErrorInvalidValue for formats other than those above.
cudaError_t launch_quantise(const __nv_bfloat16* values, std::int64_t rows, const QuantisedRows& to,
                            cudaStream_t stream);

// Rounds zero + scale · code to bf16.
cudaError_t launch_dequantise(const QuantisedRows& from, std::int64_t rows, __nv_bfloat16* values, cudaStream_t stream);

// Whether the format is one of those above.
bool is_valid(const QuantisedRows& rows);

}  // namespace outrider
