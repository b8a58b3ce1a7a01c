// The passes of top-k with 512-bit vectors. Compressed vectors are stored whole where there is room: a compressing
// store to memory is slow on Zen 4.
#if defined(__x86_64__)
#include <immintrin.h>

#include "kernels/cpu/topk_paths.h"

namespace outrider {
namespace {

__m512i keys16(const float* at, __mmask16 valid) {
  const __m512 scores = _mm512_add_ps(_mm512_maskz_loadu_ps(valid, at), _mm512_setzero_ps());
  const __m512i bits = _mm512_castps_si512(scores), sign = _mm512_srai_epi32(bits, 31);
  const __m512i keys = _mm512_xor_si512(bits, _mm512_and_si512(sign, _mm512_set1_epi32(0x7fffffff)));
  const __mmask16 is_nan = _mm512_cmp_ps_mask(scores, scores, _CMP_UNORD_Q);
  return _mm512_mask_mov_epi32(keys, is_nan, _mm512_set1_epi32(std::numeric_limits<std::int32_t>::min()));
}
__m512i keys16(const std::int32_t* at, __mmask16 valid) { return _mm512_maskz_loadu_epi32(valid, at); }

__mmask16 mask_of(std::int64_t lanes) {
  return lanes >= 16 ? static_cast<__mmask16>(0xffff) : static_cast<__mmask16>((1u << lanes) - 1u);
}

int ones(__mmask16 mask) { return __builtin_popcount(mask); }

template <class Source>
Filtered filter(const Source* source, std::int64_t count, KeyRange range, std::int32_t* kept) {
  const __m512i low = _mm512_set1_epi32(range.low), high = _mm512_set1_epi32(range.high);
  Filtered found;
  for (std::int64_t i = 0; i < count; i += 16) {
    const __mmask16 valid = mask_of(count - i);
    const __m512i keys = keys16(source + i, valid);
    const __mmask16 above = _mm512_mask_cmpgt_epi32_mask(valid, keys, high);
    const __mmask16 reached = _mm512_mask_cmpge_epi32_mask(valid, keys, low);
    const auto inside = static_cast<__mmask16>(reached & ~above);
    _mm512_storeu_si512(kept + found.inside, _mm512_maskz_compress_epi32(inside, keys));
    found.inside += ones(inside);
    found.above += ones(above);
  }
  return found;
}

// The lowest `most` ones.
__mmask16 first_of(__mmask16 mask, std::int64_t most) {
  unsigned taken = 0;
  for (unsigned left = mask; left != 0 && most > 0; left &= left - 1, --most) taken |= left & (0u - left);
  return static_cast<__mmask16>(taken);
}

}  // namespace

Filtered filter_keys_avx512_bf16(const float* source, std::int64_t count, KeyRange range, std::int32_t* kept) {
  return filter(source, count, range, kept);
}
Filtered filter_keys_avx512_bf16(const std::int32_t* source, std::int64_t count, KeyRange range, std::int32_t* kept) {
  return filter(source, count, range, kept);
}

std::int64_t write_ids_avx512_bf16(const TopKIds& ids, KeyThreshold threshold) {
  const __m512i key = _mm512_set1_epi32(threshold.key);
  __m512i places = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  std::int64_t at = 0;
  for (std::int64_t i = 0; i < ids.count && at < ids.total; i += 16) {
    const __mmask16 valid = mask_of(ids.count - i);
    const __m512i keys = keys16(ids.scores + i, valid);
    __mmask16 equal = _mm512_mask_cmpeq_epi32_mask(valid, keys, key);
    if (equal != 0) {
      equal = first_of(equal, threshold.equals);
      threshold.equals -= ones(equal);
    }
    const auto taken = static_cast<__mmask16>(_mm512_mask_cmpgt_epi32_mask(valid, keys, key) | equal);
    const __m512i packed = _mm512_maskz_compress_epi32(taken, places);
    if (at + 16 <= ids.total) {
      _mm512_storeu_si512(ids.selected + at, packed);
    } else {
      _mm512_mask_storeu_epi32(ids.selected + at, mask_of(ones(taken)), packed);
    }
    at += ones(taken);
    places = _mm512_add_epi32(places, _mm512_set1_epi32(16));
  }
  return at;
}

}  // namespace outrider
#endif
