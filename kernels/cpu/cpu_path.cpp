// Names of the paths, and what the processor at hand says of itself.
#include "kernels/cpu/cpu_path.h"

#include <initializer_list>

#include "kernels/cpu/attention_paths.h"

namespace outrider {

const char* to_string(CpuPath path) {
  switch (path) {
    case CpuPath::scalar:
      return "scalar";
    case CpuPath::avx2:
      return "avx2";
    case CpuPath::avx512_bf16:
      return "avx512_bf16";
    case CpuPath::amx_bf16:
      return "amx_bf16";
  }
  return "";
}

bool can_run(CpuPath path) {
#if defined(__x86_64__)
  switch (path) {
    case CpuPath::scalar:
      return true;
    case CpuPath::avx2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case CpuPath::avx512_bf16:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bf16");
    case CpuPath::amx_bf16:
      return can_run(CpuPath::avx512_bf16) && amx_usable();
  }
  return false;
#else
  return path == CpuPath::scalar;
#endif
}

CpuPath best_path() {
  for (const CpuPath path : {CpuPath::amx_bf16, CpuPath::avx512_bf16, CpuPath::avx2}) {
    if (can_run(path)) return path;
  }
  return CpuPath::scalar;
}

}  // namespace outrider
