// Emission of the ops that every decoder layer has in common.
#include "sim/methods/layer_emitter.h"

#include <algorithm>

#include "sim/base/check.h"

namespace outrider {

LayerEmitter::LayerEmitter(const MethodPoint& point, LaunchMode mode, const LayerList& dense)
    : point_(point), mode_(mode) {
  int index = 0;
  for (const LayerSpec& layer : point.model->layers) {
    is_offloaded_.push_back(has_growing_kv(layer) && std::find(dense.begin(), dense.end(), index) == dense.end());
    if (is_offloaded_.back()) offloaded_.push_back(index);
    ++index;
  }
}

void LayerEmitter::begin(double tokens) {
  builder_ = GraphBuilder();
  segment_ = OpId();
  rows(tokens);
}

void LayerEmitter::rows(double tokens) {
  tokens_ = tokens;
  std::vector<LayerProducts>& products = products_[tokens];
  current_ = &products;
  if (!products.empty()) return;
  for (const LayerSpec& layer : point_.model->layers) {
    products.push_back({.inputs = attention_inputs(*point_.model, layer, tokens),
                        .outputs = attention_outputs(*point_.model, layer, tokens),
                        .ffn = ffn(*point_.model, layer, tokens)});
  }
}

LaneId LayerEmitter::lane_of(Family family) {
  switch (kind_of(family)) {
    case OpKind::gpu_kernel:
      return lane_id(Lane::compute);
    case OpKind::cpu_kernel:
      return lane_id(Lane::cpu);
    case OpKind::host_step:
      return lane_id(Lane::host);
    case OpKind::copy:
      if (family == Family::zero_copy_h2d) return lane_id(Lane::side);
      return lane_id(family == Family::copy_d2h ? Lane::d2h : Lane::h2d);
    case OpKind::barrier:
      break;
  }
  return lane_id(Lane::none);
}

void LayerEmitter::new_segment() { segment_ = OpId(); }

OpId LayerEmitter::launch_for(int layer, Family launch) {
  if (mode_ == LaunchMode::eager) return host(launch, 1.0, layer, {});
  if (!segment_.valid()) segment_ = host(Family::launch_graph, 1.0, layer, {});
  return segment_;
}

OpId LayerEmitter::kernel(Family family, Shape shape, int layer, Deps after) {
  const OpId launch = launch_for(layer, Family::launch_kernel);
  std::vector<OpId> dependencies(after);
  dependencies.push_back(launch);
  return builder_.add({family, lane_of(family), static_cast<std::int16_t>(layer), shape}, dependencies);
}

OpId LayerEmitter::copy(Family family, const CopyShape& shape, int layer, Deps after) {
  if (mode_ == LaunchMode::eager) return copy_by_calls(family, shape, layer, after);
  std::vector<OpId> dependencies(after);
  dependencies.push_back(launch_for(layer, Family::launch_copy));
  return builder_.add({family, lane_of(family), static_cast<std::int16_t>(layer), shape}, dependencies);
}

OpId LayerEmitter::copy_by_calls(Family family, const CopyShape& shape, int layer, Deps after) {
  const double calls = shape.path == CopyPath::batched ? 1.0 : shape.fragments;
  std::vector<OpId> dependencies(after);
  dependencies.push_back(host(Family::launch_copy, std::min(calls, 1.0), layer, {}));
  const auto at = static_cast<std::int16_t>(layer);
  const OpId moved = builder_.add({family, lane_of(family), at, shape}, dependencies);
  if (calls <= 1.0) return moved;
  const OpId issued = host(Family::launch_copy, calls - 1.0, layer, {});
  return builder_.add({Family::barrier, lane_of(Family::barrier), at, {}}, {moved, issued});
}

OpId LayerEmitter::copy_issued(Family family, const CopyShape& shape, int layer, Deps after) {
  return builder_.add({family, lane_of(family), static_cast<std::int16_t>(layer), shape}, after);
}

OpId LayerEmitter::copy_on(Lane lane, const CopyShape& shape, int layer, Deps after) {
  const Family family = shape.path == CopyPath::sm_zero_copy ? Family::zero_copy_h2d
                        : shape.direction == Direction::h2d  ? Family::copy_h2d
                                                             : Family::copy_d2h;
  return builder_.add({family, lane_id(lane), static_cast<std::int16_t>(layer), shape}, after);
}

OpId LayerEmitter::gather_by_kernel(const CopyShape& shape, int layer, Deps after) {
  std::vector<OpId> dependencies(after);
  dependencies.push_back(launch_for(layer, Family::launch_kernel));
  return builder_.add({Family::zero_copy_h2d, lane_of(Family::zero_copy_h2d), static_cast<std::int16_t>(layer), shape},
                      dependencies);
}

OpId LayerEmitter::cpu(Family family, Shape shape, int layer, Deps after) {
  return builder_.add({family, lane_of(family), static_cast<std::int16_t>(layer), shape}, after);
}

OpId LayerEmitter::gather_by_host(const StreamShape& shape, int layer, Deps after) {
  return builder_.add({Family::cpu_gather, lane_id(Lane::host), static_cast<std::int16_t>(layer), shape}, after);
}

OpId LayerEmitter::join(int layer, Deps after) {
  return builder_.add({Family::barrier, lane_of(Family::barrier), static_cast<std::int16_t>(layer), {}}, after);
}

OpId LayerEmitter::host(Family family, double count, int layer, Deps after) {
  return builder_.add({family, lane_of(family), static_cast<std::int16_t>(layer), HostShape{count}}, after);
}

Bytes LayerEmitter::activation_bytes(double width) const { return tokens_ * width * bytes_of(DataType::bf16); }

StreamShape LayerEmitter::elementwise(double read_width, double write_width) const {
  return {.read = activation_bytes(read_width),
          .write = activation_bytes(write_width),
          .flops = Flops(0.0),
          .items = tokens_,
          .recent = true};
}

OpId LayerEmitter::products(const std::vector<Linear>& linears, int layer, OpId after) {
  for (const Linear& linear : linears) {
    const GemmShape shape{.rows = linear.rows,
                          .n = linear.n,
                          .k = linear.k,
                          .instances = linear.instances,
                          .type = linear.type,
                          .scale_bits = linear.scale_bits};
    after = kernel(Family::gemm, shape, layer, {after});
  }
  return after;
}

OpId LayerEmitter::open_step() {
  host(Family::schedule_step, 1.0, -1, {});
  const double hidden = static_cast<double>(point_.model->hidden);
  StreamShape rows = elementwise(hidden, hidden);
  rows.recent = false;
  return kernel(Family::embed, rows, -1, {});
}

OpId LayerEmitter::normalise(int layer, OpId after) {
  const double hidden = static_cast<double>(point_.model->hidden);
  return kernel(Family::norm_rope, elementwise(2.0 * hidden, 2.0 * hidden), layer, {after});  // residual add fused
}

OpId LayerEmitter::project(int layer, OpId after) {
  const std::size_t index = static_cast<std::size_t>(layer);
  const OpId projected = products((*current_)[index].inputs, layer, after);
  const AttentionSpec& attention = point_.model->layers[index].attention;
  const double heads = static_cast<double>(attention.q_heads * attention.head_dim);
  const double cached = kv_bytes(layer, 1.0).value() / bytes_of(DataType::bf16).value();
  return kernel(Family::norm_rope, elementwise(heads + cached, heads + cached), layer, {projected});
}

OpId LayerEmitter::finish(int layer, OpId after) {
  const std::size_t index = static_cast<std::size_t>(layer);
  const OpId out = products((*current_)[index].outputs, layer, after);
  const OpId normed = normalise(layer, out);
  // The FFN's products with the activation before its last one.
  const std::vector<Linear>& linears = (*current_)[index].ffn;
  OpId done = products({linears.begin(), linears.end() - 1}, layer, normed);
  const FfnSpec& ffn = point_.model->layers[index].ffn;
  const double width =
      static_cast<double>(ffn.intermediate + ffn.shared_intermediate + ffn.experts_per_token * ffn.expert_intermediate);
  done = kernel(Family::activation, elementwise((ffn.gated ? 2.0 : 1.0) * width, width), layer, {done});
  return products({linears.end() - 1, linears.end()}, layer, done);
}

TaskGraph LayerEmitter::close_step(OpId after, double sequences) {
  const OpId normed = normalise(-1, after);
  const OpId logits = products({lm_head(*point_.model, sequences)}, -1, normed);
  const Bytes scores = sequences * static_cast<double>(point_.model->vocab) * bytes_of(DataType::bf16);
  const Bytes tokens(8.0 * sequences);
  const OpId sampled =
      kernel(Family::sample,
             StreamShape{.read = scores, .write = tokens, .flops = Flops(0.0), .items = sequences, .recent = true}, -1,
             {logits});
  const OpId token =
      copy(Family::copy_d2h, {.direction = Direction::d2h, .fragments = 1.0, .fragment = tokens}, -1, {sampled});
  return seal(host(Family::synchronize, 1.0, -1, {token}));
}

AttentionShape LayerEmitter::attention(int layer, double tokens, double longest, std::int64_t block_tokens) const {
  const AttentionSpec& spec = point_.model->layers[static_cast<std::size_t>(layer)].attention;
  AttentionShape shape{.sequences = static_cast<std::int64_t>(tokens_),
                       .kv_heads = spec.kv_heads,
                       .q_heads = spec.q_heads,
                       .head_dim = spec.head_dim,
                       .v_head_dim = spec.v_head_dim,
                       .tokens = tokens,
                       .longest = longest,
                       .block_tokens = block_tokens,
                       .type = point_.model->kv_type};
  if (spec.kind == AttentionKind::mla) {  // absorbed form: all heads read one latent per token
    shape.kv_heads = 1;
    shape.head_dim = spec.latent.kv_rank + spec.latent.rope_dim;
    shape.v_head_dim = 0;
    shape.latent_values = spec.latent.kv_rank;
  }
  if (spec.keys_are_values) shape.v_head_dim = 0;
  return shape;
}

Bytes LayerEmitter::kv_bytes(int layer, double tokens) const {
  return tokens * kv_bytes_per_token(*point_.model, point_.model->layers[static_cast<std::size_t>(layer)]);
}

OpId LayerEmitter::index_tokens(int layer, double keys, double pairs, OpId after) {
  const AttentionSpec::Indexer& indexer = point_.model->layers[static_cast<std::size_t>(layer)].attention.indexer;
  const double width = static_cast<double>(indexer.head_dim), heads = static_cast<double>(indexer.heads);
  const Bytes scores(4.0 * pairs), chosen(4.0 * tokens_ * static_cast<double>(indexer.top_k));
  after = kernel(
      Family::score_blocks,
      StreamShape{
          .read = Bytes(keys * width), .write = scores, .flops = Flops(2.0 * pairs * width * heads), .items = tokens_},
      layer, {after});
  return kernel(Family::select_top_k,
                StreamShape{.read = scores, .write = chosen, .flops = Flops(0.0), .items = tokens_, .recent = true},
                layer, {after});
}

OpId LayerEmitter::attend_resident(int layer, std::int64_t context, OpId after) {
  const LayerSpec& spec = point_.model->layers[static_cast<std::size_t>(layer)];
  if (spec.attention.kind == AttentionKind::linear) {
    const Bytes state = tokens_ * kv_bytes_per_sequence(*point_.model, spec, context);
    return kernel(Family::attend_dense,
                  StreamShape{.read = state, .write = state, .flops = Flops(0.0), .items = tokens_}, layer, {after});
  }
  std::int64_t seen = context;
  if (spec.attention.window > 0) seen = std::min(seen, spec.attention.window);
  if (spec.attention.indexer.heads > 0) {
    const double pairs = tokens_ * static_cast<double>(seen);
    after = index_tokens(layer, pairs, pairs, after);
  }
  if (spec.attention.indexer.top_k > 0) seen = std::min(seen, spec.attention.indexer.top_k);  // chosen here or before
  const double longest = static_cast<double>(seen);
  return kernel(Family::attend_dense, attention(layer, tokens_ * longest, longest, 0), layer, {after});
}

// Linear layers: every token's outer product into the state and its product with the query, 4 · heads · dk · dv FLOPs.
// Latent layers expand K and V for a prompt, instead of absorbing their projections.
OpId LayerEmitter::attend_prompt(int layer, double cached, OpId after, DataType products) {
  const AttentionSpec& spec = point_.model->layers[static_cast<std::size_t>(layer)].attention;
  if (spec.kind == AttentionKind::linear) {
    const double keys = static_cast<double>(spec.linear.key_heads * spec.linear.key_dim);
    const double values = static_cast<double>(spec.linear.value_heads * spec.linear.value_dim);
    StreamShape shape = elementwise(2.0 * keys + values, values);
    shape.flops = Flops(4.0 * tokens_ * values * static_cast<double>(spec.linear.key_dim));
    return kernel(Family::prefill_attend, shape, layer, {after});
  }
  const double seen = cached + tokens_;
  AttentionShape shape = attention(layer, tokens_, seen, 0);
  shape.sequences = 1;
  shape.products = products;
  if (spec.kind == AttentionKind::mla) {
    shape.kv_heads = spec.q_heads;
    shape.head_dim = spec.head_dim;
    shape.v_head_dim = spec.v_head_dim;
  }
  if (spec.indexer.heads > 0) after = index_tokens(layer, seen, (cached + 0.5 * tokens_) * tokens_, after);
  if (spec.window > 0) shape.longest = std::min(seen, static_cast<double>(spec.window));
  if (spec.indexer.top_k > 0) shape.longest = std::min(seen, static_cast<double>(spec.indexer.top_k));
  return kernel(Family::prefill_attend, shape, layer, {after});
}

}  // namespace outrider
