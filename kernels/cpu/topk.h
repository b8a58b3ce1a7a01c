// The k largest of a row of scores, as ascending ids: which blocks of a sequence and KV head are attended.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/cpu/cpu_path.h"

namespace outrider {

// One row; rows are what threads share.
struct TopKPart {
  std::span<const float> scores;
  std::int64_t k = 0;
  std::int32_t* selected = nullptr;  // [min(k, scores)]; behind it nothing is written
  // top_k_scratch(scores) many, of one thread at a time, whose contents are lost.
  std::span<std::int32_t> scratch;
};

constexpr std::size_t top_k_scratch(std::size_t scores) { return 2 * (scores + 16); }

// Selects the same ids on every path: of equal scores the lowest ids, and −0 equals +0. NaN ranks below −∞. Returns
// min(k, scores). Reads the scores twice, from the cache for rows that fit in it; expected time O(scores).
std::int64_t select_top_k(CpuPath path, const TopKPart& part);

}  // namespace outrider
