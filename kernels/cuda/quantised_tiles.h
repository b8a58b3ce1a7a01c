// Tiles of quantised KV on their way to a warp: their layout in shared memory, and the copies that bring them there.
#pragma once

#include <cstdint>

#include "kernels/cuda/device_math.h"
#include "kernels/cuda/quantised_attention.h"

namespace outrider {

inline constexpr int kQuantisedTile = 16;  // tokens

// What is known at compile time. Of each row a lane takes a strip of every group of channels that share a scale: in
// products of keys lanes with the same l%4 take the same channels, in those of values lanes with the same l/4.
template <int kBitsOfCode, int kDimOfHead, int kChannelsOfScale, int kHalvesOfRows>
struct Shape {
  static constexpr int kBits = kBitsOfCode, kDim = kDimOfHead, kHalves = kHalvesOfRows;  // 8 query heads to a half
  static constexpr int kGroups = kDim / kChannelsOfScale, kGroupChannels = kChannelsOfScale;
  static constexpr int kRowBytes = kDim * kBits / 8, kGroupBytes = kRowBytes / kGroups;
  static constexpr int kKeyStrip = kGroupChannels / 4, kValueStrip = kGroupChannels / 8;  // channels
  static constexpr int kStages = kBits == 8 ? 3 : 4;
};

// A tile in a warp's ring. Rows 4i start 32 bytes further than they would: lanes that read rows 4i, i < 4, meet no bank
// twice.
template <class S>
struct alignas(16) Stage {
  static constexpr int kQuadBytes = 4 * S::kRowBytes + 32;
  unsigned char keys[4 * kQuadBytes], values[4 * kQuadBytes];
  Word key_scales[kQuantisedTile][S::kGroups], value_scales[kQuantisedTile][S::kGroups];
};

// Where the tiles of a warp lie: `left` more from tile `tile` of page `page`.
struct Cursor {
  const std::int32_t* pages;  // behind the following one
  std::int32_t page, following;
  int tile, left;
};

__device__ inline Cursor cursor_at(const QuantisedAttention& problem, int sequence, int head, int begin, int end) {
  const std::int32_t* pages = problem.pages + sequence * problem.sequence_stride + head * problem.head_stride;
  const int tiles_per_page = problem.page_tokens / kQuantisedTile, first = begin / tiles_per_page;
  Cursor at{pages + first + 2, 0, 0, begin % tiles_per_page, end - begin};
  if (at.left > 0) at.page = __ldg(pages + first);
  if (at.left > tiles_per_page - at.tile) at.following = __ldg(pages + first + 1);
  return at;
}

// A page is looked up while the one before it is fetched, for its address must not be waited for.
__device__ inline void advance(Cursor& at, int tiles_per_page) {
  --at.left;
  if (++at.tile < tiles_per_page) return;
  at.tile = 0;
  at.page = at.following;
  if (at.left > tiles_per_page) at.following = __ldg(at.pages);
  ++at.pages;
}

template <class S>
__device__ void fetch(const QuantisedAttention& problem, int head, const Cursor& at, int lane, Stage<S>& to) {
  constexpr int kChunks = S::kRowBytes, kScaleChunks = 4 * S::kGroups;  // of 16 bytes, in 16 rows of keys or values
  const std::int64_t page = static_cast<std::int64_t>(at.page) * problem.kv_heads + head;
  const std::int64_t row = page * 2 * problem.page_tokens + at.tile * kQuantisedTile;
  const std::uint8_t* const codes = problem.cache.codes + row * S::kRowBytes;
#pragma unroll
  for (int first = 0; first < 2 * kChunks; first += 32) {
    const bool value = kChunks < 32 ? lane >= kChunks : first >= kChunks;
    const int byte = 16 * (first % kChunks + (kChunks < 32 ? lane % kChunks : lane));
    copy16_async((value ? to.values : to.keys) + byte + byte / (4 * S::kRowBytes) * 32,
                 codes + byte + (value ? problem.page_tokens * S::kRowBytes : 0));
  }
  const __nv_bfloat162* const scales = problem.cache.scales + row * S::kGroups;
#pragma unroll
  for (int first = 0; first < 2 * kScaleChunks; first += 32) {
    const int chunk = first + lane;
    if (chunk >= 2 * kScaleChunks) break;
    const int word = 4 * (chunk % kScaleChunks);
    copy16_async((chunk < kScaleChunks ? *to.key_scales : *to.value_scales) + word,
                 scales + word + (chunk < kScaleChunks ? 0 : problem.page_tokens * S::kGroups));
  }
}

}  // namespace outrider
