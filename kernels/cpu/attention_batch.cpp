// Planning of parts, and merging by whoever comes last.
#include "kernels/cpu/attention_batch.h"

#include <algorithm>

#include "sim/base/check.h"

namespace outrider {
namespace {

constexpr std::int64_t kPartsPerThread = 4, kLeastTokens = 64;

std::int64_t rounded_up(std::int64_t value, std::int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

}  // namespace

void BatchAttender::plan(std::span<const AttentionHead> heads, std::int64_t block_tokens) {
  std::int64_t all = 0;
  for (const AttentionHead& head : heads) all += head.tokens;
  const std::int64_t even = all / (kPartsPerThread * pool_.threads()) + 1;
  const std::int64_t tokens = rounded_up(std::max(even, kLeastTokens), block_tokens);
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
