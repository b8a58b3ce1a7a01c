// Choice of the implementation, the scalar one, and the merge of partial results.
#include "kernels/cpu/attention.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/cpu/attention_paths.h"
#include "sim/base/check.h"

namespace outrider {
namespace {

template <class Element>
void check_part(const AttentionPart<Element>& part) {
  const auto room = static_cast<std::int64_t>(part.blocks.size()) * part.kv.block_tokens;
  CHECK(part.tokens > 0 && part.tokens <= room, "{} tokens in {} blocks", part.tokens, part.blocks.size());
  CHECK(part.tokens > room - part.kv.block_tokens, "{} tokens leave whole blocks of {} empty", part.tokens, room);
  CHECK(part.group >= 1 && part.kv.head_dim >= 1, "{} query heads of width {}", part.group, part.kv.head_dim);
}

bool has_bf16_width(std::int64_t head_dim) { return head_dim % 32 == 0 && head_dim <= 256; }

}  // namespace

double attend_bound(CpuPath path, std::int64_t head_dim) {
  return path >= CpuPath::avx512_bf16 && has_bf16_width(head_dim) ? 1e-2 : 1e-5;
}

void attend(CpuPath path, const AttentionPart<Bf16>& part) {
  check_part(part);
  CHECK(can_run(path), "this processor has no {}", to_string(path));
#if defined(__x86_64__)
  if (path >= CpuPath::avx512_bf16 && has_bf16_width(part.kv.head_dim)) {
    return path == CpuPath::amx_bf16 && part.group > 1 ? attend_amx_bf16(part) : attend_avx512_bf16(part);
  }
  if (path != CpuPath::scalar && part.kv.head_dim % 8 == 0) return attend_avx2(part);
#endif
  attend_scalar(part);
}

void attend(CpuPath path, const AttentionPart<float>& part) {
  check_part(part);
  CHECK(can_run(path), "this processor has no {}", to_string(path));
#if defined(__x86_64__)
  if (path != CpuPath::scalar && part.kv.head_dim % 8 == 0) return attend_avx2(part);
#endif
  attend_scalar(part);
}

// Two passes per query: scores and their maximum, then weights and the mean of V.
template <class Element>
void attend_scalar(const AttentionPart<Element>& part) {
  const std::int64_t width = part.kv.head_dim, per_block = part.kv.block_tokens;
  std::vector<float> scores(static_cast<std::size_t>(part.tokens));
  const auto rows_of = [&](std::int64_t token) {
    return part.kv.data + part.blocks[static_cast<std::size_t>(token / per_block)] * part.kv.stride +
           token % per_block * width;
  };
  for (std::int64_t head = 0; head < part.group; ++head) {
    const float* query = part.queries + head * width;
    float* output = part.output + head * width;
    float most = -std::numeric_limits<float>::infinity();
    for (std::int64_t token = 0; token < part.tokens; ++token) {
      const Element* key = rows_of(token);
      float sum = 0.0f;
      for (std::int64_t i = 0; i < width; ++i) sum += query[i] * to_float(key[i]);
      scores[static_cast<std::size_t>(token)] = sum * part.scale;
      most = std::max(most, sum * part.scale);
    }
    float total = 0.0f;
    std::fill(output, output + width, 0.0f);
    for (std::int64_t token = 0; token < part.tokens; ++token) {
      const Element* value = rows_of(token) + per_block * width;
      const float weight = std::exp(scores[static_cast<std::size_t>(token)] - most);
      total += weight;
      for (std::int64_t i = 0; i < width; ++i) output[i] += weight * to_float(value[i]);
    }
    for (std::int64_t i = 0; i < width; ++i) output[i] /= total;
    part.lse[head] = most + std::log(total);
  }
}
template void attend_scalar(const AttentionPart<Bf16>& part);
template void attend_scalar(const AttentionPart<float>& part);

void merge_partials(std::span<const PartialOutput> parts, std::int64_t rows, std::int64_t head_dim, float* output,
                    float* lse) {
  for (std::int64_t row = 0; row < rows; ++row) {
    float most = -std::numeric_limits<float>::infinity();
    for (const PartialOutput& part : parts) most = std::max(most, part.lse[row]);
    float total = 0.0f;
    for (const PartialOutput& part : parts) total += std::exp(part.lse[row] - most);
    float* const merged = output + row * head_dim;
    std::fill(merged, merged + head_dim, 0.0f);
    for (const PartialOutput& part : parts) {
      const float weight = std::exp(part.lse[row] - most) / total;
      for (std::int64_t i = 0; i < head_dim; ++i) merged[i] += weight * part.output[row * head_dim + i];
    }
    lse[row] = most + std::log(total);
  }
}

}  // namespace outrider
