// Flags in pinned host memory, raised and watched by kernels of one thread: how streams and CPU threads wait for each
// other. Either costs the stream a kernel of some 2 µs, and can be captured into a graph.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace outrider {

// Flags as the device addresses them. What the stream did before is visible to whoever sees the flag raised.
cudaError_t launch_raise(std::uint32_t* flag, cudaStream_t stream);
// The stream goes on once the flag is raised.
cudaError_t launch_await(const std::uint32_t* flag, cudaStream_t stream);

}  // namespace outrider
