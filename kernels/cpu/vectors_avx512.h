// Loads, sums and roundings of 512-bit vectors, for files compiled with AVX-512 BF16. Static, so that no other file
// gets a copy with instructions that its processor may lack.
#pragma once

#if defined(__AVX512BF16__)
#include <immintrin.h>

#include "kernels/cpu/bf16.h"

namespace outrider {

static inline __m512bh as_bf16(__m512i v) { return reinterpret_cast<__m512bh&>(v); }
static inline __m512bh load32(const Bf16* at) { return as_bf16(_mm512_loadu_si512(at)); }

// Lane i is the sum of the lanes of rows[i].
static inline __m512 sums_of_16(const __m512* rows) {
  __m512 pairs[8], fours[4];
  for (int i = 0; i < 8; ++i) {
    pairs[i] = _mm512_add_ps(_mm512_unpacklo_ps(rows[2 * i], rows[2 * i + 1]),
                             _mm512_unpackhi_ps(rows[2 * i], rows[2 * i + 1]));
  }
  for (int i = 0; i < 4; ++i) {
    const __m512d a = _mm512_castps_pd(pairs[2 * i]), b = _mm512_castps_pd(pairs[2 * i + 1]);
    fours[i] = _mm512_add_ps(_mm512_castpd_ps(_mm512_unpacklo_pd(a, b)), _mm512_castpd_ps(_mm512_unpackhi_pd(a, b)));
  }
  const auto halves = [](__m512 a, __m512 b) {
    return _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xdd));
  };
  return halves(halves(fours[0], fours[1]), halves(fours[2], fours[3]));
}

static inline __m512 load16(const float* at) { return _mm512_loadu_ps(at); }
static inline __m512 load16(const Bf16* at) {
  const __m256i half = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
}

// As to_bf16, bit by bit; the processor's own conversion takes subnormal numbers for zero.
static inline __m256i round16(__m512 values) {
  const __m512i bits = _mm512_castps_si512(values);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  const __m512i nearest = _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff)), odd);
  const __mmask16 is_nan = _mm512_cmp_ps_mask(values, values, _CMP_UNORD_Q);
  const __m512i chosen = _mm512_mask_or_epi32(nearest, is_nan, bits, _mm512_set1_epi32(0x400000));
  return _mm512_cvtepi32_epi16(_mm512_srli_epi32(chosen, 16));
}

}  // namespace outrider
#endif
