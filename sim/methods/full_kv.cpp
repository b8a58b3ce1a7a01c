// FullKV: everything stays on the GPU; the batch is what HBM holds.
#include "sim/methods/decode_method.h"
#include "sim/methods/systems.h"

namespace outrider {
namespace {

class FullKv final : public DecodeMethod {
 public:
  explicit FullKv(const MethodPoint& point) : DecodeMethod(point) {}

  TaskGraph decode_step(std::int64_t step) override { return step_in_hbm(step); }

 private:
  bool offloads() const override { return false; }
  std::vector<MemoryUse> cache_memory() const override {
    return {{"KV cache", MemoryUse::Tier::hbm, Bytes(0.0), kv_of_all_layers()}};
  }
};

}  // namespace

MethodEntry full_kv() {
  return {{.name = "full_kv",
           .summary = "dense attention, the whole KV cache in HBM; the batch is what fits",
           .source = "the usual serving set-up",
           .params = common_params("graph"),
           .presets = {{"default", "CUDA-graph decode", {}}}},
          [](const MethodPoint& point) -> std::unique_ptr<Method> { return std::make_unique<FullKv>(point); }};
}

}  // namespace outrider
