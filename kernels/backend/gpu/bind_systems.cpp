// Launches of kernels of single systems: attention over codes, quantisation, look-ups, feature maps.
#include <algorithm>
#include <cmath>

#include "kernels/backend/gpu/binder.h"
#include "kernels/cuda/attention.h"
#include "kernels/cuda/feature_map.h"
#include "kernels/cuda/kv_quant.h"
#include "kernels/cuda/lut.h"
#include "kernels/cuda/quantised_attention.h"

namespace outrider {
namespace {

__nv_bfloat16* bf16(std::byte* data) { return reinterpret_cast<__nv_bfloat16*>(data); }

QuantisedRows codes_in(std::byte* data, std::int64_t rows, std::int32_t bits) {
  QuantisedRows codes;
  codes.codes = reinterpret_cast<std::uint8_t*>(data);
  codes.scales = reinterpret_cast<__nv_bfloat162*>(data + code_bytes(rows, kAttentionHeadDim, bits));
  codes.head_dim = kAttentionHeadDim;
  codes.channels = static_cast<std::int32_t>(kScaleChannels);
  codes.bits = bits;
  return codes;
}

}  // namespace

// Tokens of the buffer are read with as few bits as all others: they are 64 of thousands.
BoundLaunch Binder::bind_quantised_attention(OpIndex op, const AttentionShape& shape) {
  const PageLists& lists = tables_.page_lists(shape);
  QuantisedAttention attention;
  attention.queries = bf16(read(op, 1));
  attention.cache = codes_in(read(op, 0), code_rows(shape), code_bits(shape.kv_bits));
  attention.page_tokens = static_cast<std::int32_t>(kPageTokens);
  attention.pages = lists.pages;
  attention.sequence_stride = lists.most_pages;
  attention.tokens = lists.tokens;
  attention.most_tokens = lists.most_tokens;
  attention.sequences = lists.sequences;
  attention.kv_heads = static_cast<std::int32_t>(shape.kv_heads);
  attention.group = static_cast<std::int32_t>(shape.q_heads / shape.kv_heads);
  attention.scale = 1.0f / std::sqrt(static_cast<float>(shape.head_dim));
  attention.output = bf16(written(op));
  attention.workspace = tables_.quantised_workspace(attention.sequences, attention.kv_heads, attention.group);
  return [attention](cudaStream_t stream, Calls) { check_cuda(launch_quantised_attention(attention, stream)); };
}

BoundLaunch Binder::bind_quantise(OpIndex op, const StreamShape& shape) {
  const std::int64_t rows = whole(shape.items);
  const double numbers = static_cast<double>(rows * kAttentionHeadDim), stored = 8.0 * shape.write.value() / numbers;
  const std::int32_t bits = code_bits(stored);
  const bool known = shape.read.value() == 2.0 * numbers && bits > 0 &&
                     shape.write.value() == static_cast<double>(code_bytes(rows, kAttentionHeadDim, bits) +
                                                                scale_bytes(rows, kAttentionHeadDim));
  if (!known) return bind_elementwise(op, shape);
  return [from = bf16(read(op)), rows, to = codes_in(written(op), rows, bits)](cudaStream_t stream, Calls) {
    check_cuda(launch_quantise(from, rows, to, stream));
  };
}

// The lists that are read change from layer to layer with the queries, which are what was just written.
BoundLaunch Binder::bind_lookup(OpIndex op, const LookupShape& shape) {
  Lookup lookup;
  lookup.rows = static_cast<std::int32_t>(whole(shape.rows));
  lookup.group = static_cast<std::int32_t>(shape.queries);
  lookup.head_dim = kAttentionHeadDim;
  lookup.most_keys = static_cast<std::int32_t>(whole(shape.keys));
  lookup.counts = tables_.constant(lookup.most_keys, lookup.rows);
  LookupIndex& index = lookup.index;
  index.subspaces = static_cast<std::int32_t>(shape.subspaces);
  index.clusters = static_cast<std::int32_t>(shape.clusters);
  index.list_length = std::min(static_cast<std::int32_t>(whole(shape.length)), lookup.most_keys);
  index.centroids = bf16(read(op));
  index.partials = index.centroids + static_cast<std::int64_t>(lookup.rows) * index.clusters * lookup.head_dim;
  const std::int64_t lists = static_cast<std::int64_t>(lookup.rows) * index.subspaces * index.clusters;
  index.keys = tables_.lists_of_keys(lists, index.list_length, lookup.most_keys);
  lookup.queries = bf16(read(op, 1));
  lookup.scores = reinterpret_cast<float*>(written(op));
  lookup.score_stride = lookup.most_keys;
  return [lookup](cudaStream_t stream, Calls) { check_cuda(launch_lookup(lookup, stream)); };
}

// The matrix of the map is the first weights.
BoundLaunch Binder::bind_features(OpIndex op, const StreamShape& shape) {
  const std::int64_t rows = whole(shape.items);
  const double features = shape.write.value() / (4.0 * static_cast<double>(rows));
  const bool known = shape.read.value() == 2.0 * static_cast<double>(rows * kAttentionHeadDim) &&
                     features <= kMostFeatures && features >= 8.0 && std::fmod(features, 8.0) == 0.0;
  if (!known) return bind_elementwise(op, shape);
  FeatureMap map;
  map.matrix = bf16(arenas_[static_cast<std::size_t>(Arena::weights)]);
  map.features = static_cast<std::int32_t>(features);
  map.head_dim = kAttentionHeadDim;
  map.scale = 1.0f / std::sqrt(static_cast<float>(kAttentionHeadDim));
  return [map, from = bf16(read(op)), rows, to = reinterpret_cast<float*>(written(op))](cudaStream_t stream, Calls) {
    check_cuda(launch_features(map, from, rows, to, stream));
  };
}

}  // namespace outrider
