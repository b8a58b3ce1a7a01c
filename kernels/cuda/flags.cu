// Stores and loads of system scope: release and acquire between the GPU and the CPU's threads.
#include "kernels/cuda/flags.h"

namespace outrider {
namespace {

__global__ void raise(std::uint32_t* flag) {
  __threadfence_system();
  asm volatile("st.release.sys.u32 [%0], %1;" ::"l"(flag), "r"(1u) : "memory");
}

__global__ void await_raised(const std::uint32_t* flag) {
  std::uint32_t value = 0;
  do { asm volatile("ld.acquire.sys.u32 %0, [%1];" : "=r"(value) : "l"(flag) : "memory"); } while (value == 0);
}

}  // namespace

cudaError_t launch_raise(std::uint32_t* flag, cudaStream_t stream) {
  raise<<<1, 1, 0, stream>>>(flag);
  return cudaGetLastError();
}

cudaError_t launch_await(const std::uint32_t* flag, cudaStream_t stream) {
  await_raised<<<1, 1, 0, stream>>>(flag);
  return cudaGetLastError();
}

}  // namespace outrider
