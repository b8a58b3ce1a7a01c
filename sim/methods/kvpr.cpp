// KVPR: KV streams from DRAM as FlexGen's does, but of a share of the tokens the layer's input comes in its place, and
// the GPU computes their K and V again while the others' are copied:
//   link  inputs of the share | K and V of the rest
//   GPU                         QKV, K and V of the share | attention …
// Both copies begin while the layer before is computed, or, in turn, once it has ended.
// An input is h elements, K and V are 2 · Hk · d: half of it with as many KV heads as query heads, and more than K and
// V with few of them, where nothing is won. KVPR finds the share that makes the longer of both parts shortest from a
// profile of the machine; a study tries shares instead, and keeps the fastest. Otherwise than there: a token is kept in
// one form only, new ones in the same proportion.
#include "sim/methods/decode_method.h"
#include "sim/methods/systems.h"
#include "sim/spec/model_math.h"

namespace outrider {
namespace {

class Kvpr final : public DecodeMethod {
 public:
  explicit Kvpr(const MethodPoint& point)
      : DecodeMethod(point), share_(params().number("recomputed_share")), layer_ahead_(params().flag("layer_ahead")) {}

  TaskGraph decode_step(std::int64_t step) override {
    emit_.begin(batch());
    OpId x = emit_.open_step();
    OpId buffer_free[2];  // the attention that last read each buffer
    std::size_t turn = 0;
    for (int layer = 0; layer < layers(); ++layer) {
      const bool offloaded = emit_.offloads(layer);
      const double tokens = batch() * context_at(step);
      const OpId free = layer_ahead_ ? buffer_free[turn % 2] : x;
      OpId inputs, loaded;
      if (offloaded && share_ > 0.0) inputs = load(layer, inputs_of(share_ * tokens), free);
      if (offloaded && share_ < 1.0) loaded = load(layer, emit_.kv_bytes(layer, (1.0 - share_) * tokens), free);
      const OpId q = emit_.project(layer, emit_.normalise(layer, x));
      OpId attended;
      if (offloaded) {
        const OpId computed = share_ > 0.0 ? recompute(layer, share_ * tokens, inputs) : OpId();
        const AttentionShape shape = dense_attention(layer, step, batch());
        attended = buffer_free[turn++ % 2] = emit_.kernel(Family::attend_dense, shape, layer, {q, loaded, computed});
        write_back(layer, q);
      } else {
        attended = emit_.attend_resident(layer, point_.context + step, q);
      }
      x = emit_.finish(layer, attended);
    }
    note_step();
    return emit_.close_step(x, batch());
  }

 private:
  Bytes inputs_of(double tokens) const {
    return tokens * static_cast<double>(model().hidden) * bytes_of(DataType::bf16);
  }

  OpId load(int layer, Bytes bytes, OpId buffer_free) {
    const CopyShape copy = one_copy(Direction::h2d, bytes);
    note_link(copy);
    return emit_.copy(Family::copy_h2d, copy, layer, {buffer_free});
  }

  OpId recompute(int layer, double tokens, OpId inputs) {
    const Linear kv = kv_projection(model(), model().layers[static_cast<std::size_t>(layer)], tokens);
    const GemmShape product{.rows = kv.rows, .n = kv.n, .k = kv.k, .type = kv.type, .scale_bits = kv.scale_bits};
    const Bytes written = emit_.kv_bytes(layer, tokens);
    const StreamShape rope{.read = written, .write = written, .flops = Flops(0.0), .items = tokens, .recent = true};
    return emit_.kernel(Family::norm_rope, rope, layer, {emit_.kernel(Family::gemm, product, layer, {inputs})});
  }

  Bytes host_kv(int layer, double tokens) const override {
    return inputs_of(share_ * tokens) + emit_.kv_bytes(layer, (1.0 - share_) * tokens);
  }

  std::vector<MemoryUse> cache_memory() const override {
    using Tier = MemoryUse::Tier;
    const std::vector<int>& offloaded = emit_.offloaded_layers();
    if (offloaded.empty()) return {};
    const double tokens = context_at(point_.steps), count = static_cast<double>(offloaded.size());
    std::vector<MemoryUse> uses = {
        {"KV cache", Tier::pinned, Bytes(0.0), (1.0 - share_) * kv_of_offloaded_layers()},
        {"KV double buffer", Tier::hbm, Bytes(0.0), 2.0 * emit_.kv_bytes(offloaded.front(), tokens)}};
    if (share_ == 0.0) return uses;
    uses.push_back({"layers' inputs", Tier::pinned, Bytes(0.0), count * inputs_of(share_ * tokens)});
    uses.push_back({"double buffer of inputs", Tier::hbm, Bytes(0.0), 2.0 * inputs_of(share_ * tokens)});
    return uses;
  }

  double share_;
  bool layer_ahead_;
};

}  // namespace

MethodEntry kvpr() {
  return {
      {.name = "kvpr",
       .summary = "a share of the KV computed again from layers' inputs while the rest is copied from DRAM",
       .source = "KVPR, ACL 2025 Findings, arXiv 2411.17089",
       .params = with_common(
           {{"recomputed_share",
             0.0,
             "tokens whose K and V the GPU computes again, of all; 0: as many as a study finds fastest, from none on",
             "P",
             0.0,
             1.0,
             {}},
            {"layer_ahead", true, "copies of a layer begin while the layer before is computed", "I", {}, {}, {}}},
           "graph"),
       .presets = {{"paper", "as many tokens recomputed as go fastest", {}},
                   {"in_turn", "the same, and copies wait for the layer before", {{"layer_ahead", false}}},
                   {"half", "half of the tokens recomputed", {{"recomputed_share", 0.5}}}}},
      [](const MethodPoint& point) -> std::unique_ptr<Method> { return std::make_unique<Kvpr>(point); },
      nullptr,
      {{"recomputed_share", {0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0}}}};
}

}  // namespace outrider
