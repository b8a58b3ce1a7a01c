// The instruction sets that kernels are written for, chosen at run time.
#pragma once

#include <cstdint>

namespace outrider {

// Each includes those before it. A kernel that has no use for tiles, as attention of a single query head, takes
// amx_bf16 for avx512_bf16.
enum class CpuPath : std::uint8_t { scalar, avx2, avx512_bf16, amx_bf16 };
const char* to_string(CpuPath path);
bool can_run(CpuPath path);  // on this processor
CpuPath best_path();

}  // namespace outrider
