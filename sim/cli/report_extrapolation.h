// Marks of rows that rest on sizes beyond the sampled ones, in words.
#pragma once

#include <string>

#include "sim/study/results.h"

namespace outrider {

// "gemm rows 8192, sampled up to 4096 (12 % of the step)".
std::string extrapolation_text(const Extrapolation& mark);
// "extrapolated: step", "extrapolated: TTFT" or "extrapolated: step, TTFT": what a row is marked with where such
// operations matter; empty where they do not.
std::string extrapolation_mark(const PointResult& point);
// One line for all marked rows: each operation and size once, where it is farthest; empty where no row is marked.
std::string extrapolations_caveat(const RunReport& report);

}  // namespace outrider
