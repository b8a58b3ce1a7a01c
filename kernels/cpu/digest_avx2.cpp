// Digests with 256-bit vectors: integer minima and maxima of bf16, and scores in fp32 arithmetic.
#if defined(__x86_64__)
#include <algorithm>
#include <limits>
#include <vector>

#include "kernels/cpu/digest_paths.h"
#include "kernels/cpu/vectors_avx2.h"

namespace outrider {
namespace {

constexpr std::int64_t kTogether = 512;  // keys' channels called into the cache at a time
constexpr std::size_t kAhead = 8;        // blocks called into the cache

void prefetch(const Bf16* at) { _mm_prefetch(reinterpret_cast<const char*>(at), _MM_HINT_T0); }

// As signed integers, bf16 then order as the numbers do, −0 below +0. Its own inverse.
__m256i ordered(__m256i bits) {
  return _mm256_xor_si256(bits, _mm256_and_si256(_mm256_srai_epi16(bits, 15), _mm256_set1_epi16(0x7fff)));
}

// 16 channels. What no number replaces decodes to NaN.
struct Bounds {
  __m256i low = _mm256_set1_epi16(0x7fff), high = _mm256_set1_epi16(-0x8000);

  void take(const Bf16* keys) {
    const __m256i top = _mm256_set1_epi16(0x7fff), bottom = _mm256_set1_epi16(-0x8000);
    const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(keys));
    const __m256i is_nan = _mm256_cmpgt_epi16(_mm256_and_si256(bits, top), _mm256_set1_epi16(0x7f80));
    low = _mm256_min_epi16(low, _mm256_blendv_epi8(ordered(bits), top, is_nan));
    high = _mm256_max_epi16(high, _mm256_blendv_epi8(ordered(bits), bottom, is_nan));
  }
};

void store(const Bounds& bounds, const DigestBlock& block, std::int64_t channel) {
  const auto store16 = [](Bf16* to, __m256i value) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), ordered(value));
  };
  store16(block.digest + channel, bounds.low);
  store16(block.digest + block.head_dim + channel, bounds.high);
}

// 64 channels side by side: two cache lines of a token. The first of them call all of the next block's, a KiB at a
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
    one.take(block.keys + at);
    two.take(block.keys + at + 16);
    three.take(block.keys + at + 32);
    four.take(block.keys + at + 48);
  }
  store(one, block, channel);
  store(two, block, channel + 16);
  store(three, block, channel + 32);
  store(four, block, channel + 48);
}

void digest_one(const DigestBlock& block, std::int64_t channel) {
  Bounds bounds;
  for (std::int64_t token = 0; token < block.tokens; ++token)
    bounds.take(block.keys + token * block.head_dim + channel);
  store(bounds, block, channel);
}

// q⁻ = min(q, 0) and q⁺ = max(q, 0): max(q · minimum, q · maximum) is q⁻ · minimum + q⁺ · maximum.
struct SplitQueries {
  explicit SplitQueries(const DigestScorePart& part) : width(part.head_dim) {
    const auto count = static_cast<std::size_t>(part.group * width);
    negative.resize(count);
    positive.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
      const float q = to_float(part.queries[i]);
      negative[i] = std::min(q, 0.0f);
      positive[i] = std::max(q, 0.0f);
    }
  }
  std::int64_t width;
  std::vector<float> negative, positive;  // [group][width]
};

// The largest bound of `Heads` query heads, which share the widening of the digest. Calls the digest `ahead`
// into the cache.
template <int Heads>
float score_heads(const SplitQueries& queries, std::int64_t first_head, const Bf16* least, const Bf16* ahead) {
  const std::int64_t width = queries.width, whole = width / 8 * 8;
  const Bf16* most = least + width;
  const float* negative = queries.negative.data() + first_head * width;
  const float* positive = queries.positive.data() + first_head * width;
  __m256 below[Heads], above[Heads];
  for (int h = 0; h < Heads; ++h) below[h] = above[h] = _mm256_setzero_ps();
  for (std::int64_t c = 0; c < whole; c += 8) {
    const __m256 low = load8(least + c), high = load8(most + c);
    prefetch(ahead + 2 * c);
    for (int h = 0; h < Heads; ++h) {
      below[h] = _mm256_fmadd_ps(load8(negative + h * width + c), low, below[h]);
      above[h] = _mm256_fmadd_ps(load8(positive + h * width + c), high, above[h]);
    }
  }
  float best = -std::numeric_limits<float>::infinity();
  for (int h = 0; h < Heads; ++h) {
    float sum = sum8(_mm256_add_ps(below[h], above[h]));
    for (std::int64_t c = whole; c < width; ++c)
      sum += negative[h * width + c] * to_float(least[c]) + positive[h * width + c] * to_float(most[c]);
    best = std::max(best, sum);
  }
  return best;
}

}  // namespace

void digest_block_avx2(const DigestBlock& block) {
  std::int64_t channel = 0;
  for (; channel + 64 <= block.head_dim; channel += 64) digest_four(block, channel);
  for (; channel + 16 <= block.head_dim; channel += 16) digest_one(block, channel);
  digest_block_scalar(block, channel);
}

void score_digests_avx2(const DigestScorePart& part) {
  const SplitQueries queries(part);
  for (std::size_t i = 0; i < part.blocks.size(); ++i) {
    const Bf16* digest = digest_of(part, i);
    const Bf16* ahead = i + kAhead < part.blocks.size() ? digest_of(part, i + kAhead) : digest;
    float best = -std::numeric_limits<float>::infinity();
    std::int64_t head = 0;
    for (; head + 4 <= part.group; head += 4) best = std::max(best, score_heads<4>(queries, head, digest, ahead));
    for (; head + 2 <= part.group; head += 2) best = std::max(best, score_heads<2>(queries, head, digest, ahead));
    if (head < part.group) best = std::max(best, score_heads<1>(queries, head, digest, ahead));
    part.scores[i] = best;
  }
}

}  // namespace outrider
#endif
