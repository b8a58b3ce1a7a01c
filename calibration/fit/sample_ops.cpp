// Families as operations.
#include "calibration/fit/sample_ops.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "hwmodels/op_sizes.h"

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
          .block_tokens = shape.has("block_tokens") ? whole("block_tokens") : 0,
          .type = DataType::bf16};
}

Op op_with(Family family, Shape shape) {
  Op op;
  op.family = family;
  op.shape = shape;
  return op;
}

constexpr double kHalf = 2.0, kWord = 4.0;  // bytes of a bf16, of a score or id

// Digests, selection, hash tables, merging and Adam, as methods describe them.
std::optional<Op> index_op_of(const Sample& sample) {
  const SampleShape& shape = sample.shape;
  const auto stream = [](Family family, double read, double write, double items, bool recent, double flops = 0.0) {
    return op_with(
        family,
        StreamShape{
            .read = Bytes(read), .write = Bytes(write), .flops = Flops(flops), .items = items, .recent = recent});
  };
  if (sample.family == "score_blocks") {
    const double rows = shape.at("blocks") * shape.at("kv_heads"), width = shape.at("head_dim");
    return stream(Family::score_blocks, rows * 2.0 * width * kHalf, rows * kWord, rows, false,
                  4.0 * shape.at("blocks") * shape.at("q_heads") * width);
  }
  if (sample.family == "build_digest") {
    const double rows = shape.at("blocks") * shape.at("kv_heads"), width = shape.at("head_dim") * kHalf;
    return stream(Family::build_digest, rows * shape.at("block_tokens") * width, rows * 2.0 * width, rows, false);
  }
  if (sample.family == "select_top_k") {
    const double rows = shape.at("rows");
    return stream(Family::select_top_k, rows * shape.at("scores") * kWord, rows * shape.at("k") * kWord, rows, true);
  }
  if (sample.family == "residency_diff") {
    const double ids = shape.at("rows") * shape.at("selected") * kWord;
    return stream(Family::residency_diff, 2.0 * ids, ids, shape.at("rows"), true);
  }
  if (sample.family == "adam") {
    constexpr double kEachWay = 14.0;  // bytes to a weight: fp32 weight and moments, bf16 gradient in, bf16 copy out
    const double bytes = shape.at("count") * kEachWay;
    return stream(Family::adam, bytes, bytes, shape.at("count"), false);
  }
  if (sample.family == "cpu_hash_lookup") {
    const double rows = shape.at("rows"), opened = rows * shape.at("tables");
    const double told = opened * shape.at("tokens") / std::exp2(shape.at("hash_bits"));
    return stream(Family::cpu_hash_lookup, opened * 2.0 * kWord + told * kWord, rows * shape.at("tokens"), rows, false,
                  told);
  }
  if (sample.family == "merge_lse") {
    const double values = shape.at("rows") * shape.at("head_dim");
    return stream(Family::merge_lse, values * (kHalf + kWord), values * kHalf, shape.at("rows"), true);
  }
  return std::nullopt;
}

// Of a scale and zero point for 64 channels, 4 bytes, as kernels/cuda/kv_quant.h lays codes out in trials.
constexpr double kScaleBits = 32.0 / 64.0;

// Kernels of single systems.
std::optional<Op> system_op_of(const Sample& sample) {
  const SampleShape& shape = sample.shape;
  const auto stream = [](Family family, double read, double write, double flops, double items) {
    return op_with(family,
                   StreamShape{.read = Bytes(read), .write = Bytes(write), .flops = Flops(flops), .items = items});
  };
  if (sample.family == "attend_quantised") {
    AttentionShape attention = attention_of(shape);
    attention.kv_bits = shape.at("bits") + kScaleBits;
    return op_with(Family::attend_quantised, attention);
  }
  if (sample.family == "quantise") {
    const double rows = shape.at("rows"), numbers = rows * shape.at("head_dim");
    return stream(Family::quantise_kv, numbers * kHalf, numbers * (shape.at("bits") + kScaleBits) / 8.0, numbers, rows);
  }
  if (sample.family == "lookup") {
    return op_with(Family::look_up_keys, LookupShape{.rows = shape.at("rows"),
                                                     .queries = 4,
                                                     .subspaces = 8,
                                                     .clusters = 64,
                                                     .length = shape.at("list"),
                                                     .keys = shape.at("keys")});
  }
  if (sample.family == "features") {
    const double rows = shape.at("rows"), width = shape.at("head_dim"), features = shape.at("features");
    return stream(Family::map_features, rows * width * kHalf, rows * features * kWord, 2.0 * rows * width * features,
                  rows);
  }
  if (sample.family == "complete") {  // states and features in fp32, values in bf16
    const double pairs = shape.at("pairs"), width = shape.at("head_dim"), features = shape.at("features");
    const double heads = pairs * shape.at("group");
    return stream(
        Family::complete,
        pairs * (features * (width + 1.0) * kWord + shape.at("retrieved") * (features * kWord + width * kHalf)),
        heads * width * kHalf, 0.0, heads);
  }
  return std::nullopt;
}

}  // namespace

