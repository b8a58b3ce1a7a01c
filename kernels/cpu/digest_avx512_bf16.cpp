// Digests with 512-bit vectors. The sign of q says which of q · minimum and q · maximum is larger, so that scoring is a
// bf16 dot product.
#if defined(__x86_64__)
#include <algorithm>
#include <array>
#include <limits>

#include "kernels/cpu/digest_paths.h"
#include "kernels/cpu/vectors_avx512.h"

namespace outrider {
namespace {

constexpr int kBlocks = 16;                                           // scored at a time, a lane to a block
constexpr std::int64_t kTogether = 512;                               // keys' channels called into the cache at a time
constexpr std::size_t kAhead = 8;                                     // blocks called into the cache
constexpr int kMostGroup = 8;                                         // query heads at a time
constexpr int kMostChunks = static_cast<int>(kDigestMostWidth / 32);  // of 32 channels

__mmask32 mask_of(std::int64_t channels) { return channels >= 32 ? ~__mmask32{0} : (__mmask32{1} << channels) - 1u; }

void prefetch(const Bf16* at) { _mm_prefetch(reinterpret_cast<const char*>(at), _MM_HINT_T0); }

// As signed integers, bf16 then order as the numbers do, −0 below +0. Its own inverse.
__m512i ordered(__m512i bits) {
  return _mm512_xor_si512(bits, _mm512_and_si512(_mm512_srai_epi16(bits, 15), _mm512_set1_epi16(0x7fff)));
}

// 32 channels. What no number replaces decodes to NaN.
struct Bounds {
  __m512i low = _mm512_set1_epi16(0x7fff), high = _mm512_set1_epi16(-0x8000);

  void take(__m512i bits) {
    const __m512i size = _mm512_and_si512(bits, _mm512_set1_epi16(0x7fff));
    const __mmask32 number = _mm512_cmple_epi16_mask(size, _mm512_set1_epi16(0x7f80));
    low = _mm512_mask_min_epi16(low, number, low, ordered(bits));
    high = _mm512_mask_max_epi16(high, number, high, ordered(bits));
  }
};

void store(const Bounds& bounds, const DigestBlock& block, std::int64_t channel) {
  const __mmask32 valid = mask_of(block.head_dim - channel);
  _mm512_mask_storeu_epi16(block.digest + channel, valid, ordered(bounds.low));
  _mm512_mask_storeu_epi16(block.digest + block.head_dim + channel, valid, ordered(bounds.high));
}

// 128 channels side by side, four cache lines of a token. The first of them call all of the next block's, a KiB at a
// time: the memory is slower for single lines between the loads.
void digest_four(const DigestBlock& block, std::int64_t channel) {
  const Bf16* const ahead = block.next != nullptr ? block.next : block.keys;
  const std::int64_t together = std::max<std::int64_t>(kTogether / block.head_dim, 1);  // tokens
  Bounds one, two, three, four;
  for (std::int64_t token = 0; token < block.tokens; ++token) {
    const std::int64_t at = token * block.head_dim + channel;
    if (channel == 0 && token % together == 0) {
      for (std::int64_t i = 0; i < kTogether; i += 32) prefetch(ahead + at + i);
    }
    one.take(_mm512_loadu_si512(block.keys + at));
    two.take(_mm512_loadu_si512(block.keys + at + 32));
    three.take(_mm512_loadu_si512(block.keys + at + 64));
    four.take(_mm512_loadu_si512(block.keys + at + 96));
  }
  store(one, block, channel);
  store(two, block, channel + 32);
  store(three, block, channel + 64);
  store(four, block, channel + 96);
}

void digest_one(const DigestBlock& block, std::int64_t channel) {
  const Bf16* const ahead = block.next != nullptr ? block.next : block.keys;
  const __mmask32 valid = mask_of(block.head_dim - channel);
  Bounds bounds;
  for (std::int64_t token = 0; token < block.tokens; ++token) {
    const std::int64_t at = token * block.head_dim + channel;
    prefetch(ahead + at);
    bounds.take(_mm512_maskz_loadu_epi16(valid, block.keys + at));
  }
  store(bounds, block, channel);
}

// The list of blocks, 16 at a time. `Chunks` of 32 channels hold a head; only the last may be partly filled. A digest
// is in registers while all query heads meet it: with several KV heads, digests are powers of two apart, and a cache's
// sets do not hold many.
template <int Chunks>
class Scorer {
 public:
  Scorer(const DigestScorePart& part, std::int64_t first_head)
      : part_(part), tail_(mask_of(part.head_dim - 32 * (Chunks - 1))) {
    heads_ = static_cast<int>(std::min<std::int64_t>(part.group - first_head, kMostGroup));
    for (int head = 0; head < heads_; ++head) {
      for (int c = 0; c < Chunks; ++c) {
        query_[head][c] = load(part.queries + (first_head + head) * part.head_dim, c);
        sign_[head][c] = _mm512_srai_epi16(query_[head][c], 15);
      }
    }
  }

