// One step of Adam on the CPU: fp32 weights and moments stay in host memory, gradients come in, a bf16 copy of the
// weights goes out (ZeRO-Offload).
#pragma once

#include <cstdint>

#include "kernels/cpu/bf16.h"
#include "kernels/cpu/cpu_path.h"

namespace outrider {

// g = gradient_scale · gradient;  m ← β₁ m + (1 − β₁) g;  v ← β₂ v + (1 − β₂) g²;
// w ← w − rate · (m̂ ÷ (√v̂ + ε) + decay · w),  m̂ = m ÷ (1 − β₁^step),  v̂ = v ÷ (1 − β₂^step).
// 28 bytes of traffic to a weight with bf16 gradients, 30 with float. Pointers need their types' alignment only; arrays
// must not overlap.
template <class Gradient>
struct AdamPart {
  float* weights = nullptr;             // [count]
  float* first = nullptr;               // [count], m
  float* second = nullptr;              // [count], v
  const Gradient* gradients = nullptr;  // [count]
  Bf16* copy = nullptr;                 // [count], the new weights rounded to nearest even; written past the caches
  std::int64_t count = 0;
  std::int64_t step = 1;  // from 1
  float rate = 1e-3f, beta1 = 0.9f, beta2 = 0.999f, epsilon = 1e-8f;
  float decay = 0.0f;           // decoupled, as in AdamW
  float gradient_scale = 1.0f;  // 1 ÷ loss scale, times the factor that clips the norm
};

// All paths give the same bits. Against exact arithmetic: moments to 1e-6 of β |m| + (1 − β) |g|, squared for v; the
// change of the weight to 1e-5 of its terms' sizes, plus the rounding of the weight. Subnormal numbers are kept.
// Non-temporal stores are fenced on return.
void adam_step(CpuPath path, const AdamPart<Bf16>& part);
void adam_step(CpuPath path, const AdamPart<float>& part);

// `count` weights from `first` on, for a thread. No two threads write a cache line if `first` is a multiple of 32 and
// the arrays are aligned to 64 bytes.
template <class Gradient>
AdamPart<Gradient> slice(const AdamPart<Gradient>& whole, std::int64_t first, std::int64_t count) {
  AdamPart<Gradient> part = whole;
  part.weights += first;
  part.first += first;
  part.second += first;
  part.gradients += first;
  part.copy += first;
  part.count = count;
  return part;
}

}  // namespace outrider
