// Planning of parts, and merging by whoever comes last.
#include "kernels/cpu/attention_batch.h"

#include <algorithm>
#include <limits>

#include "sim/base/check.h"

namespace outrider {
namespace {

constexpr std::int64_t kMostPartsPerThread = 16, kLeastTokens = 64;
constexpr std::int64_t kStart = 64;  // what starting and merging a part takes, in tokens

}  // namespace

// The size of parts with which the last thread is done earliest, if all tokens take the same time: a whole fraction of
// the longest head, so that few parts are short.
std::int64_t BatchAttender::part_tokens(std::span<const AttentionHead> heads, std::int64_t block_tokens) const {
  std::int64_t longest = 1;
  for (const AttentionHead& head : heads) longest = std::max(longest, head.tokens);
  const std::int64_t threads = pool_.threads();
  std::int64_t best = longest, least = std::numeric_limits<std::int64_t>::max(), parts = 0;
  for (std::int64_t splits = 1; splits <= longest && parts < kMostPartsPerThread * threads; ++splits) {
    const std::int64_t even = std::max((longest + splits - 1) / splits, kLeastTokens);
    const std::int64_t tokens = (even + block_tokens - 1) / block_tokens * block_tokens;
    parts = 0;
    for (const AttentionHead& head : heads) parts += (head.tokens + tokens - 1) / tokens;
    const std::int64_t time = (parts + threads - 1) / threads * (tokens + kStart);
    if (time < least) {
      best = tokens;
      least = time;
    }
    if (even == kLeastTokens) break;
  }
  return best;
}

void BatchAttender::plan(std::span<const AttentionHead> heads, std::int64_t block_tokens) {
  const std::int64_t tokens = part_tokens(heads, block_tokens);
  parts_.clear();
  parts_of_head_.clear();
  for (std::size_t head = 0; head < heads.size(); ++head) {
    const std::size_t first = parts_.size();
    for (std::int64_t at = 0; at < heads[head].tokens; at += tokens)
      parts_.push_back({head, first, at, std::min(tokens, heads[head].tokens - at)});
    parts_of_head_.push_back(parts_.size() - first);
  }
  if (open_size_ < heads.size()) {
    open_ = std::make_unique<std::atomic<int>[]>(heads.size());
    open_size_ = heads.size();
  }
  for (std::size_t head = 0; head < heads.size(); ++head)
    open_[head].store(static_cast<int>(parts_of_head_[head]), std::memory_order_relaxed);
}

template <class Element>
void BatchAttender::attend_part(CpuPath path, const AttentionBatch<Element>& batch, std::size_t index) {
  const Part& part = parts_[index];
  const AttentionHead& head = batch.heads[part.head];
  const std::int64_t width = batch.kv.head_dim;
  const std::size_t rows = static_cast<std::size_t>(batch.group), row = part.head * rows;
  const bool whole = parts_of_head_[part.head] == 1;
  AttentionPart<Element> one;
  one.kv = batch.kv;
  const std::int64_t blocks = (part.tokens + batch.kv.block_tokens - 1) / batch.kv.block_tokens;
  one.blocks = head.blocks.subspan(static_cast<std::size_t>(part.first_token / batch.kv.block_tokens),
                                   static_cast<std::size_t>(blocks));
  one.tokens = part.tokens;
  one.group = batch.group;
  one.queries = batch.queries + row * static_cast<std::size_t>(width);
  one.scale = batch.scale;
  one.output = whole ? batch.output + row * static_cast<std::size_t>(width)
                     : outputs_.data() + index * rows * static_cast<std::size_t>(width);
  one.lse = whole ? batch.lse + row : lses_.data() + index * rows;
  outrider::attend(path, one);
  if (whole || open_[part.head].fetch_sub(1, std::memory_order_acq_rel) > 1) return;
  merge(part, batch.group, width, batch.output + row * static_cast<std::size_t>(width), batch.lse + row);
}

void BatchAttender::merge(const Part& part, std::int64_t group, std::int64_t head_dim, float* output, float* lse) {
  std::vector<PartialOutput> partial;
  const auto rows = static_cast<std::size_t>(group);
  for (std::size_t i = part.first_part; i < part.first_part + parts_of_head_[part.head]; ++i)
    partial.push_back({outputs_.data() + i * rows * static_cast<std::size_t>(head_dim), lses_.data() + i * rows});
  merge_partials(partial, group, head_dim, output, lse);
}

template <class Element>
void BatchAttender::attend(CpuPath path, const AttentionBatch<Element>& batch) {
  for (const AttentionHead& head : batch.heads) CHECK(head.tokens >= 1, "attention over {} tokens", head.tokens);
  plan(batch.heads, batch.kv.block_tokens);
  const std::size_t rows = parts_.size() * static_cast<std::size_t>(batch.group);
  outputs_.resize(std::max(outputs_.size(), rows * static_cast<std::size_t>(batch.kv.head_dim)));
  lses_.resize(std::max(lses_.size(), rows));
  pool_.parallel_for(parts_.size(), [&](std::size_t index, int) { attend_part(path, batch, index); });
}
template void BatchAttender::attend(CpuPath path, const AttentionBatch<Bf16>& batch);
template void BatchAttender::attend(CpuPath path, const AttentionBatch<float>& batch);

}  // namespace outrider
