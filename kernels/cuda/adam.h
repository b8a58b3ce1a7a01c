// One step of Adam on the GPU: fp32 weights and moments, bf16 gradients in, a bf16 copy of the weights out.
#pragma once

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <cstdint>

namespace outrider {

// g = gradient_scale · gradient;  m ← β₁ m + (1 − β₁) g;  v ← β₂ v + (1 − β₂) g²;
// w ← w − rate · (m̂ ÷ (√v̂ + ε) + decay · w),  m̂ = m ÷ (1 − β₁^step),  v̂ = v ÷ (1 − β₂^step).
// Device memory, 28 bytes of traffic to a weight; pointers to fp32 are 16-byte, to bf16 8-byte aligned.
struct AdamStep {
  float* weights = nullptr;                  // [count]
  float* first = nullptr;                    // [count], m
  float* second = nullptr;                   // [count], v
  const __nv_bfloat16* gradients = nullptr;  // [count]
  __nv_bfloat16* copy = nullptr;             // [count], the new weights rounded
  std::int64_t count = 0;
  std::int64_t step = 1;  // from 1
  float rate = 1e-3f, beta1 = 0.9f, beta2 = 0.999f, epsilon = 1e-8f;
  float decay = 0.0f;           // decoupled, as in AdamW
  float gradient_scale = 1.0f;  // 1 ÷ loss scale, times the factor that clips the norm
};

// Relative errors below 1e-6 for the moments and 1e-5 for the change of the weight, plus its rounding to fp32.
// cudaErrorInvalidValue: count negative, step below 1, a β outside [0, 1).
cudaError_t launch_adam(const AdamStep& step, cudaStream_t stream);

}  // namespace outrider
