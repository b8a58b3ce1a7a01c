// What the paths with 512-bit vectors share: the walk over stripes of tokens, and the online softmax over their scores.
// Only for files compiled for these.
#pragma once

#if defined(__AVX512F__) && defined(__AVX512BF16__)

#include <immintrin.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "kernels/cpu/attention.h"

namespace outrider {

inline constexpr int kStripe = 32;  // tokens per round of the online softmax

// Tokens of one block, or packed ones of several. `keys` is null behind the last stripe.
struct Stripe {
  const Bf16* keys = nullptr;
  const Bf16* values = nullptr;
  int tokens = 0;
};

template <class Rows, class StripeAt>
void attend_each(Rows& rows, const StripeAt& stripe_at) {
  Stripe stripe = stripe_at(0);
  for (std::int64_t token = 0; stripe.tokens > 0;) {
    token += stripe.tokens;
    const Stripe next = stripe_at(token);
    rows.attend(stripe, next);
    stripe = next;
  }
  rows.finish();
}

// Tokens of blocks that are smaller than a stripe, a stripe at a time next to each other. While one is copied, one some
// way behind it is called into the cache, since no prefetcher knows the next block.
class PackedTokens {
 public:
  explicit PackedTokens(const AttentionPart<Bf16>& part) : part_(part) {}

  Stripe stripe_at(std::int64_t first) {
    const std::int64_t width = part_.kv.head_dim, tokens = std::min<std::int64_t>(kStripe, part_.tokens - first);
    if (tokens <= 0) return {};
    const std::size_t bytes = static_cast<std::size_t>(width) * sizeof(Bf16);
    Bf16* const keys = packed_[static_cast<std::size_t>(first / kStripe % 2)].data();
    Bf16* const values = keys + kStripe * width;
    for (std::int64_t t = 0; t < tokens; ++t) {
      const Bf16 *key = key_of(first + t), *ahead = key_of(std::min(first + t + kAhead, part_.tokens - 1));
      for (std::int64_t i = 0; i < width; i += kLine) {
        _mm_prefetch(reinterpret_cast<const char*>(ahead + i), _MM_HINT_T0);
        _mm_prefetch(reinterpret_cast<const char*>(ahead + to_value() + i), _MM_HINT_T0);
      }
      std::memcpy(keys + t * width, key, bytes);
      std::memcpy(values + t * width, key + to_value(), bytes);
    }
    return {keys, values, static_cast<int>(tokens)};
  }

 private:
  static constexpr std::int64_t kAhead = 12, kLine = 32, kMostWidth = 256;

  const Bf16* key_of(std::int64_t token) const {
    const std::int64_t per_block = part_.kv.block_tokens;
    return part_.kv.data + part_.blocks[static_cast<std::size_t>(token / per_block)] * part_.kv.stride +
           token % per_block * part_.kv.head_dim;
  }
  std::int64_t to_value() const { return part_.kv.block_tokens * part_.kv.head_dim; }

  const AttentionPart<Bf16>& part_;
  alignas(64) std::array<std::array<Bf16, 2 * kStripe * kMostWidth>, 2> packed_;  // this stripe, and the next one
};

// Calls rows.attend(stripe, next) for all stripes in order, then rows.finish(). `next` is what will be read after it.
template <class Rows>
void attend_stripes(const AttentionPart<Bf16>& part, Rows& rows) {
  if (part.kv.block_tokens < kStripe) {
    PackedTokens packed(part);
    return attend_each(rows, [&](std::int64_t token) { return packed.stripe_at(token); });
  }
  const std::int64_t per_block = part.kv.block_tokens, width = part.kv.head_dim;
  const auto stripe_at = [&](std::int64_t token) -> Stripe {
    if (token >= part.tokens) return {};
    const std::int64_t block = token / per_block, first = token % per_block;
    const Bf16* const data = part.kv.data + part.blocks[static_cast<std::size_t>(block)] * part.kv.stride;
    const std::int64_t tokens = std::min<std::int64_t>({kStripe, per_block - first, part.tokens - token});
    return {data + first * width, data + (per_block + first) * width, static_cast<int>(tokens)};
  };
  attend_each(rows, stripe_at);
}

// e^x for x ≤ 0: 2^n · 2^f, f in [−½, ½], 2^f by its Taylor polynomial of degree 6, relative error below 2e-7.
inline __m512 exp_of(__m512 x) {
  const __m512 y = _mm512_max_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504f)), _mm512_set1_ps(-126.0f));
  const __m512 n = _mm512_roundscale_ps(y, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  const __m512 f = _mm512_sub_ps(y, n);
  __m512 p = _mm512_set1_ps(1.54035304e-4f);
  for (const float c : {1.33335581e-3f, 9.61812911e-3f, 5.55041087e-2f, 2.40226507e-1f, 6.93147181e-1f, 1.0f})
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(c));
  return _mm512_scalef_ps(p, n);
}

// The softmax of one query head over the stripes so far. Scores are −∞ where there is no token.
struct StripeSoftmax {
  float most = -std::numeric_limits<float>::infinity(), total = 0.0f;

  // Writes the weights of 32 scores as bf16, in order; returns the factor by which what was summed before shrinks.
  float weigh(__m512 first16, __m512 last16, void* weights_bf16) {
    const float higher = std::max(most, _mm512_reduce_max_ps(_mm512_max_ps(first16, last16)));
    const __m512 low = weights(first16, higher), high = weights(last16, higher);
    const float shrink = std::exp(most - higher);
    total = total * shrink + _mm512_reduce_add_ps(_mm512_add_ps(low, high));
    most = higher;
    const __m512bh in_order = _mm512_cvtne2ps_pbh(high, low);
    _mm512_storeu_si512(weights_bf16, reinterpret_cast<const __m512i&>(in_order));
    return shrink;
  }
  float lse() const { return most + std::log(total); }

 private:
  static __m512 weights(__m512 scores, float most) {
    const __mmask16 valid = _mm512_cmp_ps_mask(scores, _mm512_set1_ps(-1e30f), _CMP_GT_OQ);
    return _mm512_maskz_mov_ps(valid, exp_of(_mm512_sub_ps(scores, _mm512_set1_ps(most))));
  }
};

}  // namespace outrider
#endif
