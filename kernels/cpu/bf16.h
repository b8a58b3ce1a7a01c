// bfloat16: the upper half of a float, rounded to nearest even.
#pragma once

#include <bit>
#include <cstdint>

namespace outrider {

struct Bf16 {
  std::uint16_t bits = 0;
};

inline float to_float(Bf16 value) { return std::bit_cast<float>(static_cast<std::uint32_t>(value.bits) << 16); }
inline float to_float(float value) { return value; }

inline Bf16 to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return {static_cast<std::uint16_t>(bits >> 16 | 0x40u)};  // stays a NaN
  const std::uint32_t nearest = bits + 0x7fffu + (bits >> 16 & 1u);
  return {static_cast<std::uint16_t>(nearest >> 16)};
}

}  // namespace outrider
