// Adam with 256-bit vectors, a cache line of bf16 weights at a time, which is stored past the caches.
#if defined(__x86_64__)
#include "kernels/cpu/adam_paths.h"
#include "kernels/cpu/vectors_avx2.h"

namespace outrider {
namespace {

constexpr std::int64_t kAhead = 1024;  // weights; beyond the page that hardware prefetchers stop at

void prefetch(const void* at) { _mm_prefetch(static_cast<const char*>(at), _MM_HINT_T0); }

struct Constants {
  explicit Constants(const AdamFactors& f)
      : beta1(_mm256_set1_ps(f.beta1)),
        rest1(_mm256_set1_ps(f.rest1)),
        beta2(_mm256_set1_ps(f.beta2)),
        rest2(_mm256_set1_ps(f.rest2)),
        rate(_mm256_set1_ps(f.rate)),
        second_scale(_mm256_set1_ps(f.second_scale)),
        epsilon(_mm256_set1_ps(f.epsilon)),
        shrink(_mm256_set1_ps(f.shrink)),
        gradient_scale(_mm256_set1_ps(f.gradient_scale)) {}
  __m256 beta1, rest1, beta2, rest2, rate, second_scale, epsilon, shrink, gradient_scale;
};

// Of the 8 weights from `i` on; returns the new ones.
template <class Gradient>
__m256 update(const AdamPart<Gradient>& part, const Constants& c, std::int64_t i) {
  const __m256 g = _mm256_mul_ps(load8(part.gradients + i), c.gradient_scale);
  const __m256 m = _mm256_add_ps(_mm256_mul_ps(c.beta1, load8(part.first + i)), _mm256_mul_ps(c.rest1, g));
  const __m256 v =
      _mm256_add_ps(_mm256_mul_ps(c.beta2, load8(part.second + i)), _mm256_mul_ps(_mm256_mul_ps(c.rest2, g), g));
  const __m256 size = _mm256_add_ps(_mm256_mul_ps(_mm256_sqrt_ps(v), c.second_scale), c.epsilon);
  const __m256 change = _mm256_div_ps(_mm256_mul_ps(c.rate, m), size);
  const __m256 w = _mm256_sub_ps(_mm256_mul_ps(c.shrink, load8(part.weights + i)), change);
  _mm256_storeu_ps(part.first + i, m);
  _mm256_storeu_ps(part.second + i, v);
  _mm256_storeu_ps(part.weights + i, w);
  return w;
}

void stream(__m256 low, __m256 high, Bf16* to) {
  const __m256i halves = _mm256_set_m128i(round8(high), round8(low));
  _mm256_stream_si256(reinterpret_cast<__m256i*>(to), halves);
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
    for (std::int64_t j = i; j < i + kAdamLine; j += 16) {
      const __m256 low = update(part, constants, j);
      stream(low, update(part, constants, j + 8), part.copy + j);
    }
  }
  _mm_sfence();
}

}  // namespace

void adam_step_avx2(const AdamPart<Bf16>& part, const AdamFactors& factors) { run(part, factors); }
void adam_step_avx2(const AdamPart<float>& part, const AdamFactors& factors) { run(part, factors); }

}  // namespace outrider
#endif
