// The two passes over a row that select_top_k() is made of, one file for each instruction set.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>

#include "kernels/cpu/topk.h"

namespace outrider {

// Keys order as scores do; that of NaN is below all others.
inline std::int32_t key_of(float score) {
  if (score != score) return std::numeric_limits<std::int32_t>::min();
  const auto bits = std::bit_cast<std::int32_t>(score + 0.0f);  // −0 becomes +0
  return bits >= 0 ? bits : bits ^ 0x7fffffff;
}
inline std::int32_t key_of(std::int32_t key) { return key; }

// Keys from low to high, both included.
struct KeyRange {
  std::int32_t low = std::numeric_limits<std::int32_t>::min(), high = std::numeric_limits<std::int32_t>::max();
};

struct Filtered {
  std::int64_t inside = 0, above = 0;  // keys in the range, and above it
};

// The keys above `key` are selected, and the first `equals` of those equal to it.
struct KeyThreshold {
  std::int32_t key = 0;
  std::int64_t equals = 0;
};

// Writes the keys within the range to `kept`, in order, and anything to the 16 places behind them. Source is float
// (scores) or std::int32_t (keys).
template <class Source>
Filtered filter_keys_scalar(const Source* source, std::int64_t count, KeyRange range, std::int32_t* kept);
Filtered filter_keys_avx2(const float* source, std::int64_t count, KeyRange range, std::int32_t* kept);
Filtered filter_keys_avx2(const std::int32_t* source, std::int64_t count, KeyRange range, std::int32_t* kept);
Filtered filter_keys_avx512_bf16(const float* source, std::int64_t count, KeyRange range, std::int32_t* kept);
Filtered filter_keys_avx512_bf16(const std::int32_t* source, std::int64_t count, KeyRange range, std::int32_t* kept);

// Writes the selected ids, `total` many, and nothing behind them. Returns how many there were.
struct TopKIds {
  const float* scores = nullptr;
  std::int64_t count = 0, total = 0;
  std::int32_t* selected = nullptr;
};
std::int64_t write_ids_scalar(const TopKIds& ids, KeyThreshold threshold);
std::int64_t write_ids_avx2(const TopKIds& ids, KeyThreshold threshold);
std::int64_t write_ids_avx512_bf16(const TopKIds& ids, KeyThreshold threshold);

}  // namespace outrider
