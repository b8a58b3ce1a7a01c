// FlexGen: the KV of every layer streams from DRAM into one of two buffers while the layer before computes.
#include "sim/methods/decode_method.h"
#include "sim/methods/systems.h"

namespace outrider {
namespace {

class FlexGen final : public DecodeMethod {
 public:
  explicit FlexGen(const MethodPoint& point)
      : DecodeMethod(point),
        cpu_attention_(params().flag("cpu_attention")),
        pageable_(params().text("host_memory") == "pageable"),
        fragments_(static_cast<double>(params().integer("fragments_per_layer"))) {}

  TaskGraph decode_step(std::int64_t step) override {
    emit_.begin(batch());
    OpId x = emit_.open_step();
    OpId buffer_free[2];  // the attention that last read each buffer
    std::size_t turn = 0;
    for (int layer = 0; layer < layers(); ++layer) {
      OpId loaded;
      if (emit_.offloads(layer) && !cpu_attention_) loaded = load_kv(layer, step, buffer_free[turn % 2]);
      const OpId q = emit_.project(layer, emit_.normalise(layer, x));
      OpId attended;
      if (!emit_.offloads(layer)) {
        attended = emit_.attend_resident(layer, point_.context + step, q);
      } else if (cpu_attention_) {
        attended = attend_on_cpu(layer, step, batch(), q);
        note_cpu_tokens(batch() * context_at(step), batch() * context_at(step));
      } else {
        attended = emit_.kernel(Family::attend_dense, dense_attention(layer, step, batch()), layer, {q, loaded});
        buffer_free[turn++ % 2] = attended;
      }
      if (emit_.offloads(layer) && !cpu_attention_) write_back(layer, q);
      x = emit_.finish(layer, attended);
    }
    note_step();
    return emit_.close_step(x, batch());
  }

 private:
  OpId load_kv(int layer, std::int64_t step, OpId buffer_free) {
    CopyShape copy = one_copy(Direction::h2d, emit_.kv_bytes(layer, batch() * context_at(step)) / fragments_);
    copy.fragments = fragments_;
    note_link(copy);
    if (!pageable_) return emit_.copy(Family::copy_h2d, copy, layer, {buffer_free});
    copy.memory = HostMemory::pageable;  // the driver stages it in the calling thread, which launches what follows anew
    const OpId copied = emit_.copy_by_calls(Family::copy_h2d, copy, layer, {buffer_free});
    emit_.host(Family::synchronize, 1.0, layer, {copied});
    emit_.new_segment();
    return copied;
  }

  std::vector<MemoryUse> cache_memory() const override {
    using Tier = MemoryUse::Tier;
    const Tier host = cpu_attention_ || pageable_ ? Tier::dram : Tier::pinned;
    std::vector<MemoryUse> uses = {{"KV cache", host, Bytes(0.0), kv_of_offloaded_layers()}};
    if (!cpu_attention_ && !emit_.offloaded_layers().empty()) {
      const Bytes layer =
          emit_.kv_bytes(emit_.offloaded_layers().front(), static_cast<double>(point_.context + point_.steps));
      uses.push_back({"KV double buffer", Tier::hbm, Bytes(0.0), 2.0 * layer});
    }
    return uses;
  }

  bool cpu_attention_, pageable_;
  double fragments_;
};

}  // namespace

MethodEntry flexgen() {
  return {{.name = "flexgen",
           .summary = "layer-wise KV streaming from DRAM with double buffering; optional CPU attention",
           .source = "FlexGen, ICML 2023",
           .params = with_common(
               {{"cpu_attention", false, "attend on the CPU instead of streaming the KV", "P", {}, {}, {}},
                {"host_memory",
                 std::string("pinned"),
                 "memory that the KV streams from",
                 "P",
                 {},
                 {},
                 {"pinned", "pageable"}},
                {"fragments_per_layer", std::int64_t{2}, "contiguous copies per layer (K and V)", "I", 1.0, 1e6, {}}},
               "graph"),
           .presets = {{"default", "KV streams to the GPU", {}},
                       {"cpu", "attention on the CPU", {{"cpu_attention", true}}}}},
          [](const MethodPoint& point) -> std::unique_ptr<Method> { return std::make_unique<FlexGen>(point); }};
}

}  // namespace outrider
