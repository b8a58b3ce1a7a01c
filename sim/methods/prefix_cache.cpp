// Prefix caches (vLLM's offloading connector, LMCache, SGLang's HiCache): the KV of prompts seen before is kept in
// DRAM, and a prompt that begins like one of them takes it from there instead of computing it. That shows in the time
// to the first token; decoding is full_kv's.
//   layer-wise: the prefix's KV of a layer is copied while the layers before compute the rest of the prompt
//   otherwise:  all of it is there before the first layer begins, in blocks of all layers
// What is computed is not written to DRAM, and who finds what is given as a share: no request arrives.
#include <algorithm>
#include <cmath>

#include "sim/methods/decode_method.h"
#include "sim/methods/sparse_method.h"
#include "sim/methods/systems.h"
#include "sim/spec/model_math.h"

namespace outrider {
namespace {

class PrefixCache final : public DecodeMethod {
 public:
  explicit PrefixCache(const MethodPoint& point)
      : DecodeMethod(point),
        recalled_(params().flag("recall")),
        layer_wise_(params().flag("layer_wise")),
        block_tokens_(params().integer("block_tokens")),
        path_(block_path_named(params().text("block_copies"))) {}

  TaskGraph decode_step(std::int64_t step) override { return step_in_hbm(step); }

  TaskGraph prefill() override {
    const double cached = recalled_ ? static_cast<double>(cached_tokens()) : 0.0;
    emit_.begin(static_cast<double>(point_.context) - cached);
    OpId x = emit_.open_step();
    if (cached > 0.0 && !layer_wise_) x = emit_.join(-1, {x, recall(-1, kv_of_prefix())});
    for (int layer = 0; layer < layers(); ++layer) {
      OpId there;
      if (cached > 0.0 && layer_wise_) there = recall(layer, kv_of_prefix(layer));
      const OpId q = emit_.project(layer, emit_.normalise(layer, x));
      x = emit_.finish(layer, emit_.attend_prompt(layer, cached, there.valid() ? emit_.join(layer, {q, there}) : q));
    }
    return emit_.close_step(x, 1.0);
  }

 private:
  // Whole blocks; the prompt's last token is computed always.
  std::int64_t cached_tokens() const {
    const double share = params().number("cached_share");
    const auto tokens = static_cast<std::int64_t>(share * static_cast<double>(point_.context));
    return std::min(tokens, point_.context - 1) / block_tokens_ * block_tokens_;
  }
  Bytes kv_of_prefix(int layer) const {
    return kv_bytes_per_sequence(model(), model().layers[static_cast<std::size_t>(layer)], cached_tokens());
  }
  Bytes kv_of_prefix() const {
    Bytes sum;
    for (int layer = 0; layer < layers(); ++layer) sum += kv_of_prefix(layer);
    return sum;
  }

  // Block by block.
  OpId recall(int layer, Bytes bytes) {
    const auto blocks = static_cast<double>(cached_tokens() / block_tokens_);
    const CopyShape copies{.direction = Direction::h2d, .path = path_, .fragments = blocks, .fragment = bytes / blocks};
    if (path_ == CopyPath::sm_zero_copy) return emit_.gather_by_kernel(copies, layer, {});
    return emit_.copy(Family::copy_h2d, copies, layer, {});
  }

  bool offloads() const override { return false; }
  std::vector<MemoryUse> cache_memory() const override {
    using Tier = MemoryUse::Tier;
    std::vector<MemoryUse> uses = {{"KV cache", Tier::hbm, Bytes(0.0), kv_of_all_layers()}};
    if (recalled_) uses.push_back({"KV of prefixes", Tier::pinned, Bytes(0.0), kv_of_prefix()});
    return uses;
  }

  bool recalled_, layer_wise_;
  std::int64_t block_tokens_;
  CopyPath path_;
};

}  // namespace

MethodEntry prefix_cache() {
  const std::string kernel = "zero_copy";
  ParamSpec copies = block_copies_param();
  copies.meaning = "how blocks of the prefix come to the GPU: a call each, one batched call, or a kernel";
  return {{.name = "prefix_cache",
           .summary = "full_kv whose prompts find their prefix's KV in DRAM: recalled, or recomputed",
           .source = "vLLM's KV offloading connector (2026-01), LMCache, SGLang HiCache",
           .params = with_common(
               {copies,
                {"cached_share", 1.0, "tokens of a prompt whose KV is in DRAM, in whole blocks", "I", 0.0, 1.0, {}},
                {"recall", true, "copied from DRAM, or else computed anew", "P", {}, {}, {}},
                {"layer_wise", false, "a layer's KV is needed by that layer, or all by the first", "P", {}, {}, {}},
                {"block_tokens", std::int64_t{16}, "tokens of a contiguous block", "P", 1.0, 4096.0, {}}},
               "graph"),
           .presets = {{"vllm", "blocks of 16 tokens of all layers, 0.5 to 2 MB each, before the first layer", {}},
                       {"hicache",
                        "pages of 64 tokens of a layer, read by a kernel while the layers before compute",
                        {{"layer_wise", true}, {"block_tokens", std::int64_t{64}}, {"block_copies", kernel}}},
                       {"lmcache", "chunks of 256 tokens of all layers", {{"block_tokens", std::int64_t{256}}}},
                       {"recompute", "nothing is taken from DRAM", {{"recall", false}}}}},
          [](const MethodPoint& point) -> std::unique_ptr<Method> { return std::make_unique<PrefixCache>(point); }};
}

}  // namespace outrider
