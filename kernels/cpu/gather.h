// Gather of scattered fragments into slots of a staging buffer, past the caches: from there one copy takes them to the
// GPU, and what the CPU kernels have cached stays.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/cpu/cpu_path.h"

namespace outrider {

// Fragment i: fragment_bytes from host + sources[i] to pool + slots[i] · slot_bytes. Sizes, offsets and pointers need
// no alignment; whole cache lines (64 bytes) of the pool are written fastest.
struct GatherPart {
  const void* host = nullptr;
  std::span<const std::int64_t> sources;  // bytes
  std::span<const std::int32_t> slots;    // as many, distinct
  void* pool = nullptr;
  std::int64_t fragment_bytes = 8192, slot_bytes = 8192;  // slot_bytes ≥ fragment_bytes
};

// Exact. Non-temporal stores are fenced on return, so that what publishes the slots, a flag or a parallel_for's end,
// need not know of them. Fragments and slots must not overlap; bytes between the fragments of neighbouring slots are
// not written.
void gather(CpuPath path, const GatherPart& part);

// The part of fragments from `first` on, for a thread.
GatherPart slice(const GatherPart& whole, std::size_t first, std::size_t count);

}  // namespace outrider
