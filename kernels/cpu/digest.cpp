// Choice of the path for digests, and the scalar path.
#include "kernels/cpu/digest.h"

#include <algorithm>
#include <limits>

#include "kernels/cpu/digest_paths.h"
#include "sim/base/check.h"

namespace outrider {
namespace {

using BlockDigester = void (*)(const DigestBlock&);

void digest_block_scalar_whole(const DigestBlock& block) { digest_block_scalar(block, 0); }

BlockDigester digester_of(CpuPath path) {
#if defined(__x86_64__)
  if (path >= CpuPath::avx512_bf16) return digest_block_avx512_bf16;
  if (path == CpuPath::avx2) return digest_block_avx2;
#endif
  CHECK(path == CpuPath::scalar, "no digests by {}", to_string(path));
  return digest_block_scalar_whole;
}

void check_part(const DigestBuildPart& part) {
  CHECK(part.block_tokens >= 1 && part.kv_heads >= 1 && part.head_dim >= 1, "digests of {} heads of {} tokens × {}",
        part.kv_heads, part.block_tokens, part.head_dim);
  CHECK(part.key_stride >= part.block_tokens * part.head_dim, "a key stride of {}", part.key_stride);
  CHECK(part.targets.empty() || part.targets.size() == part.blocks.size(), "{} targets", part.targets.size());
  CHECK(part.tokens.empty() || part.tokens.size() == part.blocks.size(), "{} counts", part.tokens.size());
}

// Orders as the numbers do, −0 below +0.
int order_of(Bf16 value) { return (value.bits & 0x8000) != 0 ? 0x7fff - value.bits : value.bits; }

bool is_nan(Bf16 value) { return (value.bits & 0x7fff) > 0x7f80; }

}  // namespace

void build_digests(CpuPath path, const DigestBuildPart& part) {
  check_part(part);
  CHECK(can_run(path), "this processor has no {}", to_string(path));
  const BlockDigester digest = digester_of(path);
  const auto keys_of = [&](std::size_t item, std::int64_t head) {
    return part.keys + (part.blocks[item] * part.kv_heads + head) * part.key_stride;
  };
  for (std::size_t i = 0; i < part.blocks.size(); ++i) {
    const std::int64_t target = part.targets.empty() ? part.blocks[i] : part.targets[i];
    const std::int64_t tokens = part.tokens.empty() ? part.block_tokens : part.tokens[i];
    CHECK(tokens >= 1 && tokens <= part.block_tokens, "{} tokens in a block of {}", tokens, part.block_tokens);
    for (std::int64_t head = 0; head < part.kv_heads; ++head) {
      const bool last_head = head + 1 == part.kv_heads, last = last_head && i + 1 == part.blocks.size();
      const Bf16* next = last ? nullptr : last_head ? keys_of(i + 1, 0) : keys_of(i, head + 1);
      Bf16* to = part.digests + (target * part.kv_heads + head) * 2 * part.head_dim;
      digest({keys_of(i, head), next, tokens, part.head_dim, to});
    }
  }
}

void digest_block_scalar(const DigestBlock& block, std::int64_t first_channel) {
  for (std::int64_t channel = first_channel; channel < block.head_dim; ++channel) {
    Bf16 low{0x7fff}, high{0x7fff};  // NaN
    for (std::int64_t token = 0; token < block.tokens; ++token) {
      const Bf16 key = block.keys[token * block.head_dim + channel];
      if (is_nan(key)) continue;
      if (is_nan(low) || order_of(key) < order_of(low)) low = key;
      if (is_nan(high) || order_of(key) > order_of(high)) high = key;
    }
    block.digest[channel] = low;
    block.digest[block.head_dim + channel] = high;
  }
}

void score_digests(CpuPath path, const DigestScorePart& part) {
  CHECK(part.group >= 1 && part.head_dim >= 1, "{} query heads of width {}", part.group, part.head_dim);
  CHECK(part.head >= 0 && part.head < part.kv_heads, "KV head {} of {}", part.head, part.kv_heads);
  CHECK(can_run(path), "this processor has no {}", to_string(path));
#if defined(__x86_64__)
  if (path >= CpuPath::avx512_bf16 && part.head_dim <= kDigestMostWidth) return score_digests_avx512_bf16(part);
  if (path != CpuPath::scalar) return score_digests_avx2(part);
#endif
  score_digests_scalar(part);
}

void score_digests_scalar(const DigestScorePart& part) {
  for (std::size_t i = 0; i < part.blocks.size(); ++i) {
    const Bf16 *least = digest_of(part, i), *most = least + part.head_dim;
    float best = -std::numeric_limits<float>::infinity();
    for (std::int64_t head = 0; head < part.group; ++head) {
      const Bf16* query = part.queries + head * part.head_dim;
      float sum = 0.0f;
      for (std::int64_t c = 0; c < part.head_dim; ++c) {
        const float q = to_float(query[c]);
        sum += std::max(q * to_float(least[c]), q * to_float(most[c]));
      }
      best = std::max(best, sum);
    }
    part.scores[i] = best;
  }
}

DigestBuildPart slice(const DigestBuildPart& whole, std::size_t first, std::size_t count) {
  DigestBuildPart part = whole;
  part.blocks = whole.blocks.subspan(first, count);
  if (!whole.targets.empty()) part.targets = whole.targets.subspan(first, count);
  if (!whole.tokens.empty()) part.tokens = whole.tokens.subspan(first, count);
  return part;
}

DigestScorePart slice(const DigestScorePart& whole, std::size_t first, std::size_t count) {
  DigestScorePart part = whole;
  part.blocks = whole.blocks.subspan(first, count);
  part.scores = whole.scores + first;
  return part;
}

}  // namespace outrider
