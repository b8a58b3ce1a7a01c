// What kernels share: 16-byte loads, copies to shared memory, pairs of bf16 and fp16, reductions over a warp, products
// of the tensor core.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>

namespace outrider {

using Word = std::uint32_t;  // two bf16 or fp16, the lower index in the lower half

// For data that is read once and not written meanwhile: leaves L1 to others.
__device__ inline uint4 load16(const void* at) {
  uint4 v;
  asm volatile("ld.global.nc.L1::no_allocate.L2::128B.v4.u32 {%0,%1,%2,%3}, [%4];"
               : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
               : "l"(at));
  return v;
}

// 16 bytes to shared memory, beside whatever the thread does until it waits for the group that they belong to.
__device__ inline void copy16_async(void* shared, const void* global) {
  asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16;"
               :
               : "r"(static_cast<unsigned>(__cvta_generic_to_shared(shared))), "l"(global)
               : "memory");
}
__device__ inline void close_copy_group() { asm volatile("cp.async.commit_group;" ::: "memory"); }
// Until at most kOpen of the thread's latest groups are still under way.
template <int kOpen>
__device__ void wait_for_copy_groups() {
  asm volatile("cp.async.wait_group %0;" : : "n"(kOpen) : "memory");
}

// Two or four floats from L2, as other SMs have left them there.
__device__ inline void load_cached(const float* at, float (&values)[2]) {
  const float2 v = __ldcg(reinterpret_cast<const float2*>(at));
  values[0] = v.x, values[1] = v.y;
}
__device__ inline void load_cached(const float* at, float (&values)[4]) {
  const float4 v = __ldcg(reinterpret_cast<const float4*>(at));
  values[0] = v.x, values[1] = v.y, values[2] = v.z, values[3] = v.w;
}

__device__ inline Word word(const uint4& v, int i) { return i == 0 ? v.x : i == 1 ? v.y : i == 2 ? v.z : v.w; }

__device__ inline Word packed(float low, float high) {
  const __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);
  return *reinterpret_cast<const Word*>(&pair);
}
__device__ inline Word packed_fp16(float low, float high) {
  const __half2 pair = __floats2half2_rn(low, high);
  return *reinterpret_cast<const Word*>(&pair);
}
// (bits & mask) | into, as one instruction also where mask and into are constants.
__device__ inline Word masked_into(Word bits, Word mask, Word into) {
  Word out;
  asm("lop3.b32 %0, %1, %2, %3, 0xea;" : "=r"(out) : "r"(bits), "r"(mask), "r"(into));
  return out;
}
// Of two fp16.
__device__ inline Word subtracted_fp16(Word from, Word what) {
  const __half2 pair = __hsub2(*reinterpret_cast<const __half2*>(&from), *reinterpret_cast<const __half2*>(&what));
  return *reinterpret_cast<const Word*>(&pair);
}
// Of two bf16.
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

// 2^x to 2 ulp, results below 2⁻¹²⁶ flushed to zero: one instruction.
__device__ inline float exp2_fast(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
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
// The same of fp16.
__device__ inline void multiply_fp16(float (&d)[4], Word a0, Word a1, Word a2, Word a3, Word b0, Word b1) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
}

}  // namespace outrider
