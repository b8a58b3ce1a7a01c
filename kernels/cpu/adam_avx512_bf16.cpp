// Adam with 512-bit vectors, a cache line of bf16 weights at a time, which is stored past the caches.
#if defined(__x86_64__)
#include "kernels/cpu/adam_paths.h"
#include "kernels/cpu/vectors_avx512.h"

namespace outrider {
namespace {

constexpr std::int64_t kAhead = 1024;  // weights; beyond the page that hardware prefetchers stop at

void prefetch(const void* at) { _mm_prefetch(static_cast<const char*>(at), _MM_HINT_T0); }

struct Constants {
  explicit Constants(const AdamFactors& f)
      : beta1(_mm512_set1_ps(f.beta1)),
        rest1(_mm512_set1_ps(f.rest1)),
        beta2(_mm512_set1_ps(f.beta2)),
        rest2(_mm512_set1_ps(f.rest2)),
        rate(_mm512_set1_ps(f.rate)),
        second_scale(_mm512_set1_ps(f.second_scale)),
        epsilon(_mm512_set1_ps(f.epsilon)),
        shrink(_mm512_set1_ps(f.shrink)),
        gradient_scale(_mm512_set1_ps(f.gradient_scale)) {}
  __m512 beta1, rest1, beta2, rest2, rate, second_scale, epsilon, shrink, gradient_scale;
};

// Of the 16 weights from `i` on; returns the new ones.
template <class Gradient>
__m512 update(const AdamPart<Gradient>& part, const Constants& c, std::int64_t i) {
  const __m512 g = _mm512_mul_ps(load16(part.gradients + i), c.gradient_scale);
  const __m512 m = _mm512_add_ps(_mm512_mul_ps(c.beta1, load16(part.first + i)), _mm512_mul_ps(c.rest1, g));
  const __m512 v =
      _mm512_add_ps(_mm512_mul_ps(c.beta2, load16(part.second + i)), _mm512_mul_ps(_mm512_mul_ps(c.rest2, g), g));
  const __m512 size = _mm512_add_ps(_mm512_mul_ps(_mm512_sqrt_ps(v), c.second_scale), c.epsilon);
  const __m512 change = _mm512_div_ps(_mm512_mul_ps(c.rate, m), size);
  const __m512 w = _mm512_sub_ps(_mm512_mul_ps(c.shrink, load16(part.weights + i)), change);
  _mm512_storeu_ps(part.first + i, m);
  _mm512_storeu_ps(part.second + i, v);
  _mm512_storeu_ps(part.weights + i, w);
  return w;
}

void stream(__m512 low, __m512 high, Bf16* to) {
  const __m512i halves = _mm512_inserti64x4(_mm512_castsi256_si512(round16(low)), round16(high), 1);
  _mm512_stream_si512(reinterpret_cast<__m512i*>(to), halves);
}

template <class Gradient>
void run(const AdamPart<Gradient>& part, const AdamFactors& factors) {
  const Constants constants(factors);
  for (std::int64_t i = 0; i < part.count; i += kAdamLine) {
    const std::int64_t ahead = i + kAhead < part.count ? i + kAhead : i;
    for (std::int64_t line = 0; line < kAdamLine; line += 16) {
      prefetch(part.weights + ahead + line);
      prefetch(part.first + ahead + line);
      prefetch(part.second + ahead + line);
    }
    prefetch(part.gradients + ahead);
    if constexpr (sizeof(Gradient) == 4) prefetch(part.gradients + ahead + 16);
    for (std::int64_t j = i; j < i + kAdamLine; j += 32) {
      const __m512 low = update(part, constants, j);
      stream(low, update(part, constants, j + 16), part.copy + j);
    }
  }
  _mm_sfence();
}

}  // namespace

void adam_step_avx512_bf16(const AdamPart<Bf16>& part, const AdamFactors& factors) { run(part, factors); }
void adam_step_avx512_bf16(const AdamPart<float>& part, const AdamFactors& factors) { run(part, factors); }

}  // namespace outrider
#endif
