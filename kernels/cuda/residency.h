// Which of the selected blocks are in the GPU's slots, which are missing, which slots may be reused; and the admission
// of missing blocks into them, as a list of transfers.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

namespace outrider {

inline constexpr std::int32_t kNoBlock = -1;  // in a slot: it is empty
inline constexpr std::int32_t kNoSlot = -1;   // of a block: it is not resident

// Rows are pairs of a sequence and a KV head; row r owns the slots from r · slots to (r + 1) · slots − 1 of one pool,
// so that lists of slots are lists of pages for an attention with a KV head to a sequence. All pointers are device
// memory.
struct Residency {
  const std::int32_t* selected = nullptr;         // [rows][selected_stride], ascending and distinct in a row
  std::int64_t selected_stride = 0;               // up to kResidencyMostSelected
  const std::int32_t* selected_counts = nullptr;  // [rows], ≤ selected_stride
  std::int32_t rows = 0, slots = 0;               // slots: up to kResidencyMostSlots
  std::int32_t* blocks = nullptr;                 // [rows][slots], the block in a slot or kNoBlock; distinct in a row
  // What launch_residency_diff writes; behind the counts nothing is written.
  std::int32_t* slots_of = nullptr;          // [rows][selected_stride], slot of each selected block or kNoSlot
  std::int32_t* hits = nullptr;              // [rows][selected_stride], slots of the resident ones, in order of blocks
  std::int32_t* hit_counts = nullptr;        // [rows]
  std::int32_t* misses = nullptr;            // [rows][selected_stride], ascending positions in `selected`
  std::int32_t* miss_counts = nullptr;       // [rows]
  std::int32_t* evictable = nullptr;         // [rows][slots]: empty slots, then those whose block is not selected
  std::int32_t* evictable_counts = nullptr;  // [rows]
};

inline constexpr std::int32_t kResidencyMostSelected = 4096;
inline constexpr std::int32_t kResidencyMostSlots = 8192;

// Does not change `blocks`. cudaErrorInvalidValue for sizes that are negative or beyond the limits.
cudaError_t launch_residency_diff(const Residency& residency, cudaStream_t stream);

// Block b of a row lies at host_offsets[row] + b · block_bytes of a pool in host memory.
struct Admission {
  Residency residency;                         // behind launch_residency_diff
  std::int32_t most = INT32_MAX;               // blocks to admit to a row
  const std::int64_t* host_offsets = nullptr;  // [rows]
  std::int64_t block_bytes = 0;
  // Transfers by row, then by block, for launch_gather; room for the misses of all rows.
  std::int64_t* sources = nullptr;       // bytes into the host pool
  std::int32_t* destinations = nullptr;  // slots
  std::int32_t* transfers = nullptr;     // [1], how many
};

// Of every row, admits the first min(misses, evictable slots, most): the i-th miss into the i-th evictable slot.
// Updates `blocks` and `slots_of`, which then also hold what the transfers bring; `misses` and `evictable` stay as they
// are. Nothing may still read the slots when the transfers begin. Errors as above.
cudaError_t launch_admission(const Admission& admission, cudaStream_t stream);

}  // namespace outrider
