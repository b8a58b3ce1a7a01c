// Grid-stride loops with four 16-byte accesses in flight to a thread.
#include <cuda_bf16.h>

#include <algorithm>

#include "kernels/cuda/memory_kernels.h"

namespace outrider {
namespace {

constexpr int kThreads = 512, kCtasPerSm = 4;
constexpr unsigned kUnlikely = 0x12345678u;

int full_grid() {
  int device = 0, sms = 0;
  cudaGetDevice(&device);
  cudaDeviceGetAttribute(&sms, cudaDevAttrMultiProcessorCount, device);
  return sms * kCtasPerSm;
}

__device__ uint4 combined(uint4 a, uint4 b) { return make_uint4(a.x ^ b.x, a.y ^ b.y, a.z ^ b.z, a.w ^ b.w); }

__global__ void __launch_bounds__(kThreads) read_words(const uint4* data, std::size_t words, unsigned* sink) {
  const std::size_t step = std::size_t{gridDim.x} * blockDim.x;
  std::size_t i = blockIdx.x * std::size_t{blockDim.x} + threadIdx.x;
  uint4 sum = make_uint4(0, 0, 0, 0);
  for (; i + 3 * step < words; i += 4 * step) {
    const uint4 a = __ldcs(data + i), b = __ldcs(data + i + step);
    const uint4 c = __ldcs(data + i + 2 * step), d = __ldcs(data + i + 3 * step);
    sum = combined(sum, combined(combined(a, b), combined(c, d)));
  }
  for (; i < words; i += step) sum = combined(sum, __ldcs(data + i));
  if ((sum.x ^ sum.y ^ sum.z ^ sum.w) == kUnlikely) *sink = 1;
}

__global__ void __launch_bounds__(kThreads) write_words(uint4* data, std::size_t words) {
  const std::size_t step = std::size_t{gridDim.x} * blockDim.x;
  for (std::size_t i = blockIdx.x * std::size_t{blockDim.x} + threadIdx.x; i < words; i += step)
    __stcs(data + i, make_uint4(1, 2, 3, 4));
}

__global__ void map_words(const uint4* from, std::size_t in, uint4* to, std::size_t out) {
  const std::size_t step = std::size_t{gridDim.x} * blockDim.x;
  for (std::size_t i = blockIdx.x * std::size_t{blockDim.x} + threadIdx.x; i < max(in, out); i += step) {
    const uint4 word = i < in ? from[i] : make_uint4(i, 0, 0, 0);
    if (i < out) to[i] = make_uint4(word.x + 1, word.y, word.z, word.w);
    if (i >= out && (word.x ^ word.y) == kUnlikely) to[0] = word;
  }
}

__global__ void fill_random(__nv_bfloat16* data, std::size_t values) {
  const std::size_t step = std::size_t{gridDim.x} * blockDim.x;
  for (std::size_t i = blockIdx.x * std::size_t{blockDim.x} + threadIdx.x; i < values; i += step) {
    unsigned hash = static_cast<unsigned>(i) * 2654435761u ^ static_cast<unsigned>(i >> 32);
    hash = (hash ^ hash >> 15) * 2246822519u;
    hash ^= hash >> 13;
    data[i] = __float2bfloat16(static_cast<float>(static_cast<int>(hash)) * (1.0f / 2147483648.0f));
  }
}

__global__ void nothing() {}

}  // namespace

cudaError_t launch_read(const uint4* data, std::size_t words, unsigned* sink, cudaStream_t stream) {
  read_words<<<full_grid(), kThreads, 0, stream>>>(data, words, sink);
  return cudaGetLastError();
}

cudaError_t launch_write(uint4* data, std::size_t words, cudaStream_t stream) {
  write_words<<<full_grid(), kThreads, 0, stream>>>(data, words);
  return cudaGetLastError();
}

cudaError_t launch_elementwise(const uint4* from, std::size_t in, uint4* to, std::size_t out, cudaStream_t stream) {
  constexpr int kFew = 256;
  const std::size_t ctas = (std::max(in, out) + kFew - 1) / kFew;
  const auto grid = static_cast<int>(std::clamp<std::size_t>(ctas, 1, static_cast<std::size_t>(full_grid()) * 2));
  map_words<<<grid, kFew, 0, stream>>>(from, in, to, out);
  return cudaGetLastError();
}

cudaError_t launch_random_bf16(void* data, std::size_t values, cudaStream_t stream) {
  fill_random<<<full_grid(), kThreads, 0, stream>>>(static_cast<__nv_bfloat16*>(data), values);
  return cudaGetLastError();
}

cudaError_t launch_nothing(cudaStream_t stream) {
  nothing<<<1, 32, 0, stream>>>();
  return cudaGetLastError();
}

}  // namespace outrider
