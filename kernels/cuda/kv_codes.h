// Codes of quantised KV in registers: eight channels at a time, or as pairs of fp16 for the tensor core.
#pragma once

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/cuda/device_math.h"
#include "kernels/cuda/kv_quant.h"

namespace outrider {

// Eight codes of kBits, the first in the lowest bits.
template <int kBits>
struct EightCodes;
template <>
struct EightCodes<8> {
  uint2 words;
  __device__ unsigned code(int i) const { return (i < 4 ? words.x : words.y) >> 8 * (i % 4) & 0xffu; }
  __device__ void set(int i, unsigned code) { (i < 4 ? words.x : words.y) |= code << 8 * (i % 4); }
};
template <>
struct EightCodes<4> {
  std::uint32_t words;
  __device__ unsigned code(int i) const { return words >> 4 * i & 0xfu; }
  __device__ void set(int i, unsigned code) { words |= code << 4 * i; }
};
template <>
struct EightCodes<2> {
  std::uint16_t words;
  __device__ unsigned code(int i) const { return words >> 2 * i & 0x3u; }
  __device__ void set(int i, unsigned code) { words = static_cast<std::uint16_t>(words | code << 2 * i); }
};

// Eight channels from 8 · `eighth` of a row, with the scale and zero point that hold for them.
template <int kBits>
struct QuantisedChannels {
  EightCodes<kBits> codes;
  __nv_bfloat162 scale;
};

template <int kBits>
__device__ QuantisedChannels<kBits> load_channels(const QuantisedRows& rows, std::int64_t row, int eighth) {
  return {reinterpret_cast<const EightCodes<kBits>*>(rows.codes)[row * (rows.head_dim / 8) + eighth],
          rows.scales[row * (rows.head_dim / rows.channels) + eighth * 8 / rows.channels]};
}

template <int kBits>
__device__ void dequantise(const QuantisedChannels<kBits>& channels, float (&values)[8]) {
  const float scale = __low2float(channels.scale), zero = __high2float(channels.scale);
#pragma unroll
  for (int i = 0; i < 8; ++i) values[i] = fmaf(scale, static_cast<float>(channels.codes.code(i)), zero);
}

// Codes k of both 16-bit halves of `codes`, less the middle one, kMiddleCode: exact in fp16. Below the leading one of
// 2^(10−b), bit b of a mantissa counts 1: a code is put there where it stands, and the same with the middle code in its
// place is taken away.
template <int kBits>
inline constexpr int kMiddleCode = 1 << (kBits - 1);

template <int kBits>
__device__ Word centred_pair(Word codes, int k) {
  const int at = k * kBits, bit = at + kBits <= 10 ? at : at - 8;  // a mantissa has ten bits
  const Word one = 0x10001u << bit, leading = 0x10001u * ((25 - bit) << 10);
  Word pair;
  if (kBits == 8 && k == 1) {
    pair = __byte_perm(codes, leading, 0x7351);
  } else {
    pair = masked_into(at == bit ? codes : codes >> 8, one * ((1 << kBits) - 1), leading);
  }
  return subtracted_fp16(pair, leading | one * kMiddleCode<kBits>);
}

}  // namespace outrider
