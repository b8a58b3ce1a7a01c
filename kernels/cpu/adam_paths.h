// The implementations behind adam_step(), one file each, compiled for their instruction sets.
#pragma once

#include "kernels/cpu/adam.h"

namespace outrider {

// A step's constants, made in double.
struct AdamFactors {
  float beta1, rest1;  // β₁, 1 − β₁
  float beta2, rest2;
  float rate;          // rate ÷ (1 − β₁^step)
  float second_scale;  // 1 ÷ √(1 − β₂^step)
  float epsilon;
  float shrink;  // 1 − rate · decay
  float gradient_scale;
};

// Every path does these operations in this order, none fused, so that all give the same bits:
// m = beta1 · m + rest1 · g;  v = beta2 · v + (rest2 · g) · g;
// w = shrink · w − (rate · m) ÷ (√v · second_scale + epsilon).
template <class Gradient>
void adam_step_scalar(const AdamPart<Gradient>& part, const AdamFactors& factors);

// The processor-specific ones need `copy` aligned to 64 bytes and `count` to be a multiple of kAdamLine.
inline constexpr std::int64_t kAdamLine = 32;  // weights to a cache line of `copy`
void adam_step_avx2(const AdamPart<Bf16>& part, const AdamFactors& factors);
void adam_step_avx2(const AdamPart<float>& part, const AdamFactors& factors);
void adam_step_avx512_bf16(const AdamPart<Bf16>& part, const AdamFactors& factors);
void adam_step_avx512_bf16(const AdamPart<float>& part, const AdamFactors& factors);

}  // namespace outrider
