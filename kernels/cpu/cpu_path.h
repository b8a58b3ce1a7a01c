// The instruction sets that kernels are written for, chosen at run time.
#pragma once

#include <cstdint>

namespace outrider {

enum class CpuPath : std::uint8_t { scalar, avx2, avx512_bf16 };
const char* to_string(CpuPath path);
bool can_run(CpuPath path);  // on this processor
CpuPath best_path();

}  // namespace outrider
