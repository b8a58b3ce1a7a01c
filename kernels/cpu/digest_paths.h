// The implementations behind build_digests() and score_digests(), one file each, compiled for their instruction sets.
#pragma once

#include "kernels/cpu/digest.h"

namespace outrider {

// One block of one head. `next` is where the keys lie that are read after these, for calling them into the cache, or
// null.
struct DigestBlock {
  const Bf16* keys = nullptr;
  const Bf16* next = nullptr;
  std::int64_t tokens = 0, head_dim = 0;
  Bf16* digest = nullptr;
};

// Channels from `first_channel` on.
void digest_block_scalar(const DigestBlock& block, std::int64_t first_channel);
void digest_block_avx2(const DigestBlock& block);
void digest_block_avx512_bf16(const DigestBlock& block);

inline const Bf16* digest_of(const DigestScorePart& part, std::size_t i) {
  return part.digests + (part.blocks[i] * part.kv_heads + part.head) * 2 * part.head_dim;
}

inline constexpr std::int64_t kDigestMostWidth = 256;  // channels that avx512_bf16 holds in registers

void score_digests_scalar(const DigestScorePart& part);
void score_digests_avx2(const DigestScorePart& part);
void score_digests_avx512_bf16(const DigestScorePart& part);

}  // namespace outrider
