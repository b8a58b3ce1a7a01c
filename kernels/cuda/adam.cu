// Four weights to a thread, one 16-byte access each to weights and moments; nothing is read twice.
#include <cmath>

#include "kernels/cuda/adam.h"
#include "kernels/cuda/device_math.h"

namespace outrider {
namespace {

constexpr int kThreads = 256, kEach = 4;

// The step's constants, made in double on the host.
struct Factors {
  float rate;          // rate ÷ (1 − β₁^step)
  float second_scale;  // 1 ÷ √(1 − β₂^step)
  float shrink;        // 1 − rate · decay
};

__device__ void update(const AdamStep& adam, const Factors& factors, float gradient, float& weight, float& first,
                       float& second) {
  const float g = gradient * adam.gradient_scale;
  first = adam.beta1 * first + (1.0f - adam.beta1) * g;
  second = adam.beta2 * second + (1.0f - adam.beta2) * g * g;
  weight = factors.shrink * weight - factors.rate * first / (sqrtf(second) * factors.second_scale + adam.epsilon);
}

__global__ void __launch_bounds__(kThreads) adam_step(AdamStep adam, Factors factors) {
  const std::int64_t at = (static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x) * kEach;
  if (at + kEach <= adam.count) {
    float4 w = *reinterpret_cast<const float4*>(adam.weights + at), m = *reinterpret_cast<float4*>(adam.first + at);
    float4 v = *reinterpret_cast<float4*>(adam.second + at);
    const uint2 g = *reinterpret_cast<const uint2*>(adam.gradients + at);
    update(adam, factors, low_of(g.x), w.x, m.x, v.x);
    update(adam, factors, high_of(g.x), w.y, m.y, v.y);
    update(adam, factors, low_of(g.y), w.z, m.z, v.z);
    update(adam, factors, high_of(g.y), w.w, m.w, v.w);
    *reinterpret_cast<float4*>(adam.weights + at) = w;
    *reinterpret_cast<float4*>(adam.first + at) = m;
    *reinterpret_cast<float4*>(adam.second + at) = v;
    *reinterpret_cast<uint2*>(adam.copy + at) = make_uint2(packed(w.x, w.y), packed(w.z, w.w));
    return;
  }
  for (std::int64_t i = at; i < adam.count; ++i) {
    update(adam, factors, __bfloat162float(adam.gradients[i]), adam.weights[i], adam.first[i], adam.second[i]);
    adam.copy[i] = __float2bfloat16(adam.weights[i]);
  }
}

Factors factors_of(const AdamStep& adam) {
  const auto step = static_cast<double>(adam.step);
  const double first = 1.0 - std::pow(static_cast<double>(adam.beta1), step);
  const double second = 1.0 - std::pow(static_cast<double>(adam.beta2), step);
  return {static_cast<float>(adam.rate / first), static_cast<float>(1.0 / std::sqrt(second)),
          static_cast<float>(1.0 - static_cast<double>(adam.rate) * adam.decay)};
}

bool is_fraction(float beta) { return beta >= 0.0f && beta < 1.0f; }

}  // namespace

cudaError_t launch_adam(const AdamStep& step, cudaStream_t stream) {
  if (step.count < 0 || step.step < 1 || !is_fraction(step.beta1) || !is_fraction(step.beta2))
    return cudaErrorInvalidValue;
  if (step.count == 0) return cudaSuccess;
  constexpr std::int64_t kPerCta = kThreads * kEach;
  const auto ctas = static_cast<unsigned>((step.count + kPerCta - 1) / kPerCta);
  adam_step<<<ctas, kThreads, 0, stream>>>(step, factors_of(step));
  return cudaGetLastError();
}

}  // namespace outrider
