// Gather of scattered fragments from pinned host memory into slots on the GPU, read by the SMs themselves (zero-copy):
// no call and no copy-engine descriptor per fragment, at the price of the SMs that read.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

namespace outrider {

// Fragment i: fragment_bytes from host + sources[i] to pool + slots[i] · slot_bytes. All sizes, offsets and pointers
// are multiples of 16 bytes. The lists and the pool are device memory.
struct Gather {
  const void* host = nullptr;             // pinned, as the device addresses it (cudaHostGetDevicePointer)
  const std::int64_t* sources = nullptr;  // [count], bytes
  const std::int32_t* slots = nullptr;    // [count], distinct
  const std::int32_t* count = nullptr;    // [1]; null: `most`
  std::int32_t most = 0;                  // fragments at most
  void* pool = nullptr;
  std::int64_t fragment_bytes = 8192, slot_bytes = 8192;
  std::int32_t ctas = 8;  // of kGatherThreads threads; other kernels keep the rest of the GPU
};

// A link is full once bandwidth · latency bytes are in flight: 55 GB/s · 2 µs = 110 KB for PCIe 5 ×16, two CTAs' worth.
inline constexpr std::int32_t kGatherThreads = 512;
inline constexpr std::size_t kGatherBytesInFlight = 64 * 1024;  // of a CTA

// The host must not write the fragments before the stream has passed this kernel. cudaErrorInvalidValue: sizes that are
// negative or no multiples of 16, slot_bytes < fragment_bytes, no CTAs; cudaErrorMisalignedAddress: host or pool.
cudaError_t launch_gather(const Gather& gather, cudaStream_t stream);

}  // namespace outrider
