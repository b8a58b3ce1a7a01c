// Digests with 512-bit vectors. A channel's bound max(q · minimum, q · maximum) is q⁻ · minimum + q⁺ · maximum,
// q⁻ = min(q, 0) and q⁺ = max(q, 0), so that scoring is a bf16 dot product.
#if defined(__x86_64__)
#include <algorithm>
#include <limits>

#include "kernels/cpu/digest_paths.h"
#include "kernels/cpu/vectors_avx512.h"

namespace outrider {
namespace {

constexpr int kBlocks = 16;                                           // scored at a time, a lane to a block
constexpr int kMostChunks = static_cast<int>(kDigestMostWidth / 32);  // of 32 channels
constexpr int kVectors = 4;                                           // of minima, and of maxima, in registers

__mmask32 mask_of(std::int64_t channels) {
  return channels >= 32 ? ~__mmask32{0} : (__mmask32{1} << std::max<std::int64_t>(channels, 0)) - 1u;
}

void prefetch(const Bf16* at) { _mm_prefetch(reinterpret_cast<const char*>(at), _MM_HINT_T0); }

// As signed integers, bf16 then order as the numbers do, −0 below +0. Its own inverse.
__m512i ordered(__m512i bits) {
  return _mm512_xor_si512(bits, _mm512_and_si512(_mm512_srai_epi16(bits, 15), _mm512_set1_epi16(0x7fff)));
}

// Up to 32 · Vectors channels. What no number replaces decodes to NaN.
template <int Vectors>
void digest_channels(const DigestBlock& block, std::int64_t first_channel) {
  __m512i low[Vectors], high[Vectors];
  __mmask32 valid[Vectors];
  for (int i = 0; i < Vectors; ++i) {
    low[i] = _mm512_set1_epi16(0x7fff);
    high[i] = _mm512_set1_epi16(-0x8000);
    valid[i] = mask_of(block.head_dim - first_channel - 32 * i);
  }
  for (std::int64_t token = 0; token < block.tokens; ++token) {
    const std::int64_t at = token * block.head_dim + first_channel;
    for (int i = 0; i < Vectors; ++i) {
      if (block.next != nullptr) prefetch(block.next + at + 32 * i);
      const __m512i bits = _mm512_maskz_loadu_epi16(valid[i], block.keys + at + 32 * i);
      const __m512i size = _mm512_and_si512(bits, _mm512_set1_epi16(0x7fff));
      const __mmask32 number = _mm512_cmple_epi16_mask(size, _mm512_set1_epi16(0x7f80));
      low[i] = _mm512_mask_min_epi16(low[i], number, low[i], ordered(bits));
      high[i] = _mm512_mask_max_epi16(high[i], number, high[i], ordered(bits));
    }
  }
  Bf16* const to = block.digest + first_channel;
  for (int i = 0; i < Vectors; ++i) {
    _mm512_mask_storeu_epi16(to + 32 * i, valid[i], ordered(low[i]));
    _mm512_mask_storeu_epi16(to + block.head_dim + 32 * i, valid[i], ordered(high[i]));
  }
}

struct Chunks {
  explicit Chunks(std::int64_t width)
      : count(static_cast<int>((width + 31) / 32)), tail(mask_of(width - 32 * (count - 1))) {}
  __m512i load(const Bf16* row, int chunk) const {
    return chunk + 1 < count ? _mm512_loadu_si512(row + 32 * chunk) : _mm512_maskz_loadu_epi16(tail, row + 32 * chunk);
  }
  int count;
  __mmask32 tail;  // channels of the last
};

// Σ q⁻ · minimum + q⁺ · maximum over the channels, not yet over the lanes.
__m512 bound(const Chunks& chunks, const __m512i* query, const Bf16* digest, std::int64_t width) {
  __m512 below = _mm512_setzero_ps(), above = _mm512_setzero_ps();
  for (int c = 0; c < chunks.count; ++c) {
    const __m512i sign = _mm512_srai_epi16(query[c], 15);
    const __m512i negative = _mm512_and_si512(query[c], sign), positive = _mm512_andnot_si512(sign, query[c]);
    below = _mm512_dpbf16_ps(below, as_bf16(negative), as_bf16(chunks.load(digest, c)));
    above = _mm512_dpbf16_ps(above, as_bf16(positive), as_bf16(chunks.load(digest + width, c)));
  }
  return _mm512_add_ps(below, above);
}

void prefetch_digest(const DigestScorePart& part, std::size_t i) {
  if (i >= part.blocks.size()) return;
  const Bf16* digest = digest_of(part, i);
  for (std::int64_t channel = 0; channel < 2 * part.head_dim; channel += 32) prefetch(digest + channel);
}

// Blocks `first` to first + here − 1. The first head's pass calls the next tile's digests into the cache.
void score_tile(const DigestScorePart& part, const Chunks& chunks, std::size_t first, int here) {
  __m512 best = _mm512_set1_ps(-std::numeric_limits<float>::infinity());
  for (std::int64_t head = 0; head < part.group; ++head) {
    __m512i query[kMostChunks];
    for (int c = 0; c < chunks.count; ++c) query[c] = chunks.load(part.queries + head * part.head_dim, c);
    __m512 rows[kBlocks];
    for (int i = 0; i < kBlocks; ++i) {
      rows[i] = _mm512_setzero_ps();
      if (i >= here) continue;
      const std::size_t block = first + static_cast<std::size_t>(i);
      if (head == 0) prefetch_digest(part, block + kBlocks);
      rows[i] = bound(chunks, query, digest_of(part, block), part.head_dim);
    }
    best = _mm512_max_ps(best, sums_of_16(rows));
  }
  _mm512_mask_storeu_ps(part.scores + first, static_cast<__mmask16>((1u << here) - 1u), best);
}

}  // namespace

void digest_block_avx512_bf16(const DigestBlock& block) {
  std::int64_t channel = 0;
  for (; channel + 32 * (kVectors - 1) < block.head_dim; channel += 32 * kVectors)
    digest_channels<kVectors>(block, channel);
  for (; channel < block.head_dim; channel += 32) digest_channels<1>(block, channel);
}

void score_digests_avx512_bf16(const DigestScorePart& part) {
  const Chunks chunks(part.head_dim);
  for (std::size_t first = 0; first < part.blocks.size(); first += kBlocks)
    score_tile(part, chunks, first, static_cast<int>(std::min<std::size_t>(part.blocks.size() - first, kBlocks)));
}

}  // namespace outrider
#endif