Op copy_op(Direction direction, double fragment, double fragments) {
  return op_with(direction == Direction::h2d ? Family::copy_h2d : Family::copy_d2h,
                 CopyShape{.direction = direction,
                           .path = CopyPath::copy_engine,
                           .memory = HostMemory::pinned,
                           .fragments = fragments,
                           .fragment = Bytes(fragment)});
}

std::optional<Op> op_of(const Sample& sample) {
  const SampleShape& shape = sample.shape;
  if (sample.family == "fork_join") return op_with(Family::cpu_attend, AttentionShape{});
  if (sample.family == "cpu_gather") {
    const Bytes bytes(shape.at("bytes"));
    return op_with(Family::cpu_gather,
                   StreamShape{.read = bytes, .write = bytes, .flops = Flops(0.0), .items = shape.at("count")});
  }
  if (sample.family == "cpu_attend" || sample.family == "cpu_attend_tokens")
    return op_with(Family::cpu_attend, attention_of(shape));
  if (sample.family == "attend_dense") return op_with(Family::attend_dense, attention_of(shape));
  if (sample.family == "attend_sparse") return op_with(Family::attend_sparse, attention_of(shape));
  if (sample.family == "gemm" || sample.family == "gemm_fp8") {
    return op_with(Family::gemm, GemmShape{.rows = shape.at("rows"),
                                           .n = static_cast<std::int64_t>(shape.at("n")),
                                           .k = static_cast<std::int64_t>(shape.at("k")),
                                           .type = sample.family == "gemm" ? DataType::bf16 : DataType::fp8});
  }
  if (sample.family == "copy_h2d" || sample.family == "copy_d2h") {
    return copy_op(sample.family == "copy_h2d" ? Direction::h2d : Direction::d2h, shape.at("fragment"),
                   shape.at("count"));
  }
  if (sample.family == "elementwise") {
    return op_with(Family::norm_rope, StreamShape{.read = Bytes(shape.at("read")),
                                                  .write = Bytes(shape.at("write")),
                                                  .flops = Flops(0.0),
                                                  .items = shape.at("rows"),
                                                  .recent = true});
  }
  const std::optional<Op> index = index_op_of(sample);
  return index ? index : system_op_of(sample);
}

std::vector<SizeRange> sampled_ranges(const std::vector<const Sample*>& samples) {
  std::map<std::pair<std::size_t, std::size_t>, SizeRange> ranges;  // by family and size
  for (const Sample* sample : samples) {
    const std::optional<Op> op = op_of(*sample);
    const std::optional<OpSizes> sizes = op ? sizes_of(*op) : std::nullopt;
    if (!sizes) continue;
    const SizedFamily& family = sized_families()[sizes->family];
    for (std::size_t i = 0; i < kMostSizes && !family.sizes[i].empty(); ++i) {
      const double value = sizes->values[i];
      const SizeRange first{std::string(family.name), std::string(family.sizes[i]), value, value};
      SizeRange& range = ranges.try_emplace({sizes->family, i}, first).first->second;
      range.low = std::min(range.low, value);
      range.high = std::max(range.high, value);
    }
  }
  std::vector<SizeRange> list;
  for (const auto& [key, range] : ranges) list.push_back(range);
  return list;
}

MachineSpec machine_of(const Sample& sample, const MachineSpec& machine, const Profile& profile) {
  MachineSpec used = machine;
  used.cpu.dram_measured = machine.cpu.dram_bandwidth * profile.value("cpu.dram_efficiency");
  used.cpu.measured_cores = machine.cpu.cores;
  // The models keep a core for the host thread; here the caller works too.
  if (sample.shape.has("threads")) used.cpu.cores = static_cast<std::int64_t>(sample.shape.at("threads")) + 1;
  return used;
}

}  // namespace outrider
