// Bytes and counts from shapes, and the limits of the executors.
#include "kernels/backend/work.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <variant>

#include "kernels/cpu/hash_tables.h"

namespace outrider {
namespace {

constexpr std::int64_t kGpuHeadDim = 128, kMostGroup = 16;
constexpr std::size_t kWord = 16;  // bytes that a lane of a kernel moves at once
constexpr std::int64_t kMostLists = 256;

std::size_t bytes_in(Bytes bytes) { return static_cast<std::size_t>(std::llround(bytes.value())); }

Footprint product_footprint(const GemmShape& shape) {
  const Product product = product_of(shape);
  return {.reads = {{Arena::weights, product.weight_bytes()}, {Arena::activations, product.input_bytes()}},
          .writes = {{Arena::activations, product.output_bytes()}}};
}

Footprint attention_footprint(const AttentionShape& shape, bool on_cpu) {
  const std::size_t cache = cache_bytes(shape);
  if (on_cpu) return {.reads = {{Arena::host_cache, cache}}, .writes = {}};
  const std::size_t rows = static_cast<std::size_t>(shape.sequences * shape.q_heads * shape.head_dim) * 2;
  return {.reads = {{Arena::cache, cache}, {Arena::activations, rows}}, .writes = {{Arena::activations, rows}}};
}

// Centroids and partial scores; numbers of keys are in a table of their own, since only keys may stand there.
Footprint lookup_footprint(const LookupShape& shape) {
  const std::int64_t rows = whole(shape.rows), queries = rows * shape.queries * kGpuHeadDim;
  const std::int64_t lists = rows * shape.subspaces * shape.clusters;
  const std::int64_t values = lists * whole(shape.length) + rows * shape.clusters * kGpuHeadDim;
  return {.reads = {{Arena::cache, static_cast<std::size_t>(values) * 2},
                    {Arena::activations, static_cast<std::size_t>(queries) * 2}},
          .writes = {{Arena::activations, static_cast<std::size_t>(rows * whole(shape.keys)) * 4}}};
}

Footprint stream_footprint(const StreamShape& shape) {
  return {.reads = {{shape.recent ? Arena::activations : Arena::cache, bytes_in(shape.read)}},
          .writes = {{Arena::activations, bytes_in(shape.write)}}};
}

Footprint copy_footprint(const CopyShape& shape) {
  const Fragments fragments = fragments_of(shape);
  const std::size_t bytes = static_cast<std::size_t>(fragments.count) * fragments.bytes;
  const bool pinned = shape.memory == HostMemory::pinned;
  if (shape.direction == Direction::h2d)
    return {.reads = {{pinned ? Arena::host_cache : Arena::pageable, bytes}}, .writes = {{Arena::landing, bytes}}};
  // From the halves of the activations, which every kernel's writes go to.
  return {.reads = {{Arena::activations, bytes}}, .writes = {{pinned ? Arena::outbox : Arena::pageable, bytes}}};
}

std::string unsupported_lookup(const LookupShape& shape) {
  if (shape.queries * shape.subspaces > kMostLists)
    return fmt::format("look-ups in {} lists of a row", shape.queries * shape.subspaces);
  if (kGpuHeadDim % (8 * shape.subspaces) != 0) return fmt::format("look-ups in {} subspaces", shape.subspaces);
  return {};
}

std::string unsupported_attention(const AttentionShape& shape, bool on_cpu) {
  if (shape.kv_bits > 0.0 && code_bits(shape.kv_bits) == 0) return fmt::format("codes of {} bits", shape.kv_bits);
  if (shape.v_head_dim != shape.head_dim) return "attention whose V is not as wide as K, or part of it";
  if (shape.type != DataType::bf16 && shape.type != DataType::fp16)
    return fmt::format("attention over {}", to_string(shape.type));
  if (shape.kv_heads < 1 || shape.q_heads % shape.kv_heads != 0) return "attention without whole groups of heads";
  if (on_cpu) return {};
  if (shape.head_dim != kGpuHeadDim) return fmt::format("attention with heads of {} channels", shape.head_dim);
  if (shape.q_heads / shape.kv_heads > kMostGroup)
    return fmt::format("attention with {} query heads to a KV head", shape.q_heads / shape.kv_heads);
  return {};
}

std::string unsupported_lookup(const StreamShape& shape) {
  const HashShape hash = hash_shape_of(shape);
  if (hash.rows < 1 || hash.tables < 1 || hash.buckets < 1) return "a look-up in no hash table";
  if (hash.tables > kMostHashTables) return fmt::format("look-ups in {} hash tables", hash.tables);
  return {};
}

bool is_of_training(Family family) { return family >= Family::gemm_dgrad && family <= Family::cpu_adam; }

template <class Wanted>
const Wanted* shape_of(const Op& op) {
  return std::get_if<Wanted>(&op.shape);
}

}  // namespace

const char* to_string(Arena arena) {
  constexpr const char* kNames[kArenas] = {"weights",    "cache",    "activations", "landing",
                                           "host cache", "pageable", "outbox"};
  return kNames[static_cast<std::size_t>(arena)];
}

std::int64_t whole(double count) { return std::max<std::int64_t>(1, std::llround(count)); }

std::int64_t scattered(std::int64_t i, std::int64_t count) {
  const std::int64_t stride = count % 7919 != 0 ? 7919 : 7907;  // primes; a count divisible by both is beyond reach
  return i * stride % count;
}

Fragments fragments_of(const CopyShape& shape) {
  const std::size_t bytes = std::max<std::size_t>(bytes_in(shape.fragment), 1);
  return {whole(shape.fragments), (bytes + kWord - 1) / kWord * kWord};
}

Product product_of(const GemmShape& shape) {
  Product product{.rows = whole(shape.rows),
                  .n = shape.n,
                  .k = shape.k,
                  .instances = whole(shape.instances),
                  .fp8 = shape.type == DataType::fp8};
  if (product.fp8) product.rows = (product.rows + 15) / 16 * 16;
  return product;
}

HashShape hash_shape_of(const StreamShape& shape) {
  constexpr double kBoundsBytes = 8.0, kIdBytes = 4.0;
  const double told = shape.flops.value(), opened = (shape.read.value() - kIdBytes * told) / kBoundsBytes;
  const double rows = std::max(shape.items, 1.0), tokens = shape.write.value() / rows;
  return {.rows = std::llround(shape.items),
          .tables = std::llround(opened / rows),
          .buckets = told > 0.0 ? std::llround(tokens * opened / told) : 0,
          .tokens = std::llround(tokens)};
}

std::vector<std::int64_t> tokens_by_sequence(const AttentionShape& shape) {
  const std::int64_t block = std::max<std::int64_t>(shape.block_tokens, 1);
  const std::int64_t longest = std::max<std::int64_t>(std::llround(shape.longest), 1);
  std::int64_t left = std::max<std::int64_t>(std::llround(shape.tokens), longest);
  std::vector<std::int64_t> tokens;
  for (std::int64_t others = shape.sequences; others > 0 && left > 0; --others) {
    const std::int64_t even = (left + others - 1) / others;
    const std::int64_t share = tokens.empty() ? longest : std::min(longest, (even + block - 1) / block * block);
    tokens.push_back(std::min(share, left));
    left -= tokens.back();
  }
  return tokens;
}

std::int64_t pages_of(const AttentionShape& shape) {
  std::int64_t pages = 0;
  for (const std::int64_t tokens : tokens_by_sequence(shape)) pages += (tokens + kPageTokens - 1) / kPageTokens;
  return pages;
}

std::int32_t code_bits(double kv_bits) { return kv_bits >= 8.0 ? 8 : kv_bits >= 4.0 ? 4 : kv_bits >= 2.0 ? 2 : 0; }

std::size_t code_bytes(std::int64_t rows, std::int64_t head_dim, std::int32_t bits) {
  return static_cast<std::size_t>(rows * head_dim * bits / 8);
}

std::size_t scale_bytes(std::int64_t rows, std::int64_t head_dim) {
  return static_cast<std::size_t>(rows * head_dim / kScaleChannels * 4);
}

std::size_t cache_bytes(const AttentionShape& shape) {
  if (shape.kv_bits == 0.0) return static_cast<std::size_t>(pages_of(shape)) * page_bytes(shape);
  const std::int64_t rows = code_rows(shape);
  return code_bytes(rows, shape.head_dim, code_bits(shape.kv_bits)) + scale_bytes(rows, shape.head_dim);
}

std::int64_t code_rows(const AttentionShape& shape) { return pages_of(shape) * shape.kv_heads * 2 * kPageTokens; }

std::size_t page_bytes(const AttentionShape& shape) {
  return static_cast<std::size_t>(shape.kv_heads * 2 * kPageTokens * shape.head_dim) * 2;
}

Footprint footprint(const Op& op) {
  if (const auto* shape = shape_of<GemmShape>(op)) return product_footprint(*shape);
  if (const auto* shape = shape_of<CopyShape>(op)) return copy_footprint(*shape);
  if (const auto* shape = shape_of<AttentionShape>(op))
    return attention_footprint(*shape, op.family == Family::cpu_attend);
  if (const auto* shape = shape_of<LookupShape>(op)) return lookup_footprint(*shape);
  const auto* shape = shape_of<StreamShape>(op);
  if (shape == nullptr) return {};
  if (op.family == Family::cpu_hash_lookup) return {};  // tables are its executor's own
  if (op.family != Family::cpu_gather) return stream_footprint(*shape);
  return {.reads = {{Arena::host_cache, bytes_in(shape->read)}}, .writes = {{Arena::outbox, bytes_in(shape->write)}}};
}

std::string unsupported(const Op& op) {
  const OpKind kind = kind_of(op.family);
  if (kind == OpKind::host_step || kind == OpKind::barrier) return {};
  if (is_of_training(op.family)) return fmt::format("training ({})", to_string(op.family));
  if (op.family == Family::prefill_attend) return "attention of a prefill";
  if (op.family == Family::cpu_lookup) return "look-ups of residency by the CPU (lookup: gpu is executed)";
  if (const auto* shape = shape_of<AttentionShape>(op))
    return unsupported_attention(*shape, op.family == Family::cpu_attend);
  if (const auto* shape = shape_of<GemmShape>(op)) {
    const bool known = shape->type == DataType::bf16 || shape->type == DataType::fp16 || shape->type == DataType::fp8;
    return known ? "" : fmt::format("products of {}", to_string(shape->type));
  }
  if (const auto* shape = shape_of<LookupShape>(op)) return unsupported_lookup(*shape);
  const bool copies = kind == OpKind::copy;
  if (copies ? shape_of<CopyShape>(op) == nullptr : shape_of<StreamShape>(op) == nullptr)
    return fmt::format("a {} of this shape", to_string(op.family));
  if (op.family == Family::cpu_attend) return "a cpu_attend of this shape";
  if (op.family == Family::cpu_hash_lookup) return unsupported_lookup(*shape_of<StreamShape>(op));
  if (!copies) return {};
  const auto& copy = *shape_of<CopyShape>(op);
  if (copy.paced) return "copies that are issued a few fragments at a time (recall_copies: queued is executed)";
  if (copy.path == CopyPath::copy_engine || copy.memory == HostMemory::pinned) {
    const bool gathers = copy.path == CopyPath::sm_zero_copy;
    return gathers && copy.direction == Direction::d2h ? "zero copies to the host" : "";
  }
  return "batched or zero copies of pageable memory";
}

}  // namespace outrider
