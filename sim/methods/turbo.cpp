// TurboAttention: KV as codes of few bits, attended without making 16 bits of it again. Some KV heads are stored in 4
// bits, the others in 2; new tokens wait in 8 bits until a buffer of them is full. In every layer:
//   1. K and V of the new token → 8 bits, into the buffer    2. a full buffer → codes
//   3. attention over the codes and the buffer, the heads of each width in a kernel
// A prompt is attended with products of INT8, and then coded. All of it stays on the GPU: what it gains beside the
// attention's time is a larger batch.
// Otherwise than there: a kernel for each width, one behind the other; the exponential costs what it costs elsewhere.
#include <array>

#include "sim/methods/decode_method.h"
#include "sim/methods/systems.h"

namespace outrider {
namespace {

constexpr double kBufferBits = 8.0;

class Turbo final : public DecodeMethod {
 public:
  explicit Turbo(const MethodPoint& point)
      : DecodeMethod(point),
        scale_bits_(8.0 * params().number("scale_bytes") / static_cast<double>(params().integer("scale_channels"))),
        buffer_(params().integer("buffer_tokens")) {}

  TaskGraph decode_step(std::int64_t step) override {
    emit_.begin(batch());
    OpId x = emit_.open_step();
    for (int layer = 0; layer < layers(); ++layer) {
      const OpId q = emit_.project(layer, emit_.normalise(layer, x));
      const bool codes = emit_.offloads(layer);
      x = emit_.finish(layer, codes ? attend(layer, step, q) : emit_.attend_resident(layer, point_.context + step, q));
    }
    note_step();
    return emit_.close_step(x, batch());
  }

 private:
  bool offloads() const override { return false; }
  DataType prompt_products() const override { return DataType::int8; }

  // Heads of one width.
  struct Width {
    std::int64_t heads = 0;
    double bits = 0.0;
  };
  std::array<Width, 2> widths(const AttentionShape& all) const {
    const auto low = static_cast<std::int64_t>(params().number("low_share") * static_cast<double>(all.kv_heads));
    return {{{all.kv_heads - low, static_cast<double>(params().integer("high_bits"))},
             {low, static_cast<double>(params().integer("low_bits"))}}};
  }
  // Of a stored number, where so many of `tokens` tokens are in the buffer.
  double mean_bits(double bits, double buffered, double tokens) const {
    return bits + scale_bits_ + (kBufferBits - bits) * buffered / tokens;
  }
  // Codes of so many tokens of a layer, `buffered` of them in the buffer.
  Bytes coded(int layer, double tokens, double buffered) const {
    AttentionShape shape = emit_.attention(layer, tokens, tokens, 0);
    Bytes sum;
    for (const Width& width : widths(shape)) {
      shape.kv_heads = width.heads;
      shape.kv_bits = mean_bits(width.bits, buffered, tokens);
      sum += shape.kv_bytes();
    }
    return sum;
  }

  OpId attend(int layer, std::int64_t step, OpId after) {
    const std::int64_t held = point_.context + step, buffered = held % buffer_;
    const double each = batch(), full = batch() * static_cast<double>(buffer_);
    after = quantise(layer, each, emit_.kv_bytes(layer, each), coded(layer, each, each), after);
    if (buffered + 1 == buffer_)
      after = quantise(layer, full, coded(layer, full, full), coded(layer, full, 0.0), after);
    const AttentionShape all = emit_.attention(layer, batch() * context_at(step), context_at(step), 0);
    for (const Width& width : widths(all)) {
      if (width.heads == 0) continue;
      AttentionShape part = all;
      part.q_heads = all.q_heads / all.kv_heads * width.heads;
      part.kv_heads = width.heads;
      part.kv_bits = mean_bits(width.bits, static_cast<double>(buffered), context_at(step));
      after = emit_.kernel(Family::attend_quantised, part, layer, {after});
    }
    return after;
  }

  // An operation for each number of so many tokens, whose rows are a head's K or V.
  OpId quantise(int layer, double tokens, Bytes from, Bytes to, OpId after) {
    const AttentionShape all = emit_.attention(layer, tokens, tokens, 0);
    const StreamShape shape{.read = from,
                            .write = to,
                            .flops = Flops(all.kv_numbers()),
                            .items = all.kv_numbers() / static_cast<double>(all.head_dim)};
    return emit_.kernel(Family::quantise_kv, shape, layer, {after});
  }

  void index_prefilled(int layer, OpId after) override {
    if (!emit_.offloads(layer)) return;
    const double prompt = context_at(0);
    quantise(layer, prompt, emit_.kv_bytes(layer, prompt),
             coded(layer, prompt, static_cast<double>(point_.context % buffer_)), after);
  }

  std::vector<MemoryUse> cache_memory() const override {
    using Tier = MemoryUse::Tier;
    Bytes codes, buffers;
    const double last = context_at(point_.steps), full = static_cast<double>(buffer_);
    for (const int layer : emit_.offloaded_layers()) {
      codes += coded(layer, last, 0.0);
      buffers += coded(layer, full, full);
    }
    const Bytes others = kv_of_all_layers() - kv_of_offloaded_layers();
    std::vector<MemoryUse> uses = {{"KV codes", Tier::hbm, Bytes(0.0), codes},
                                   {"buffer of new tokens", Tier::hbm, Bytes(0.0), buffers}};
    if (others > Bytes(0.0)) uses.push_back({"caches of other layers", Tier::hbm, Bytes(0.0), others});
    return uses;
  }

  double scale_bits_;  // of a number
  std::int64_t buffer_;
};

}  // namespace

MethodEntry turbo() {
  return {
      {.name = "turbo",
       .summary = "KV in 4 and 2 bits by head, attended as codes, on the GPU; the batch is what fits",
       .source = "TurboAttention, arXiv 2412.08585",
       .params = with_common(
           {{"high_bits", std::int64_t{4}, "bits of a code, of one part of the heads", "P", 2.0, 8.0, {}},
            {"low_bits", std::int64_t{2}, "the same of the other part", "P", 2.0, 8.0, {}},
            {"low_share", 0.5, "that part, of the KV heads", "P", 0.0, 1.0, {}},
            {"scale_channels", std::int64_t{64}, "channels that share a scale and zero point", "I", 1.0, 1024.0, {}},
            {"scale_bytes", 4.0, "bytes of these", "I", 0.0, 8.0, {}},
            {"buffer_tokens", std::int64_t{64}, "new tokens in 8 bits before they are coded", "P", 1.0, 65536.0, {}}},
           "graph"),
       .presets = {{"paper", "half of the heads in 4 bits, half in 2", {}},
                   {"int4", "all heads in 4 bits", {{"low_share", 0.0}}}}},
      [](const MethodPoint& point) -> std::unique_ptr<Method> { return std::make_unique<Turbo>(point); }};
}

}  // namespace outrider
