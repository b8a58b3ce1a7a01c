// A warp takes a piece of a fragment and has all of it in flight at once; it looks up the next piece meanwhile.
#include "kernels/cuda/gather.h"

namespace outrider {
namespace {

constexpr int kWarps = kGatherThreads / 32;
constexpr int kInFlight = 8;                 // 16-byte words of a lane
constexpr int kPieceWords = 32 * kInFlight;  // 4 KiB
static_assert(kWarps * kPieceWords * sizeof(uint4) == kGatherBytesInFlight, "the header's promise");

struct Piece {
  const uint4* from;
  uint4* to;
  int words;
};

__device__ Piece piece_at(const Gather& gather, std::int64_t index, int pieces_each) {
  const std::int64_t fragment = index / pieces_each;
  const std::int64_t word = index % pieces_each * kPieceWords, words = gather.fragment_bytes / sizeof(uint4) - word;
  const char* from = static_cast<const char*>(gather.host) + __ldg(gather.sources + fragment);
  char* to = static_cast<char*>(gather.pool) + __ldg(gather.slots + fragment) * gather.slot_bytes;
  return {reinterpret_cast<const uint4*>(from) + word, reinterpret_cast<uint4*>(to) + word,
          static_cast<int>(words < kPieceWords ? words : kPieceWords)};
}

__global__ void __launch_bounds__(kGatherThreads) gather_fragments(Gather gather, int pieces_each) {
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  const std::int64_t count = gather.count == nullptr ? gather.most : min(*gather.count, gather.most);
  const std::int64_t pieces = count * pieces_each, step = gridDim.x * kWarps;
  std::int64_t index = warp * gridDim.x + blockIdx.x;  // neighbours go to different SMs
  if (index >= pieces) return;
  Piece next = piece_at(gather, index, pieces_each);
  while (index < pieces) {
    const Piece piece = next;
    uint4 words[kInFlight];
#pragma unroll
    for (int i = 0; i < kInFlight; ++i) {
      if (lane + 32 * i < piece.words) words[i] = __ldcs(piece.from + lane + 32 * i);
    }
    index += step;
    if (index < pieces) next = piece_at(gather, index, pieces_each);
#pragma unroll
    for (int i = 0; i < kInFlight; ++i) {
      if (lane + 32 * i < piece.words) piece.to[lane + 32 * i] = words[i];
    }
  }
}

bool is_aligned(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer) % sizeof(uint4) == 0; }

}  // namespace

cudaError_t launch_gather(const Gather& gather, cudaStream_t stream) {
  constexpr std::int64_t kWord = sizeof(uint4);
  if (gather.fragment_bytes <= 0 || gather.fragment_bytes % kWord != 0 || gather.slot_bytes % kWord != 0 ||
      gather.slot_bytes < gather.fragment_bytes || gather.most < 0 || gather.ctas < 1)
    return cudaErrorInvalidValue;
  if (!is_aligned(gather.host) || !is_aligned(gather.pool)) return cudaErrorMisalignedAddress;
  if (gather.most == 0) return cudaSuccess;
  const std::int64_t words = gather.fragment_bytes / kWord;
  const auto pieces_each = static_cast<int>((words + kPieceWords - 1) / kPieceWords);
  gather_fragments<<<gather.ctas, kGatherThreads, 0, stream>>>(gather, pieces_each);
  return cudaGetLastError();
}

}  // namespace outrider
