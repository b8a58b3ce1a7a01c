// What kernels share: 16-byte loads, pairs of bf16, reductions over a warp, products of the tensor core.
#pragma once

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <cstdint>

namespace outrider {

using Word = std::uint32_t;  // two bf16, the lower index in the lower half

// For data that is read once and not written meanwhile: leaves L1 to others.
__device__ inline uint4 load16(const void* at) {
  uint4 v;
  asm volatile("ld.global.nc.L1::no_allocate.L2::128B.v4.u32 {%0,%1,%2,%3}, [%4];"
               : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
               : "l"(at));
  return v;
}

__device__ inline Word word(const uint4& v, int i) { return i == 0 ? v.x : i == 1 ? v.y : i == 2 ? v.z : v.w; }

__device__ inline Word packed(float low, float high) {
  const __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);
  return *reinterpret_cast<const Word*>(&pair);
}
__device__ inline float low_of(Word pair) { return __uint_as_float(pair << 16); }
__device__ inline float high_of(Word pair) { return __uint_as_float(pair & 0xffff0000u); }

__device__ inline void unpack(const uint4& v, float (&values)[8]) {
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    values[2 * i] = low_of(word(v, i));
    values[2 * i + 1] = high_of(word(v, i));
  }
}
__device__ inline uint4 pack(const float (&values)[8]) {
  return make_uint4(packed(values[0], values[1]), packed(values[2], values[3]), packed(values[4], values[5]),
                    packed(values[6], values[7]));
}

// Over aligned groups of `lanes` lanes, a power of two; every lane of the warp takes part and gets the result.
__device__ inline float sum_over(float value, int lanes) {
  for (int step = 1; step < lanes; step *= 2) value += __shfl_xor_sync(~0u, value, step);
  return value;
}
__device__ inline float most_over(float value, int lanes) {
  for (int step = 1; step < lanes; step *= 2) value = fmaxf(value, __shfl_xor_sync(~0u, value, step));
  return value;
}

// D (16 × 8, fp32) += A (16 × 16) · B (16 × 8), bf16. Lane l holds of D rows l/4 (d[0], d[1]) and l/4 + 8, columns
// 2(l%4) + {0, 1}; of A the same rows (a0 and a2, a1 and a3) at 2(l%4) and 2(l%4) + 8; of B column l/4 likewise.
__device__ inline void multiply(float (&d)[4], Word a0, Word a1, Word a2, Word a3, Word b0, Word b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
}

}  // namespace outrider