  // The best of these heads; `merged` with the scores that are there.
  void score(bool merged) const {
    for (std::size_t first = 0; first < part_.blocks.size(); first += kBlocks) {
      const auto here = static_cast<int>(std::min<std::size_t>(part_.blocks.size() - first, kBlocks));
      const auto valid = static_cast<__mmask16>((1u << here) - 1u);
      const __m512 best = score_tile(first, here);
      const __m512 others = _mm512_maskz_loadu_ps(merged ? valid : __mmask16{0}, part_.scores + first);
      _mm512_mask_storeu_ps(part_.scores + first, valid, merged ? _mm512_max_ps(best, others) : best);
    }
  }

 private:
  __m512i load(const Bf16* row, int chunk) const {
    return chunk + 1 < Chunks ? _mm512_loadu_si512(row + 32 * chunk)
                              : _mm512_maskz_loadu_epi16(tail_, row + 32 * chunk);
  }

  // A lane to a block, `first` to first + here − 1.
  __m512 score_tile(std::size_t first, int here) const {
    __m512 bounds[kMostGroup][kBlocks];
    for (int i = 0; i < here; ++i) {
      const std::size_t block = first + static_cast<std::size_t>(i);
      const Bf16* digest = digest_of(part_, block);
      const Bf16* ahead = block + kAhead < part_.blocks.size() ? digest_of(part_, block + kAhead) : digest;
      __m512i least[Chunks], most[Chunks];
      for (int c = 0; c < Chunks; ++c) {
        prefetch(ahead + 32 * c);
        prefetch(ahead + part_.head_dim + 32 * c);
        least[c] = load(digest, c);
        most[c] = load(digest + part_.head_dim, c);
      }
      for (int head = 0; head < heads_; ++head) bounds[head][i] = bound(head, least, most);
    }
    __m512 best = _mm512_set1_ps(-std::numeric_limits<float>::infinity());
    for (int head = 0; head < heads_; ++head) {
      for (int i = here; i < kBlocks; ++i) bounds[head][i] = _mm512_setzero_ps();
      best = _mm512_max_ps(best, sums_of_16(bounds[head]));
    }
    return best;
  }

  // Σ q · (q < 0 ? minimum : maximum), not yet over the lanes.
  __m512 bound(int head, const __m512i* least, const __m512i* most) const {
    constexpr int kChoose = 0xca;  // first ? second : third, bit by bit
    __m512 even = _mm512_setzero_ps(), odd = _mm512_setzero_ps();
    for (int c = 0; c < Chunks; ++c) {
      const __m512i chosen = _mm512_ternarylogic_epi32(sign_[head][c], least[c], most[c], kChoose);
      __m512& sum = c % 2 == 0 ? even : odd;
      sum = _mm512_dpbf16_ps(sum, as_bf16(chosen), as_bf16(query_[head][c]));
    }
    return _mm512_add_ps(even, odd);
  }

  const DigestScorePart& part_;
  __mmask32 tail_;  // channels of the last chunk
  int heads_ = 0;
  __m512i query_[kMostGroup][Chunks], sign_[kMostGroup][Chunks];
};

template <int Chunks>
void score_with(const DigestScorePart& part) {
  for (std::int64_t head = 0; head < part.group; head += kMostGroup) Scorer<Chunks>(part, head).score(head > 0);
}

}  // namespace

void digest_block_avx512_bf16(const DigestBlock& block) {
  std::int64_t channel = 0;
  for (; channel + 128 <= block.head_dim; channel += 128) digest_four(block, channel);
  for (; channel < block.head_dim; channel += 32) digest_one(block, channel);
}

void score_digests_avx512_bf16(const DigestScorePart& part) {
  using Score = void (*)(const DigestScorePart&);
  constexpr std::array<Score, kMostChunks> kScores = {score_with<1>, score_with<2>, score_with<3>, score_with<4>,
                                                      score_with<5>, score_with<6>, score_with<7>, score_with<8>};
  kScores[static_cast<std::size_t>((part.head_dim + 31) / 32 - 1)](part);
}

}  // namespace outrider
#endif
