// Loads, sums and roundings of 256-bit vectors, for files compiled with AVX2. Static, so that no other file gets a copy
// with instructions that its processor may lack.
#pragma once

#if defined(__AVX2__)
#include <immintrin.h>

#include "kernels/cpu/bf16.h"

namespace outrider {

static inline __m256 load8(const float* at) { return _mm256_loadu_ps(at); }
static inline __m256 load8(const Bf16* at) {
  const __m128i half = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16));
}

static inline float sum8(__m256 v) {
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

// As to_bf16, bit by bit.
static inline __m128i round8(__m256 values) {
  const __m256i bits = _mm256_castps_si256(values);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i nearest = _mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7fff)), odd);
  const __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
  const __m256 is_nan = _mm256_cmp_ps(values, values, _CMP_UNORD_Q);
  const __m256i chosen = _mm256_srli_epi32(_mm256_blendv_epi8(nearest, quiet, _mm256_castps_si256(is_nan)), 16);
  return _mm_packus_epi32(_mm256_castsi256_si128(chosen), _mm256_extracti128_si256(chosen, 1));
}

}  // namespace outrider
#endif
