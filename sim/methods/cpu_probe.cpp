// No system but a probe of the CPU's side alone: attention over all cached KV, dealt into parallel-fors that queue in
// the pool, beside gathers by the host thread. No op is on the GPU or the link, so that any machine can execute it.
#include <cmath>

#include "sim/methods/layer_emitter.h"
#include "sim/methods/systems.h"

namespace outrider {
namespace {

class CpuProbe final : public Method {
 public:
  explicit CpuProbe(const MethodPoint& point) : point_(point), emit_(point_, LaunchMode::eager) {}

  std::vector<MemoryUse> memory() const override {
    Bytes cache;
    for (const int layer : emit_.offloaded_layers())
      cache += emit_.kv_bytes(layer, static_cast<double>(point_.context + point_.steps));
    return {{"KV cache", MemoryUse::Tier::dram, Bytes(0.0), cache}};
  }
  SelectionNeed selection_need() const override { return {}; }

  TaskGraph step(std::int64_t /*step*/) override {
    OpId done = begin();
    for (const int layer : emit_.offloaded_layers()) done = attend(layer, done);
    return emit_.seal(done);
  }
  TaskGraph prefill() override { return emit_.seal(begin()); }  // of nothing
  MethodFacts facts() const override {
    MethodFacts facts;
    facts.cpu_ratio = 1.0;
    return facts;
  }

 private:
  static constexpr std::int64_t kBlockTokens = 32;

  OpId begin() {
    emit_.begin(static_cast<double>(point_.batch));
    return emit_.host(Family::schedule_step, 1.0, -1, {});
  }

  // All parallel-fors of a layer are handed over at once; the layer is over when they and the gather are.
  OpId attend(int layer, OpId before) {
    const std::int64_t parts = point_.params->integer("parallel_fors");
    OpId attended;
    for (std::int64_t part = 0; part < parts; ++part) {
      const std::int64_t sequences = (part + 1) * point_.batch / parts - part * point_.batch / parts;
      if (sequences == 0) continue;
      const double context = static_cast<double>(point_.context);
      AttentionShape shape = emit_.attention(layer, static_cast<double>(sequences) * context, context, kBlockTokens);
      shape.sequences = sequences;
      const OpId dispatched = emit_.host(Family::dispatch_pool, 1.0, layer, {before});
      attended = emit_.cpu(Family::cpu_attend, shape, layer, {dispatched});
    }
    const double tokens = static_cast<double>(point_.batch) * point_.params->number("gathered_tokens");
    if (tokens <= 0.0) return emit_.join(layer, {attended});
    const Bytes bytes = emit_.kv_bytes(layer, tokens);
    const double blocks = std::ceil(tokens / static_cast<double>(kBlockTokens));
    return emit_.join(
        layer, {attended, emit_.gather_by_host({.read = bytes, .write = bytes, .flops = Flops(0.0), .items = blocks},
                                               layer, {before})});
  }

  MethodPoint point_;
  LayerEmitter emit_;
};

}  // namespace

MethodEntry cpu_probe() {
  return {{.name = "cpu_probe",
           .summary = "no system: CPU attention over all KV, alone or beside gathers, to check the CPU's models",
           .source = "this project",
           .params = {{"parallel_fors",
                       std::int64_t{1},
                       "into which a layer's sequences are dealt; they queue in the pool",
                       "I",
                       1.0,
                       4096.0,
                       {}},
                      {"gathered_tokens",
                       0.0,
                       "of each sequence, whose KV the host thread gathers while a layer is attended; 0: none",
                       "I",
                       0.0,
                       1e7,
                       {}}},
           .presets = {{"default", "attention alone, one parallel-for a layer", {}}},
           .probe = true},
          [](const MethodPoint& point) -> std::unique_ptr<Method> { return std::make_unique<CpuProbe>(point); }};
}

}  // namespace outrider
