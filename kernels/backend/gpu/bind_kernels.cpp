// Launches of kernels.
#include <algorithm>
#include <cmath>

#include "kernels/backend/gpu/binder.h"
#include "kernels/cuda/attention.h"
#include "kernels/cuda/digest.h"
#include "kernels/cuda/memory_kernels.h"
#include "kernels/cuda/merge.h"
#include "kernels/cuda/topk.h"

namespace outrider {
namespace {

constexpr double kId = 4.0;  // bytes of a score or of a block's number

std::size_t words_of(Bytes bytes) { return static_cast<std::size_t>(std::llround(bytes.value()) + 15) / 16; }
std::int32_t narrow(double count) { return static_cast<std::int32_t>(std::max(1.0, std::round(count))); }
bool is_whole(double value) { return value >= 1.0 && value == std::floor(value); }

std::int32_t group_of(const AttentionShape& shape) { return static_cast<std::int32_t>(shape.q_heads / shape.kv_heads); }

__nv_bfloat16* bf16(std::byte* data) { return reinterpret_cast<__nv_bfloat16*>(data); }

}  // namespace

Binder::Binder(const Binding& binding, const std::array<std::byte*, kArenas>& arenas)
    : schedule_(*binding.schedule), layout_(*binding.layout), arenas_(arenas), attention_(schedule_.steps(), nullptr) {
  for (const ScheduledOp& op : schedule_.ops) {
    const auto* shape = std::get_if<AttentionShape>(&op.op->shape);
    if (shape != nullptr && attention_[op.step] == nullptr) attention_[op.step] = shape;
  }
}

std::byte* Binder::read(OpIndex op, std::size_t i) const {
  const Slice& slice = layout_.ops[op].reads[i];
  return arenas_[static_cast<std::size_t>(slice.arena)] + slice.offset;
}

std::byte* Binder::written(OpIndex op) const {
  const Slice& slice = layout_.ops[op].writes.front();
  return arenas_[static_cast<std::size_t>(slice.arena)] + slice.offset;
}

const AttentionShape* Binder::attention_of_step(OpIndex op) const { return attention_[schedule_.ops[op].step]; }

// A larger one replaces what earlier bindings use, so all keep a reference to the pointer's holder and not the pointer.
float* Binder::scores(std::size_t count) {
  if (count > most_scores_) {
    scores_ = std::make_unique<CudaMemory>(CudaMemory::Where::device, count * sizeof(float));
    most_scores_ = count;
  }
  return scores_->as<float>();
}

BoundLaunch Binder::bind(OpIndex index) {
  const Op& op = *schedule_.ops[index].op;
  if (const auto* shape = std::get_if<GemmShape>(&op.shape)) return bind_product(index, *shape);
  if (const auto* shape = std::get_if<LookupShape>(&op.shape)) return bind_lookup(index, *shape);
  if (const auto* shape = std::get_if<AttentionShape>(&op.shape))
    return shape->kv_bits > 0.0 ? bind_quantised_attention(index, *shape) : bind_attention(index, *shape);
  if (const auto* shape = std::get_if<CopyShape>(&op.shape)) return bind_copy(index, *shape);
  return bind_stream(index, std::get<StreamShape>(op.shape));
}

// Scaled by √(3 ÷ k): with weights of [−1, 1) what comes out is as large as what went in, however many products follow
// each other.
BoundLaunch Binder::bind_product(OpIndex op, const GemmShape& shape) {
  const Product product = product_of(shape);
  return [&bound = products_.get(product), scale = std::sqrt(3.0f / static_cast<float>(product.k)),
          weights = read(op, 0), input = read(op, 1),
          output = written(op)](cudaStream_t stream, Calls) { bound.multiply(weights, input, output, scale, stream); };
}

BoundLaunch Binder::bind_attention(OpIndex op, const AttentionShape& shape) {
  const PageLists& lists = tables_.page_lists(shape);
  DecodeAttention attention;
  attention.queries = bf16(read(op, 1));
  attention.cache = bf16(read(op, 0));
  attention.pages = lists.pages;
  attention.sequence_stride = lists.most_pages;
  attention.tokens = lists.tokens;
  attention.most_tokens = lists.most_tokens;
  attention.sequences = lists.sequences;
  attention.kv_heads = static_cast<std::int32_t>(shape.kv_heads);
  attention.group = group_of(shape);
  attention.scale = 1.0f / std::sqrt(static_cast<float>(shape.head_dim));
  attention.output = bf16(written(op));
  attention.workspace = tables_.attention_workspace(attention.sequences, attention.kv_heads, attention.group);
  return [attention](cudaStream_t stream, Calls) { check_cuda(launch_decode_attention(attention, stream)); };
}

BoundLaunch Binder::bind_stream(OpIndex op, const StreamShape& shape) {
  switch (schedule_.ops[op].op->family) {
    case Family::score_blocks:
      return bind_score(op, shape);
    case Family::build_digest:
      return bind_digest(op, shape);
    case Family::select_top_k:
      return bind_top_k(op, shape);
    case Family::residency_diff:
      return bind_residency(op, shape);
    case Family::merge_lse:
      return bind_merge(op, shape);
    case Family::quantise_kv:
      return bind_quantise(op, shape);
    case Family::map_features:
      return bind_features(op, shape);
    default:
      return bind_elementwise(op, shape);
  }
}

BoundLaunch Binder::bind_elementwise(OpIndex op, const StreamShape& shape) {
  const auto* from = reinterpret_cast<const uint4*>(read(op));
  auto* to = reinterpret_cast<uint4*>(written(op));
  const std::size_t in = words_of(shape.read), out = words_of(shape.write);
  return [=](cudaStream_t stream, Calls) { check_cuda(launch_elementwise(from, in, to, out, stream)); };
}

// The digest of a block is 2 · kv_heads · head_dim bf16: if that is what the shape reads for each item, it is digests.
BoundLaunch Binder::bind_score(OpIndex op, const StreamShape& shape) {
  const AttentionShape* attention = attention_of_step(op);
  if (attention == nullptr || attention->sequences < 1) return bind_elementwise(op, shape);
  const double digest = 4.0 * static_cast<double>(attention->kv_heads * attention->head_dim);
  const double blocks = shape.items / static_cast<double>(attention->sequences);
  const bool known = attention->head_dim == kAttentionHeadDim && group_of(*attention) <= kDigestMostGroup;
  if (!known || !is_whole(blocks) || shape.read.value() != digest * shape.items) return bind_elementwise(op, shape);
  DigestScore score;
  score.queries = bf16(arenas_[static_cast<std::size_t>(Arena::activations)]);
  score.digests = bf16(read(op));
  score.sequences = static_cast<std::int32_t>(attention->sequences);
  score.kv_heads = static_cast<std::int32_t>(attention->kv_heads);
  score.group = group_of(*attention);
  score.most_blocks = narrow(blocks);
  score.blocks = tables_.ascending(static_cast<std::int64_t>(score.sequences) * score.most_blocks);
  score.block_stride = score.most_blocks;
  score.counts = tables_.constant(score.most_blocks, score.sequences);
  score.score_stride = score.most_blocks;
  scores(static_cast<std::size_t>(score.sequences) * static_cast<std::size_t>(score.kv_heads) *
         static_cast<std::size_t>(score.most_blocks));
  return [this, score](cudaStream_t stream, Calls) {
    DigestScore bound = score;
    bound.scores = scores_->as<float>();
    check_cuda(launch_digest_score(bound, stream));
  };
}

BoundLaunch Binder::bind_digest(OpIndex op, const StreamShape& shape) {
  const AttentionShape* attention = attention_of_step(op);
  if (attention == nullptr || attention->head_dim != kAttentionHeadDim) return bind_elementwise(op, shape);
  const double head = 2.0 * static_cast<double>(attention->kv_heads * attention->head_dim);  // bytes of a token's K
  const double tokens = shape.read.value() / (shape.items * head);
  const bool known = is_whole(tokens) && tokens <= kDigestMostTokens && is_whole(shape.items) &&
                     shape.write.value() == 2.0 * head * shape.items;
  if (!known) return bind_elementwise(op, shape);
  DigestBuild build;
  build.keys = bf16(read(op));
  build.block_tokens = narrow(tokens);
  build.key_stride = build.block_tokens * attention->head_dim;
  build.count = narrow(shape.items);
  build.blocks = tables_.ascending(build.count);
  build.kv_heads = static_cast<std::int32_t>(attention->kv_heads);
  build.digests = bf16(written(op));
  return [build](cudaStream_t stream, Calls) { check_cuda(launch_digest_build(build, stream)); };
}

BoundLaunch Binder::bind_top_k(OpIndex op, const StreamShape& shape) {
  TopK top;
  top.rows = narrow(shape.items);
  const std::int32_t scores_of_row = narrow(shape.read.value() / (kId * shape.items));
  top.k = narrow(shape.write.value() / (kId * shape.items));
  top.scores = reinterpret_cast<const float*>(read(op));
  top.score_stride = scores_of_row;
  top.counts = tables_.constant(scores_of_row, top.rows);
  top.rows_per_count = 1;
  top.selected = reinterpret_cast<std::int32_t*>(written(op));
  top.selected_stride = top.k;
  return [top](cudaStream_t stream, Calls) { check_cuda(launch_top_k(top, stream)); };
}

BoundLaunch Binder::bind_residency(OpIndex op, const StreamShape& shape) {
  const std::int32_t selected = narrow(shape.write.value() / (kId * shape.items));
  if (selected > kResidencyMostSelected) return bind_elementwise(op, shape);
  const Residency& residency = tables_.residency(narrow(shape.items), selected);
  return [residency](cudaStream_t stream, Calls) { check_cuda(launch_residency_diff(residency, stream)); };
}

BoundLaunch Binder::bind_merge(OpIndex op, const StreamShape& shape) {
  MergePartials<__nv_bfloat16> merge;
  merge.rows = narrow(shape.items);
  merge.head_dim = narrow(shape.write.value() / (2.0 * shape.items));
  if (merge.head_dim % 8 != 0) return bind_elementwise(op, shape);
  merge.first = bf16(read(op));
  merge.second = merge.first + static_cast<std::int64_t>(merge.rows) * merge.head_dim;
  merge.first_lse = merge.second_lse = tables_.zeros(merge.rows);
  merge.output = bf16(written(op));
  return [merge](cudaStream_t stream, Calls) { check_cuda(launch_merge(merge, stream)); };
}

}  // namespace outrider
