// Tiles of quantised KV as operands of the tensor core: codes in fp16, exact, and the queries that meet them.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/cuda/kv_codes.h"
#include "kernels/cuda/quantised_tiles.h"

namespace outrider {

template <int kBytes>
__device__ void load_strip(const unsigned char* at, Word (&words)[(kBytes + 3) / 4]) {
  if constexpr (kBytes == 1) {
    words[0] = *at;
  } else if constexpr (kBytes == 2) {
    words[0] = *reinterpret_cast<const std::uint16_t*>(at);
  } else if constexpr (kBytes == 4) {
    words[0] = *reinterpret_cast<const Word*>(at);
  } else if constexpr (kBytes == 8) {
    const uint2 v = *reinterpret_cast<const uint2*>(at);
    words[0] = v.x, words[1] = v.y;
  } else {
#pragma unroll
    for (int i = 0; i < kBytes / 16; ++i) {
      const uint4 v = reinterpret_cast<const uint4*>(at)[i];
#pragma unroll
      for (int j = 0; j < 4; ++j) words[4 * i + j] = word(v, j);
    }
  }
}

// Pairs of channels of a strip of keys. Pair j is of channels first_of_pair(j) and kApart more: as codes are paired
// where they stand, a word's lower half with its upper half.
template <class S>
struct KeyPairs {
  static constexpr int kCount = S::kKeyStrip / 2, kBytes = S::kKeyStrip * S::kBits / 8;
  static constexpr int kApart = std::min(16 / S::kBits, kCount);
  static constexpr __device__ int first_of_pair(int j) { return j / kApart * 2 * kApart + j % kApart; }
  Word pairs[kCount];
};

template <class S>
__device__ void load(KeyPairs<S>& keys, const unsigned char* strip) {
  using Pairs = KeyPairs<S>;
  Word words[(Pairs::kBytes + 3) / 4];
  load_strip<Pairs::kBytes>(strip, words);
  if (Pairs::kBytes == 2) words[0] = __byte_perm(words[0], 0, 0x4140);  // a byte to a half
#pragma unroll
  for (int j = 0; j < Pairs::kCount; ++j)
    keys.pairs[j] = centred_pair<S::kBits>(words[j / Pairs::kApart], j % Pairs::kApart);
}

// Pairs of tokens of two strips of values: channel j of both.
template <class S>
struct ValuePairs {
  static constexpr int kCount = S::kValueStrip, kBytes = S::kValueStrip * S::kBits / 8;
  Word pairs[kCount];
};

template <class S>
__device__ void load(ValuePairs<S>& values, const unsigned char* strip, const unsigned char* next) {
  using Pairs = ValuePairs<S>;
  constexpr int kOfHalf = 16 / S::kBits;
  Word first[(Pairs::kBytes + 3) / 4], second[(Pairs::kBytes + 3) / 4];
  load_strip<Pairs::kBytes>(strip, first);
  load_strip<Pairs::kBytes>(next, second);
#pragma unroll
  for (int j = 0; j < Pairs::kCount; ++j) {
    const int half = j / kOfHalf;
    const Word both = __byte_perm(first[half / 2], second[half / 2], half % 2 == 0 ? 0x5410 : 0x7632);
    values.pairs[j] = centred_pair<S::kBits>(both, j % kOfHalf);
  }
}

// Lane l holds of query head l/4 of each half the channels that its strips of keys have. Queries are divided by a power
// of two (`unit`) that brings the largest of a head to [1, 2): in fp16 they stay exact to 2⁻²⁵.
template <class S>
struct Query {
  KeyPairs<S> pairs[S::kHalves][S::kGroups];
  float sum[S::kHalves][S::kGroups], unit[S::kHalves];  // the sum over all channels of a group
};

template <class S>
__device__ void load(Query<S>& query, const __nv_bfloat16* rows, int group, int lane) {
#pragma unroll
  for (int half = 0; half < S::kHalves; ++half) {
    const __nv_bfloat16* const row = rows + min(8 * half + lane / 4, group - 1) * S::kDim;  // repeats the last one
    float most = 0.0f;
    for (int channel = lane % 4; channel < S::kDim; channel += 4)
      most = fmaxf(most, fabsf(__bfloat162float(row[channel])));
    const float power = __uint_as_float(__float_as_uint(most_over(most, 4)) & 0x7f800000u);
    query.unit[half] = power > 0.0f ? power : 1.0f;
    const float share = 1.0f / query.unit[half];
#pragma unroll
    for (int g = 0; g < S::kGroups; ++g) {
      const __nv_bfloat16* const strip = row + g * S::kGroupChannels + lane % 4 * S::kKeyStrip;
      float sum = 0.0f;
#pragma unroll
      for (int j = 0; j < KeyPairs<S>::kCount; ++j) {
        const int channel = KeyPairs<S>::first_of_pair(j);
        const float first = __bfloat162float(strip[channel]) * share;
        const float second = __bfloat162float(strip[channel + KeyPairs<S>::kApart]) * share;
        query.pairs[half][g].pairs[j] = packed_fp16(first, second);
        sum += first + second;
      }
      query.sum[half][g] = sum_over(sum, 4);
    }
  }
}

// Scales of a lane's tokens, 4(l%4) to 4(l%4) + 3: [token][group], the zero points in the upper halves.
template <class S>
struct Scales {
  Word words[4][S::kGroups];
};

template <class S>
__device__ void load(Scales<S>& scales, const Word (&from)[kQuantisedTile][S::kGroups], int lane) {
  const auto* const at = reinterpret_cast<const uint4*>(from[4 * (lane % 4)]);
#pragma unroll
  for (int i = 0; i < S::kGroups; ++i) {
    const uint4 v = at[i];
#pragma unroll
    for (int j = 0; j < 4; ++j) scales.words[(4 * i + j) / S::kGroups][(4 * i + j) % S::kGroups] = word(v, j);
  }
}

}  // namespace outrider
