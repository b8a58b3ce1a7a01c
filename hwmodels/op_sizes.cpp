// The table of sizes, and the reading of them off an op.
#include "hwmodels/op_sizes.h"

#include <algorithm>
#include <limits>

#include "sim/base/check.h"

namespace outrider {
namespace {

// Rows of the table below.
enum class Sized : std::size_t {
  gemm,
  gemm_fp8,
  attend_dense,
  attend_sparse,
  score_blocks,
  build_digest,
  select_top_k,
  residency_diff,
  elementwise,
  merge_lse,
  adam,
  copy_h2d,
  copy_d2h,
  cpu_attend,
  cpu_gather,
  cpu_hash_lookup,
  cpu_attend_tokens,
  attend_quantised,
  quantise_kv,
  look_up_keys,
  map_features,
  complete,
};

// Attention is told by the KV bytes that it reads and not by its tokens, whose heads and types differ between models.
// What is an item of digests (a block, or a row of one) differs too, so bytes alone tell these.
constexpr std::array<SizedFamily, static_cast<std::size_t>(Sized::complete) + 1> kSizedFamilies = {{
    {"gemm", {"rows", "weights"}},
    {"gemm_fp8", {"rows", "weights"}},
    {"attend_dense", {"kv_bytes", "tokens_per_sequence", "heads_per_kv_head"}},
    {"attend_sparse", {"kv_bytes", "tokens_per_sequence", "heads_per_kv_head"}},
    {"score_blocks", {"bytes"}},
    {"build_digest", {"bytes"}},
    {"select_top_k", {"rows", "scores_per_row"}},
    {"residency_diff", {"rows", "ids_per_row"}},
    {"elementwise", {"bytes", "items"}},
    {"merge_lse", {"bytes", "items"}},
    {"adam", {"bytes"}},
    {"copy_h2d", {"fragment_bytes", "fragments"}},
    {"copy_d2h", {"fragment_bytes", "fragments"}},
    {"cpu_attend", {"kv_bytes", "tokens_per_sequence", "heads_per_kv_head"}},
    {"cpu_gather", {"bytes", "items"}},
    {"cpu_hash_lookup", {"tokens_per_bucket", "tokens_per_row", "rows"}},
    {"cpu_attend_tokens", {"kv_bytes", "tokens_per_sequence", "heads_per_kv_head"}},
    {"attend_quantised", {"kv_bytes", "tokens_per_sequence", "heads_per_kv_head"}},
    {"quantise_kv", {"bytes"}},
    {"look_up_keys", {"rows", "keys_per_row", "entries_per_row"}},
    {"map_features", {"bytes"}},
    {"complete", {"bytes", "items"}},
}};

OpSizes sized(Sized family, double first, double second = 0.0, double third = 0.0) {
  return {.family = static_cast<std::size_t>(family), .values = {first, second, third}};
}

// All instances together stream their weights; rows are each one's own.
std::optional<OpSizes> gemm_sizes(const GemmShape& shape) {
  const double weights = shape.instances * static_cast<double>(shape.n) * static_cast<double>(shape.k);
  return sized(shape.type == DataType::fp8 ? Sized::gemm_fp8 : Sized::gemm, shape.rows, weights);
}

std::optional<OpSizes> attention_sizes(Family family, const AttentionShape& shape) {
  const bool prompt = family == Family::prefill_attend || family == Family::attend_backward;
  if (prompt || shape.tokens <= 0.0) return std::nullopt;
  const double kv_heads = static_cast<double>(shape.kv_heads), bytes = shape.kv_bytes().value();
  const double sequences = static_cast<double>(std::max<std::int64_t>(shape.sequences, 1));
  const bool scattered = family == Family::attend_sparse || family == Family::estimate_attend;
  const Sized on_cpu = shape.block_tokens == 1 ? Sized::cpu_attend_tokens : Sized::cpu_attend;
  const Sized kind = family == Family::cpu_attend         ? on_cpu
                     : family == Family::attend_quantised ? Sized::attend_quantised
                     : scattered                          ? Sized::attend_sparse
                                                          : Sized::attend_dense;
  return sized(kind, bytes, shape.tokens / sequences, static_cast<double>(shape.q_heads) / kv_heads);
}

// Kernels that stream memory and have no samples of their own count as elementwise ones, whose coefficients they take.
std::optional<OpSizes> stream_sizes(Family family, const StreamShape& shape) {
  constexpr double kWord = 4.0;  // bytes of a score or id
  const double bytes = (shape.read + shape.write).value();
  const double rows = std::max(shape.items, 1.0), words = shape.read.value() / kWord / rows;
  switch (family) {
    case Family::score_blocks:
      return sized(Sized::score_blocks, bytes);
    case Family::build_digest:
      return sized(Sized::build_digest, bytes);
    case Family::cpu_gather:
      return sized(Sized::cpu_gather, bytes, shape.items);
    case Family::cpu_hash_lookup: {  // 8 bytes of bounds for each bucket; a count for each token of a row is written
      const double told = shape.flops.value(), buckets = (shape.read.value() - kWord * told) / (2.0 * kWord);
      if (buckets <= 0.0) return std::nullopt;
      return sized(Sized::cpu_hash_lookup, told / buckets, shape.write.value() / rows, rows);
    }
    case Family::select_top_k:
      return sized(Sized::select_top_k, rows, words);
    case Family::residency_diff:  // reads the ids wanted and those resident
      return sized(Sized::residency_diff, rows, 0.5 * words);
    case Family::merge_lse:
      return sized(Sized::merge_lse, bytes, rows);
    case Family::adam:
      return sized(Sized::adam, bytes);
    case Family::quantise_kv:
      return sized(Sized::quantise_kv, bytes);
    case Family::map_features:
      return sized(Sized::map_features, bytes);
    case Family::complete:
      return sized(Sized::complete, bytes, rows);
    default:
      break;
  }
  if (kind_of(family) != OpKind::gpu_kernel) return std::nullopt;
  return sized(Sized::elementwise, bytes, rows);
}

std::optional<OpSizes> copy_sizes(const CopyShape& shape) {
  const bool called = shape.path == CopyPath::copy_engine && shape.memory == HostMemory::pinned;
  if (!called || shape.total() <= Bytes(0.0)) return std::nullopt;
  const Sized family = shape.direction == Direction::h2d ? Sized::copy_h2d : Sized::copy_d2h;
  return sized(family, shape.fragment.value(), shape.fragments);
}

}  // namespace

std::optional<std::size_t> SizedFamily::size_named(std::string_view size) const {
  const auto found = std::find(sizes.begin(), sizes.end(), size);
  if (size.empty() || found == sizes.end()) return std::nullopt;
  return static_cast<std::size_t>(found - sizes.begin());
}

std::span<const SizedFamily> sized_families() { return kSizedFamilies; }

std::optional<std::size_t> sized_family_named(std::string_view name) {
  const auto found = std::find_if(kSizedFamilies.begin(), kSizedFamilies.end(),
                                  [&](const SizedFamily& each) { return each.name == name; });
  if (found == kSizedFamilies.end()) return std::nullopt;
  return static_cast<std::size_t>(found - kSizedFamilies.begin());
}

std::optional<OpSizes> sizes_of(const Op& op) {
  if (const auto* shape = std::get_if<GemmShape>(&op.shape)) return gemm_sizes(*shape);
  if (const auto* shape = std::get_if<AttentionShape>(&op.shape)) return attention_sizes(op.family, *shape);
  if (const auto* shape = std::get_if<StreamShape>(&op.shape)) return stream_sizes(op.family, *shape);
  if (const auto* shape = std::get_if<CopyShape>(&op.shape)) return copy_sizes(*shape);
  if (const auto* shape = std::get_if<LookupShape>(&op.shape))
    return sized(Sized::look_up_keys, shape->rows, shape->keys, shape->lists() * shape->length);
  return std::nullopt;
}

SampledRanges::SampledRanges(const Profile& profile) {
  constexpr Range kUnbounded{.low = 0.0, .high = std::numeric_limits<double>::infinity()};
  ranges_.assign(kSizedFamilies.size(), {kUnbounded, kUnbounded, kUnbounded});
  if (!profile.fit) return;
  for (const SizeRange& each : profile.fit->ranges) {
    const std::optional<std::size_t> family = sized_family_named(each.family);
    CHECK(family.has_value(), "profile {} has a range of family '{}'", profile.name, each.family);
    const std::optional<std::size_t> size = kSizedFamilies[*family].size_named(each.size);
    CHECK(size.has_value(), "profile {} has a range of {} '{}'", profile.name, each.family, each.size);
    ranges_[*family][*size] = {.low = each.low, .high = each.high};
    empty_ = false;
  }
}

bool SampledRanges::outside(std::size_t family, std::size_t size, double value) const {
  const Range& within = ranges_[family][size];
  return value * kRangeTolerance < within.low || value > within.high * kRangeTolerance;
}

bool SampledRanges::outside(const OpSizes& sizes) const {
  for (std::size_t size = 0; size < kMostSizes; ++size) {
    if (outside(sizes.family, size, sizes.values[size])) return true;
  }
  return false;
}

}  // namespace outrider
