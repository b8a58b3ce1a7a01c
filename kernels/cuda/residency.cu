// A CTA takes a row. Every slot looks its block up in the ascending list of the selected by bisection; the lists are
// compacted in order, so that equal inputs give equal lists.
#include "kernels/cuda/residency.h"

namespace outrider {
namespace {

constexpr int kThreads = 256, kWarps = kThreads / 32;

enum SlotState : unsigned char { kSelected, kEmpty, kUnselected };

// Calls write(i, at) for every i < count that `keep` holds for, at = first, first + 1, … in order of i. All threads of
// the CTA call it and get the next `at`.
template <class Keep, class Write>
__device__ int compact(int count, int first, Keep keep, Write write) {
  __shared__ int kept_by[kWarps];
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, part = (count + kThreads - 1) / kThreads * 32;
  const int begin = warp * part, end = min(begin + part, count);
  int kept = 0;
  for (int base = begin; base < end; base += 32)
    kept += __popc(__ballot_sync(~0u, base + lane < end && keep(base + lane)));
  __syncthreads();  // an earlier call may still be reading
  if (lane == 0) kept_by[warp] = kept;
  __syncthreads();
  int at = first, total = first;
  for (int i = 0; i < kWarps; ++i) {
    at += i < warp ? kept_by[i] : 0;
    total += kept_by[i];
  }
  for (int base = begin; base < end; base += 32) {
    const bool keeps = base + lane < end && keep(base + lane);
    const unsigned mask = __ballot_sync(~0u, keeps);
    if (keeps) write(base + lane, at + __popc(mask & ((1u << lane) - 1)));
    at += __popc(mask);
  }
  return total;
}

// Position of `block` in the ascending list, or −1.
__device__ int position_of(std::int32_t block, const std::int32_t* list, int count) {
  int low = 0, high = count;
  while (low < high) {
    const int middle = (low + high) / 2;
    if (list[middle] < block) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < count && list[low] == block ? low : -1;
}

std::size_t shared_bytes(const Residency& residency) {
  return 2 * residency.selected_stride * sizeof(std::int32_t) + residency.slots * sizeof(SlotState);
}

__global__ void __launch_bounds__(kThreads) diff(Residency residency) {
  extern __shared__ std::int32_t shared[];
  std::int32_t* selected = shared;
  std::int32_t* slots_of = selected + residency.selected_stride;
  auto* states = reinterpret_cast<SlotState*>(slots_of + residency.selected_stride);
  const std::int64_t row = blockIdx.x, list = row * residency.selected_stride, table = row * residency.slots;
  const int count = residency.selected_counts[row];
  for (int i = threadIdx.x; i < count; i += kThreads) {
    selected[i] = residency.selected[list + i];
    slots_of[i] = kNoSlot;
  }
  __syncthreads();
  for (int slot = threadIdx.x; slot < residency.slots; slot += kThreads) {
    const std::int32_t block = residency.blocks[table + slot];
    const int position = block == kNoBlock ? -1 : position_of(block, selected, count);
    if (position >= 0) slots_of[position] = static_cast<std::int32_t>(table + slot);
    states[slot] = position >= 0 ? kSelected : block == kNoBlock ? kEmpty : kUnselected;
  }
  __syncthreads();
  for (int i = threadIdx.x; i < count; i += kThreads) residency.slots_of[list + i] = slots_of[i];
  const int hits = compact(
      count, 0, [&](int i) { return slots_of[i] != kNoSlot; },
      [&](int i, int at) { residency.hits[list + at] = slots_of[i]; });
  const int misses = compact(
      count, 0, [&](int i) { return slots_of[i] == kNoSlot; }, [&](int i, int at) { residency.misses[list + at] = i; });
  const auto write_evictable = [&](int slot, int at) { residency.evictable[table + at] = table + slot; };
  const int empty = compact(
      residency.slots, 0, [&](int slot) { return states[slot] == kEmpty; }, write_evictable);
  const int evictable = compact(
      residency.slots, empty, [&](int slot) { return states[slot] == kUnselected; }, write_evictable);
  if (threadIdx.x == 0) {
    residency.hit_counts[row] = hits;
    residency.miss_counts[row] = misses;
    residency.evictable_counts[row] = evictable;
  }
}

__device__ int admitted(const Admission& admission, int row) {
  const Residency& residency = admission.residency;
  return min(admission.most, min(residency.miss_counts[row], residency.evictable_counts[row]));
}

// Sum of `value` over the CTA, in every thread.
__device__ int sum_over_cta(int value) {
  __shared__ int sums[kWarps];
  for (int step = 1; step < 32; step *= 2) value += __shfl_xor_sync(~0u, value, step);
  if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32] = value;
  __syncthreads();
  int total = 0;
  for (const int each : sums) total += each;
  return total;
}

__global__ void __launch_bounds__(kThreads) admit(Admission admission) {
  const Residency& residency = admission.residency;
  const int row = blockIdx.x;
  int earlier = 0;  // each CTA sums the rows before its own again: cheaper than a launch that scans
  for (int i = threadIdx.x; i < row; i += kThreads) earlier += admitted(admission, i);
  const int first = sum_over_cta(earlier), count = admitted(admission, row);
  const std::int64_t list = row * residency.selected_stride, table = static_cast<std::int64_t>(row) * residency.slots;
  for (int i = threadIdx.x; i < count; i += kThreads) {
    const std::int32_t position = residency.misses[list + i], slot = residency.evictable[table + i];
    const std::int32_t block = residency.selected[list + position];
    residency.blocks[slot] = block;
    residency.slots_of[list + position] = slot;
    admission.sources[first + i] = admission.host_offsets[row] + block * admission.block_bytes;
    admission.destinations[first + i] = slot;
  }
  if (threadIdx.x == 0 && row == residency.rows - 1) *admission.transfers = first + count;
}

bool within_limits(const Residency& residency) {
  return residency.rows >= 0 && residency.selected_stride >= 0 && residency.slots >= 0 &&
         residency.selected_stride <= kResidencyMostSelected && residency.slots <= kResidencyMostSlots &&
         static_cast<std::int64_t>(residency.rows) * residency.slots <= INT32_MAX;
}

}  // namespace

cudaError_t launch_residency_diff(const Residency& residency, cudaStream_t stream) {
  if (!within_limits(residency)) return cudaErrorInvalidValue;
  if (residency.rows == 0) return cudaSuccess;
  diff<<<residency.rows, kThreads, shared_bytes(residency), stream>>>(residency);
  return cudaGetLastError();
}

cudaError_t launch_admission(const Admission& admission, cudaStream_t stream) {
  if (!within_limits(admission.residency) || admission.most < 0 || admission.block_bytes < 0)
    return cudaErrorInvalidValue;
  if (admission.residency.rows == 0) return cudaMemsetAsync(admission.transfers, 0, sizeof(std::int32_t), stream);
  admit<<<admission.residency.rows, kThreads, 0, stream>>>(admission);
  return cudaGetLastError();
}

}  // namespace outrider
