// Quantised KV against its definition in double arithmetic: formats, tails, rows of equal and of extreme values.
#include <cfloat>
#include <cmath>

#include "kernels/cuda/kv_quant.h"
#include "tests/kernels/cuda/device.h"

namespace outrider {
namespace {

class CudaKvQuant : public CudaTest {};

struct Format {
  int head_dim, channels, bits;
};

std::vector<Format> formats() {
  std::vector<Format> all;
  for (const int dim : {64, 128, 256}) {
    for (const int channels : {32, 64, 128}) {
      for (const int bits : {8, 4, 2}) {
        if (dim % channels == 0) all.push_back({dim, channels, bits});
      }
    }
  }
  return all;
}

unsigned code_of(const std::vector<std::uint8_t>& codes, std::size_t value, int bits) {
  return codes[value * bits / 8] >> value * bits % 8 & ((1u << bits) - 1);
}

// Checks codes and scales against the values, and dequantised values against codes and scales.
void expect_within_half_a_step(const std::vector<__nv_bfloat16>& values, const Format& f) {
  const std::size_t rows = values.size() / f.head_dim, code_bytes = values.size() * f.bits / 8;
  const DeviceArray<__nv_bfloat16> in(values), out(values.size(), __float2bfloat16(kPoison));
  const DeviceArray<std::uint8_t> codes(code_bytes + 16, 0xA5);
  const DeviceArray<__nv_bfloat162> scales(values.size() / f.channels + 1, __floats2bfloat162_rn(kPoison, kPoison));
  const QuantisedRows format{codes.data(), scales.data(), f.head_dim, f.channels, f.bits};
  check(launch_quantise(in.data(), static_cast<std::int64_t>(rows), format, nullptr));
  check(launch_dequantise(format, static_cast<std::int64_t>(rows), out.data(), nullptr));
  const std::vector<std::uint8_t> code = codes.host();
  const std::vector<__nv_bfloat162> scale = scales.host();
  const std::vector<__nv_bfloat16> restored = out.host();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto group = values.begin() + i / f.channels * f.channels;
    double least = INFINITY, most = -INFINITY;
    for (auto each = group; each < group + f.channels; ++each)
      least = std::min(least, real(*each)), most = std::max(most, real(*each));
    const double step = __low2float(scale[i / f.channels]), zero = __high2float(scale[i / f.channels]);
    const double stands_for = zero + step * code_of(code, i, f.bits), range = most - least;
    ASSERT_EQ(zero, least);
    ASSERT_LE(step, range / ((1 << f.bits) - 1) * (1.0 + 1.0 / 128.0));
    ASSERT_NEAR(stands_for, real(values[i]), step / 2.0 + range * 0x1p-20 + 256.0 * FLT_MIN)
        << f.bits << " bits, value " << i;
    ASSERT_NEAR(real(restored[i]), stands_for, std::abs(stands_for) / 256.0 + range * 0x1p-20);
  }
  for (std::size_t i = code_bytes; i < code.size(); ++i) ASSERT_EQ(code[i], 0xA5);
  ASSERT_EQ(__low2float(scale.back()), __bfloat162float(__float2bfloat16(kPoison)));
}

TEST_F(CudaKvQuant, IsWithinHalfAStepInEveryFormat) {
  RandomStream random(1);
  for (const Format& format : formats()) expect_within_half_a_step(normals(33 * format.head_dim, random), format);
}
TEST_F(CudaKvQuant, TakesAnyNumberOfRows) {
  RandomStream random(2);
  for (int rows = 1; rows <= 40; ++rows) expect_within_half_a_step(normals(rows * 64, random), {64, 32, 4});
}
TEST_F(CudaKvQuant, TakesEqualAndExtremeValues) {
  for (const float value : {0.0f, -3.5f, 1e-38f, 1e38f}) {
    for (const Format& format : formats()) {
      std::vector<__nv_bfloat16> values(2 * format.head_dim, __float2bfloat16(value));
      expect_within_half_a_step(values, format);
      values[format.head_dim + 3] = __float2bfloat16(-value / 2.0f);
      values[17] = __float2bfloat16(1.0f);
      expect_within_half_a_step(values, format);
    }
  }
}
TEST_F(CudaKvQuant, RefusesFormatsItDoesNotHave) {
  for (const Format& f : {Format{96, 32, 4}, {64, 128, 4}, {128, 16, 4}, {128, 64, 3}}) {
    const QuantisedRows rows{nullptr, nullptr, f.head_dim, f.channels, f.bits};
    EXPECT_EQ(launch_quantise(nullptr, 1, rows, nullptr), cudaErrorInvalidValue);
    EXPECT_EQ(launch_dequantise(rows, 1, nullptr, nullptr), cudaErrorInvalidValue);
  }
}

}  // namespace
}  // namespace outrider
