// The passes of top-k with 256-bit vectors: a table of permutations packs the chosen lanes.
#if defined(__x86_64__)
#include <immintrin.h>

#include <array>

#include "kernels/cpu/topk_paths.h"

namespace outrider {
namespace {

// Byte j of entry m is the place of the j-th one of m.
constexpr std::array<std::uint64_t, 256> packings() {
  std::array<std::uint64_t, 256> table{};
  for (unsigned mask = 0; mask < 256; ++mask) {
    int next = 0;
    for (unsigned lane = 0; lane < 8; ++lane) {
      if ((mask >> lane & 1u) != 0) table[mask] |= std::uint64_t{lane} << 8 * next++;
    }
  }
  return table;
}
constexpr std::array<std::uint64_t, 256> kPackings = packings();

__m256i packed(__m256i lanes, unsigned mask) {
  const __m256i places = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(static_cast<long long>(kPackings[mask])));
  return _mm256_permutevar8x32_epi32(lanes, places);
}

__m256i keys8(const float* at) {
  const __m256 scores = _mm256_add_ps(_mm256_loadu_ps(at), _mm256_setzero_ps());
  const __m256i bits = _mm256_castps_si256(scores), sign = _mm256_srai_epi32(bits, 31);
  const __m256i keys = _mm256_xor_si256(bits, _mm256_and_si256(sign, _mm256_set1_epi32(0x7fffffff)));
  const __m256i is_nan = _mm256_castps_si256(_mm256_cmp_ps(scores, scores, _CMP_UNORD_Q));
  return _mm256_blendv_epi8(keys, _mm256_set1_epi32(std::numeric_limits<std::int32_t>::min()), is_nan);
}
__m256i keys8(const std::int32_t* at) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)); }

unsigned mask_of(__m256i lanes) { return static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(lanes))); }

template <class Source>
Filtered filter(const Source* source, std::int64_t count, KeyRange range, std::int32_t* kept) {
  const __m256i low = _mm256_set1_epi32(range.low), high = _mm256_set1_epi32(range.high);
  const std::int64_t whole = count / 8 * 8;
  Filtered found;
  for (std::int64_t i = 0; i < whole; i += 8) {
    const __m256i keys = keys8(source + i);
    const unsigned above = mask_of(_mm256_cmpgt_epi32(keys, high)), below = mask_of(_mm256_cmpgt_epi32(low, keys));
    const unsigned inside = 0xffu & ~(above | below);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(kept + found.inside), packed(keys, inside));
    found.inside += __builtin_popcount(inside);
    found.above += __builtin_popcount(above);
  }
  const Filtered rest = filter_keys_scalar(source + whole, count - whole, range, kept + found.inside);
  return {found.inside + rest.inside, found.above + rest.above};
}

}  // namespace

Filtered filter_keys_avx2(const float* source, std::int64_t count, KeyRange range, std::int32_t* kept) {
  return filter(source, count, range, kept);
}
Filtered filter_keys_avx2(const std::int32_t* source, std::int64_t count, KeyRange range, std::int32_t* kept) {
  return filter(source, count, range, kept);
}

// Eight at a time while a whole vector can be stored and no score equals the threshold; one by one otherwise.
std::int64_t write_ids_avx2(const TopKIds& ids, KeyThreshold threshold) {
  const __m256i key = _mm256_set1_epi32(threshold.key);
  const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  std::int64_t at = 0;
  for (std::int64_t i = 0; i < ids.count && at < ids.total; i += 8) {
    const std::int64_t here = ids.count - i < 8 ? ids.count - i : 8;
    if (here == 8 && at + 8 <= ids.total) {
      const __m256i keys = keys8(ids.scores + i);
      if (mask_of(_mm256_cmpeq_epi32(keys, key)) == 0) {
        const unsigned above = mask_of(_mm256_cmpgt_epi32(keys, key));
        const __m256i places = _mm256_add_epi32(lanes, _mm256_set1_epi32(static_cast<std::int32_t>(i)));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(ids.selected + at), packed(places, above));
        at += __builtin_popcount(above);
        continue;
      }
    }
    for (std::int64_t j = i; j < i + here; ++j) {
      const std::int32_t each = key_of(ids.scores[j]);
      const bool equal = each == threshold.key && threshold.equals > 0;
      threshold.equals -= equal;
      if (equal || each > threshold.key) ids.selected[at++] = static_cast<std::int32_t>(j);
    }
  }
  return at;
}

}  // namespace outrider
#endif
