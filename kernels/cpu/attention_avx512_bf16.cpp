// Decode attention with bf16 dot products of 512-bit vectors: 16 scores at a time, V in pairs of tokens.
#if defined(__x86_64__)
#include <algorithm>
#include <array>
#include <limits>

#include "kernels/cpu/attention_paths.h"
#include "kernels/cpu/attention_stripes.h"
#include "kernels/cpu/vectors_avx512.h"

namespace outrider {
namespace {

constexpr int kMostGroup = 8;   // query heads in registers at a time
constexpr int kMostChunks = 8;  // of 32 channels: head_dim ≤ 256

// Up to kMostGroup query heads over the whole list of blocks.
template <int Group>
class Rows {
 public:
  Rows(const AttentionPart<Bf16>& part, std::int64_t first_head) : part_(part), first_(first_head) {
    width_ = part.kv.head_dim;
    chunks_ = static_cast<int>(width_ / 32);
    for (int g = 0; g < Group; ++g) {
      const float* query = part.queries + (first_ + g) * width_;
      for (int c = 0; c < chunks_; ++c) {
        const __m512 low = _mm512_loadu_ps(query + 32 * c), high = _mm512_loadu_ps(query + 32 * c + 16);
        query_[g][c] = _mm512_cvtne2ps_pbh(high, low);
      }
      std::fill(output(g), output(g) + width_, 0.0f);
    }
  }

  void attend(const Stripe& stripe, const Stripe& next) {
    score(stripe.keys, stripe.values, stripe.tokens);
    for (int g = 0; g < Group; ++g) weigh(g);
    for (int c = 0; c < chunks_; ++c) accumulate(stripe.values + 32 * c, c, stripe.tokens, next.keys);
  }

  void finish() {
    for (int g = 0; g < Group; ++g) {
      for (std::int64_t i = 0; i < width_; ++i) output(g)[i] /= softmax_[g].total;
      part_.lse[first_ + g] = softmax_[g].lse();
    }
  }

 private:
  float* output(int g) const { return part_.output + (first_ + g) * width_; }

  // Scores of 32 tokens for every head, −∞ beyond `tokens`. Rows of V are called into the cache meanwhile.
  void score(const Bf16* keys, const Bf16* values, int tokens) {
    for (int half = 0; half < 2; ++half) {
      const int here = std::clamp(tokens - 16 * half, 0, 16);
      for (int t = 0; t < here; ++t) {
        for (int c = 0; c < chunks_; ++c)
          _mm_prefetch(reinterpret_cast<const char*>(values + (16 * half + t) * width_ + 32 * c), _MM_HINT_T0);
      }
      for (int g = 0; g < Group; ++g) {
        __m512 rows[16];
        for (int t = 0; t < 16; ++t) {
          rows[t] = _mm512_setzero_ps();
          if (t >= here) continue;
          const Bf16* key = keys + (16 * half + t) * width_;
          for (int c = 0; c < chunks_; ++c) rows[t] = _mm512_dpbf16_ps(rows[t], query_[g][c], load32(key + 32 * c));
        }
        const __m512 scores = _mm512_mul_ps(sums_of_16(rows), _mm512_set1_ps(part_.scale));
        const auto valid = static_cast<__mmask16>((1u << here) - 1u);
        scores_[g][half] = _mm512_mask_blend_ps(valid, _mm512_set1_ps(-std::numeric_limits<float>::infinity()), scores);
      }
    }
  }

  void weigh(int g) {
    const float shrink = softmax_[g].weigh(scores_[g][0], scores_[g][1], weights_[g].data());
    if (shrink == 1.0f) return;
    for (std::int64_t i = 0; i < width_; i += 16)
      _mm512_storeu_ps(output(g) + i, _mm512_mul_ps(_mm512_loadu_ps(output(g) + i), _mm512_set1_ps(shrink)));
  }

  // Adds 32 channels of V, two tokens at a time: each dot product takes a channel of both with their weights.
  void accumulate(const Bf16* values, int chunk, int tokens, const Bf16* next) {
    alignas(64) static constexpr std::array<std::uint16_t, 32> kLow = {0,  32, 1,  33, 2,  34, 3,  35, 4,  36, 5,
                                                                       37, 6,  38, 7,  39, 8,  40, 9,  41, 10, 42,
                                                                       11, 43, 12, 44, 13, 45, 14, 46, 15, 47};
    const __m512i low_index = _mm512_load_si512(kLow.data());
    const __m512i high_index = _mm512_add_epi16(low_index, _mm512_set1_epi16(16));
    __m512 low[Group], high[Group];
    for (int g = 0; g < Group; ++g) {
      low[g] = _mm512_loadu_ps(output(g) + 32 * chunk);
      high[g] = _mm512_loadu_ps(output(g) + 32 * chunk + 16);
    }
    const auto row = [&](int t) {
      return t < tokens ? _mm512_loadu_si512(values + t * width_) : _mm512_setzero_si512();
    };
    for (int pair = 0; 2 * pair < tokens; ++pair) {
      const __m512i a = row(2 * pair), b = row(2 * pair + 1);
      if (next != nullptr) prefetch_row(next, chunk, pair);
      const __m512bh v_low = as_bf16(_mm512_permutex2var_epi16(a, low_index, b));
      const __m512bh v_high = as_bf16(_mm512_permutex2var_epi16(a, high_index, b));
      for (int g = 0; g < Group; ++g) {
        const __m512bh weight = as_bf16(_mm512_set1_epi32(weights_[g][static_cast<std::size_t>(pair)]));
        low[g] = _mm512_dpbf16_ps(low[g], weight, v_low);
        high[g] = _mm512_dpbf16_ps(high[g], weight, v_high);
      }
    }
    for (int g = 0; g < Group; ++g) {
      _mm512_storeu_ps(output(g) + 32 * chunk, low[g]);
      _mm512_storeu_ps(output(g) + 32 * chunk + 16, high[g]);
    }
  }

  // Spreads the lines of the next stripe's keys over the work of this one.
  void prefetch_row(const Bf16* next, int chunk, int pair) const {
    const Bf16* line = next + 2 * pair * width_ + 32 * chunk;
    _mm_prefetch(reinterpret_cast<const char*>(line), _MM_HINT_T0);
    _mm_prefetch(reinterpret_cast<const char*>(line + width_), _MM_HINT_T0);
  }

  const AttentionPart<Bf16>& part_;
  std::int64_t first_, width_ = 0;
  int chunks_ = 0;
  __m512bh query_[Group][kMostChunks];
  __m512 scores_[Group][2];
  alignas(64) std::array<std::array<std::int32_t, 16>, Group> weights_;  // pairs of bf16
  std::array<StripeSoftmax, Group> softmax_;
};

template <int Group>
void attend_heads(const AttentionPart<Bf16>& part, std::int64_t first_head) {
  Rows<Group> rows(part, first_head);
  attend_stripes(part, rows);
}

}  // namespace

void attend_avx512_bf16(const AttentionPart<Bf16>& part) {
  using Heads = void (*)(const AttentionPart<Bf16>&, std::int64_t);
  constexpr std::array<Heads, kMostGroup> kHeads = {attend_heads<1>, attend_heads<2>, attend_heads<3>, attend_heads<4>,
                                                    attend_heads<5>, attend_heads<6>, attend_heads<7>, attend_heads<8>};
  for (std::int64_t first = 0; first < part.group; first += kMostGroup)
    kHeads[static_cast<std::size_t>(std::min<std::int64_t>(part.group - first, kMostGroup) - 1)](part, first);
}

}  // namespace outrider
#endif
