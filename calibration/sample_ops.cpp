// Families as operations.
#include "calibration/sample_ops.h"

namespace outrider {
namespace {

AttentionShape attention_of(const SampleShape& shape) {
  const auto whole = [&](const char* name) { return static_cast<std::int64_t>(shape.at(name)); };
  const double tokens = shape.at("tokens");
  return {.sequences = whole("sequences"),
          .kv_heads = whole("kv_heads"),
          .q_heads = whole("q_heads"),
          .head_dim = whole("head_dim"),
          .v_head_dim = whole("head_dim"),
          .latent_values = 0,
          .tokens = tokens,
          .longest = tokens / shape.at("sequences"),
          .block_tokens = whole("block_tokens"),
          .type = DataType::bf16};
}

Op op_with(Family family, Shape shape) {
  Op op;
  op.family = family;
  op.shape = shape;
  return op;
}

}  // namespace

std::optional<Op> op_of(const Sample& sample) {
  const SampleShape& shape = sample.shape;
  if (sample.family == "fork_join") return op_with(Family::cpu_attend, AttentionShape{});
  if (sample.family == "cpu_attend") return op_with(Family::cpu_attend, attention_of(shape));
  if (sample.family == "attend_dense") return op_with(Family::attend_dense, attention_of(shape));
  if (sample.family == "attend_sparse") return op_with(Family::attend_sparse, attention_of(shape));
  if (sample.family == "gemm") {
    return op_with(Family::gemm, GemmShape{.rows = shape.at("rows"),
                                           .n = static_cast<std::int64_t>(shape.at("n")),
                                           .k = static_cast<std::int64_t>(shape.at("k"))});
  }
  if (sample.family == "copy_h2d" || sample.family == "copy_d2h") {
    const bool up = sample.family == "copy_h2d";
    return op_with(up ? Family::copy_h2d : Family::copy_d2h,
                   CopyShape{.direction = up ? Direction::h2d : Direction::d2h,
                             .path = CopyPath::copy_engine,
                             .memory = HostMemory::pinned,
                             .fragments = shape.at("count"),
                             .fragment = Bytes(shape.at("fragment"))});
  }
  if (sample.family == "elementwise") {
    return op_with(Family::norm_rope, StreamShape{.read = Bytes(shape.at("read")),
                                                  .write = Bytes(shape.at("write")),
                                                  .flops = Flops(0.0),
                                                  .items = shape.at("rows"),
                                                  .recent = true});
  }
  return std::nullopt;
}

MachineSpec machine_of(const Sample& sample, const MachineSpec& machine) {
  MachineSpec used = machine;
  // The models keep a core for the host thread; here the caller works too.
  if (sample.shape.has("threads")) used.cpu.cores = static_cast<std::int64_t>(sample.shape.at("threads")) + 1;
  return used;
}

}  // namespace outrider
