// Choice of the path for Adam, the step's constants, and the scalar path, which also takes what lies before and behind
// whole cache lines.
#include "kernels/cpu/adam.h"

#include <algorithm>
#include <cmath>

#include "kernels/cpu/adam_paths.h"
#include "sim/base/check.h"

namespace outrider {
namespace {

template <class Gradient>
AdamFactors factors_of(const AdamPart<Gradient>& part) {
  const auto step = static_cast<double>(part.step), rate = static_cast<double>(part.rate);
  const double first = 1.0 - std::pow(static_cast<double>(part.beta1), step);
  const double second = 1.0 - std::pow(static_cast<double>(part.beta2), step);
  AdamFactors factors;
  factors.beta1 = part.beta1;
  factors.rest1 = 1.0f - part.beta1;
  factors.beta2 = part.beta2;
  factors.rest2 = 1.0f - part.beta2;
  factors.rate = static_cast<float>(rate / first);
  factors.second_scale = static_cast<float>(1.0 / std::sqrt(second));
  factors.epsilon = part.epsilon;
  factors.shrink = static_cast<float>(1.0 - rate * static_cast<double>(part.decay));
  factors.gradient_scale = part.gradient_scale;
  return factors;
}

bool is_fraction(float beta) { return beta >= 0.0f && beta < 1.0f; }

template <class Gradient>
void step_lines(CpuPath path, const AdamPart<Gradient>& part, const AdamFactors& factors) {
#if defined(__x86_64__)
  if (path >= CpuPath::avx512_bf16) return adam_step_avx512_bf16(part, factors);
  if (path == CpuPath::avx2) return adam_step_avx2(part, factors);
#endif
  CHECK(path == CpuPath::scalar, "no Adam by {}", to_string(path));
  adam_step_scalar(part, factors);
}

template <class Gradient>
void run(CpuPath path, const AdamPart<Gradient>& part) {
  CHECK(part.count >= 0 && part.step >= 1, "step {} of {} weights", part.step, part.count);
  CHECK(is_fraction(part.beta1) && is_fraction(part.beta2), "betas {} and {}", part.beta1, part.beta2);
  CHECK(can_run(path), "this processor has no {}", to_string(path));
  const AdamFactors factors = factors_of(part);
  const auto place = static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(part.copy) / sizeof(Bf16) % kAdamLine);
  const std::int64_t head = std::min((kAdamLine - place) % kAdamLine, part.count);
  const std::int64_t lines = (part.count - head) / kAdamLine * kAdamLine, done = head + lines;
  adam_step_scalar(slice(part, 0, head), factors);
  step_lines(path, slice(part, head, lines), factors);
  adam_step_scalar(slice(part, done, part.count - done), factors);
}

}  // namespace

template <class Gradient>
void adam_step_scalar(const AdamPart<Gradient>& part, const AdamFactors& f) {
  for (std::int64_t i = 0; i < part.count; ++i) {
    const float g = to_float(part.gradients[i]) * f.gradient_scale;
    const float m = f.beta1 * part.first[i] + f.rest1 * g;
    const float v = f.beta2 * part.second[i] + f.rest2 * g * g;
    const float w = f.shrink * part.weights[i] - f.rate * m / (std::sqrt(v) * f.second_scale + f.epsilon);
    part.first[i] = m;
    part.second[i] = v;
    part.weights[i] = w;
    part.copy[i] = to_bf16(w);
  }
}

void adam_step(CpuPath path, const AdamPart<Bf16>& part) { run(path, part); }
void adam_step(CpuPath path, const AdamPart<float>& part) { run(path, part); }

}  // namespace outrider
