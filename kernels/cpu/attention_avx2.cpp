// Decode attention with 256-bit vectors: fp32 arithmetic on bf16 or fp32 caches, online softmax block by block.
#if defined(__x86_64__)
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/cpu/attention_paths.h"
#include "kernels/cpu/vectors_avx2.h"

namespace outrider {
namespace {

template <class Element>
float dot(const float* query, const Element* key, std::int64_t width) {
  __m256 sum = _mm256_setzero_ps();
  for (std::int64_t i = 0; i < width; i += 8) sum = _mm256_fmadd_ps(load8(query + i), load8(key + i), sum);
  return sum8(sum);
}

void scale_row(float* row, float factor, std::int64_t width) {
  for (std::int64_t i = 0; i < width; i += 8) _mm256_storeu_ps(row + i, load8(row + i) * _mm256_set1_ps(factor));
}

template <class Element>
void add_scaled(float* row, const Element* value, float weight, std::int64_t width) {
  const __m256 factor = _mm256_set1_ps(weight);
  for (std::int64_t i = 0; i < width; i += 8)
    _mm256_storeu_ps(row + i, _mm256_fmadd_ps(factor, load8(value + i), load8(row + i)));
}

// What online softmax keeps of one query.
struct Running {
  float most = -std::numeric_limits<float>::infinity();
  float total = 0.0f;
};

template <class Element>
void attend_block(const AttentionPart<Element>& part, const Element* keys, std::int64_t tokens, std::int64_t head,
                  Running& running) {
  const std::int64_t width = part.kv.head_dim;
  const Element* values = keys + part.kv.block_tokens * width;
  float* const output = part.output + head * width;
  std::vector<float> scores(static_cast<std::size_t>(tokens));
  float most = running.most;
  for (std::int64_t t = 0; t < tokens; ++t) {
    scores[static_cast<std::size_t>(t)] = part.scale * dot(part.queries + head * width, keys + t * width, width);
    most = std::max(most, scores[static_cast<std::size_t>(t)]);
  }
  const float shrink = std::exp(running.most - most);
  running.total *= shrink;
  scale_row(output, shrink, width);
  for (std::int64_t t = 0; t < tokens; ++t) {
    const float weight = std::exp(scores[static_cast<std::size_t>(t)] - most);
    running.total += weight;
    add_scaled(output, values + t * width, weight, width);
  }
  running.most = most;
}

template <class Element>
void attend_all(const AttentionPart<Element>& part) {
  const std::int64_t width = part.kv.head_dim;
  std::vector<Running> running(static_cast<std::size_t>(part.group));
  std::fill(part.output, part.output + part.group * width, 0.0f);
  std::int64_t left = part.tokens;
  for (const std::int32_t block : part.blocks) {
    const std::int64_t tokens = std::min(left, part.kv.block_tokens);
    const Element* keys = part.kv.data + block * part.kv.stride;
    for (std::int64_t head = 0; head < part.group; ++head)
      attend_block(part, keys, tokens, head, running[static_cast<std::size_t>(head)]);
    left -= tokens;
  }
  for (std::int64_t head = 0; head < part.group; ++head) {
    const Running& kept = running[static_cast<std::size_t>(head)];
    scale_row(part.output + head * width, 1.0f / kept.total, width);
    part.lse[head] = kept.most + std::log(kept.total);
  }
}

}  // namespace

void attend_avx2(const AttentionPart<Bf16>& part) { attend_all(part); }
void attend_avx2(const AttentionPart<float>& part) { attend_all(part); }

}  // namespace outrider
#endif
