// Steps of Adam against double arithmetic: tails, the first and late steps, decay, scaled and extreme gradients.
#include <cmath>

#include "kernels/cuda/adam.h"
#include "tests/kernels/cuda/device.h"

namespace outrider {
namespace {

class CudaAdam : public CudaTest {};

// Takes one step from a random state; one element more than counted must stay as it is.
void expect_exact(AdamStep adam, double gradient_size, unsigned seed) {
  RandomStream random(seed);
  const std::size_t count = adam.count;
  std::vector<float> w = normal_floats(count + 1, random), m = normal_floats(count + 1, random), v;
  std::vector<__nv_bfloat16> g = normals(count + 1, random);
  for (auto& each : m) each *= adam.step == 1 ? 0.0f : 0.1f;
  for (std::size_t i = 0; i <= count; ++i) v.push_back(adam.step == 1 ? 0.0f : m[i] * m[i] * 3.0f);
  for (auto& each : g) each = __float2bfloat16(static_cast<float>(real(each) * gradient_size));
  const DeviceArray<float> weights(w), first(m), second(v);
  const DeviceArray<__nv_bfloat16> gradients(g), copy(count + 1, __float2bfloat16(kPoison));
  adam.weights = weights.data(), adam.first = first.data(), adam.second = second.data();
  adam.gradients = gradients.data(), adam.copy = copy.data();
  check(launch_adam(adam, nullptr));
  const std::vector<float> new_w = weights.host(), new_m = first.host(), new_v = second.host();
  const std::vector<__nv_bfloat16> new_copy = copy.host();
  const double beta1 = adam.beta1, beta2 = adam.beta2, steps = static_cast<double>(adam.step);
  for (std::size_t i = 0; i < count; ++i) {
    const double gradient = real(g[i]) * adam.gradient_scale;
    const double m1 = beta1 * m[i] + (1.0 - beta1) * gradient, v1 = beta2 * v[i] + (1.0 - beta2) * gradient * gradient;
    const double m_hat = m1 / (1.0 - std::pow(beta1, steps)), v_hat = v1 / (1.0 - std::pow(beta2, steps));
    const double change =
        adam.rate * (m_hat / (std::sqrt(v_hat) + adam.epsilon) + static_cast<double>(adam.decay) * w[i]);
    const double m_size = std::abs(beta1 * m[i]) + std::abs((1.0 - beta1) * gradient);  // the terms may cancel
    const double largest = std::abs(change) + adam.rate * m_size / (1.0 - std::pow(beta1, steps)) / std::sqrt(v_hat);
    ASSERT_NEAR(new_m[i], m1, 1e-6 * m_size) << i;
    ASSERT_NEAR(new_v[i], v1, 1e-6 * v1) << i;
    ASSERT_NEAR(new_w[i], w[i] - change, 1e-5 * largest + 2e-7 * std::abs(w[i])) << i << " of " << count;
    ASSERT_EQ(real(new_copy[i]), real(__float2bfloat16(new_w[i])));
  }
  ASSERT_EQ(new_w[count], w[count]);
  ASSERT_EQ(new_m[count], m[count]);
  ASSERT_EQ(new_v[count], v[count]);
  ASSERT_EQ(real(new_copy[count]), real(__float2bfloat16(kPoison)));
}

TEST_F(CudaAdam, IsExactToItsBoundOnEveryTail) {
  for (int count = 1; count <= 40; ++count) expect_exact({.count = count, .step = 3}, 0.1, count);
  for (const int count : {1023, 1024, 1025, 100001}) expect_exact({.count = count, .step = 1000}, 0.1, count);
}
TEST_F(CudaAdam, CorrectsTheBiasOfEveryStep) {
  for (const int step : {1, 2, 10, 100, 100000}) expect_exact({.count = 777, .step = step}, 0.1, 200 + step);
}
TEST_F(CudaAdam, DecaysWeightsAndScalesGradients) {
  expect_exact({.count = 777, .step = 5, .rate = 0.01f, .beta1 = 0.8f, .beta2 = 0.95f, .decay = 0.1f}, 0.1, 300);
  expect_exact({.count = 777, .step = 5, .gradient_scale = 1.0f / 65536.0f}, 6553.6, 301);
}
TEST_F(CudaAdam, TakesGradientsOfEverySize) {
  for (const double size : {0.0, 1e-12, 1e-6, 1e6, 1e12}) expect_exact({.count = 777, .step = 5}, size, 400);
}
TEST_F(CudaAdam, RefusesWhatItCannotDo) {
  EXPECT_EQ(launch_adam({.count = 1, .step = 0}, nullptr), cudaErrorInvalidValue);
  EXPECT_EQ(launch_adam({.count = -1}, nullptr), cudaErrorInvalidValue);
  EXPECT_EQ(launch_adam({.count = 1, .beta2 = 1.0f}, nullptr), cudaErrorInvalidValue);
}

}  // namespace
}  // namespace outrider
