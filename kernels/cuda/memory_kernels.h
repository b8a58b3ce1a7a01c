// Kernels that only move memory: the ceilings of others.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>

namespace outrider {

// Reads `words` 16-byte words; writes *sink only if they combine to an unlikely value, so that no load can be left out.
cudaError_t launch_read(const uint4* data, std::size_t words, unsigned* sink, cudaStream_t stream);
cudaError_t launch_write(uint4* data, std::size_t words, cudaStream_t stream);
// Every output word is made from the input words of its share: a norm's or an activation's traffic.
cudaError_t launch_elementwise(const uint4* from, std::size_t in, uint4* to, std::size_t out, cudaStream_t stream);
// Pseudo-random bf16 values of [-1, 1): multiplying zeros or constants takes less power than real data does.
cudaError_t launch_random_bf16(void* data, std::size_t values, cudaStream_t stream);
cudaError_t launch_nothing(cudaStream_t stream);

}  // namespace outrider
