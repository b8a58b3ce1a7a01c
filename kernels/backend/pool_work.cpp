// Binding of CPU ops, and their parallel loops.
#include "kernels/backend/pool_work.h"

#include <algorithm>
#include <cmath>

#include "kernels/cpu/bf16.h"
#include "sim/base/check.h"
#include "sim/base/random.h"

namespace outrider {
namespace {

constexpr std::uint32_t kNoRank = 0xffffffffu;
constexpr std::size_t kPartsPerThread = 4;

std::byte* address(const Slice& slice, const ArenaAddresses& arenas) {
  return arenas[static_cast<std::size_t>(slice.arena)] + slice.offset;
}

}  // namespace

PoolWork::PoolWork(const Schedule& schedule, const Layout& layout, const ArenaAddresses& arenas, ThreadPool& pool)
    : pool_(pool), attender_(pool), path_(best_path()), rank_(schedule.ops.size(), kNoRank) {
  std::size_t queries = 0, rows = 0;
  for (OpIndex index = 0; index < schedule.ops.size(); ++index) {
    const Op& op = *schedule.ops[index].op;
    if (op.family != Family::cpu_attend) continue;
    const auto& shape = std::get<AttentionShape>(op.shape);
    const auto rows_of = static_cast<std::size_t>(shape.sequences * shape.q_heads);
    rows = std::max(rows, rows_of);
    queries = std::max(queries, rows_of * static_cast<std::size_t>(shape.head_dim));
  }
  RandomStream random(1);
  for (std::size_t i = 0; i < queries; ++i) queries_.push_back(static_cast<float>(random.normal()));
  output_.resize(queries);
  lse_.resize(rows);
  for (OpIndex index = 0; index < schedule.ops.size(); ++index) {
    const Op& op = *schedule.ops[index].op;
    if (kind_of(op.family) != OpKind::cpu_kernel) continue;
    const OpSlices& slices = layout.ops[index];
    rank_[index] = static_cast<std::uint32_t>(bound_.size());
    if (op.family == Family::cpu_hash_lookup) {
      bound_.push_back(bind_lookup(hash_shape_of(std::get<StreamShape>(op.shape)), index));
      continue;
    }
    std::byte* const from = address(slices.reads.front(), arenas);
    bound_.push_back(op.family == Family::cpu_attend
                         ? bind_attention(std::get<AttentionShape>(op.shape), from)
                         : bind_gather(std::get<StreamShape>(op.shape), from, address(slices.writes.front(), arenas)));
  }
}

const PoolWork::Heads& PoolWork::heads_for(const AttentionShape& shape) {
  const std::vector<std::int64_t> tokens = tokens_by_sequence(shape);
  const HeadsKey key{static_cast<std::int64_t>(tokens.size()), shape.kv_heads, std::llround(shape.tokens),
                     std::llround(shape.longest), shape.block_tokens > 0 ? host_block_tokens(shape) : 0};
  const auto [row, made] = heads_.try_emplace(key);
  Heads& heads = row->second;
  if (!made) return heads;
  const std::int64_t each_block = host_block_tokens(shape);
  std::int64_t blocks = 0;
  for (const std::int64_t each : tokens) blocks += (each + each_block - 1) / each_block;
  for (std::int64_t head = 0; head < shape.kv_heads; ++head) {
    for (std::int64_t block = 0; block < blocks; ++block) {
      const std::int64_t place = shape.block_tokens > 0 ? scattered(block, blocks) : block;
      heads.blocks.push_back(static_cast<std::int32_t>(place * shape.kv_heads + head));
    }
  }
  std::size_t first = 0;
  for (const std::int64_t each : tokens) {
    const auto count = static_cast<std::size_t>((each + each_block - 1) / each_block);
    for (std::int64_t head = 0; head < shape.kv_heads; ++head) {
      const std::size_t at = static_cast<std::size_t>(head * blocks) + first;
      heads.heads.push_back({std::span(heads.blocks).subspan(at, count), each});
    }
    first += count;
  }
  return heads;
}

PoolWork::Bound PoolWork::bind_attention(const AttentionShape& shape, std::byte* cache) {
  const Heads& heads = heads_for(shape);
  Bound bound;
  bound.attention.kv = {.data = reinterpret_cast<const Bf16*>(cache),
                        .stride = 2 * host_block_tokens(shape) * shape.head_dim,
                        .block_tokens = host_block_tokens(shape),
                        .head_dim = shape.head_dim};
  bound.attention.heads = heads.heads;
  bound.attention.group = shape.q_heads / shape.kv_heads;
  bound.attention.queries = queries_.data();
  bound.attention.scale = 1.0f / std::sqrt(static_cast<float>(shape.head_dim));
  bound.attention.output = output_.data();
  bound.attention.lse = lse_.data();
  return bound;
}

const PoolWork::Fragments& PoolWork::fragments_for(std::int64_t count, std::int64_t bytes) {
  const auto [row, made] = fragments_.try_emplace({count, bytes});
  Fragments& fragments = row->second;
  for (std::int64_t i = 0; made && i < count; ++i) {
    fragments.sources.push_back(scattered(i, count) * bytes);
    fragments.slots.push_back(static_cast<std::int32_t>(i));
  }
  return fragments;
}

PoolWork::Bound PoolWork::bind_gather(const StreamShape& shape, const std::byte* from, std::byte* to) {
  const std::int64_t items = whole(shape.items);
  const std::int64_t bytes = static_cast<std::int64_t>(std::min(shape.read, shape.write).value()) / items;
  const Fragments& fragments = fragments_for(items, bytes);
  Bound bound;
  bound.gather = {.host = from,
                  .sources = fragments.sources,
                  .slots = fragments.slots,
                  .pool = to,
                  .fragment_bytes = bytes,
                  .slot_bytes = bytes};
  return bound;
}

void PoolWork::gather_in_parts(const GatherPart& part) {
  const std::size_t fragments = part.sources.size();
  const std::size_t parts = std::min(fragments, kPartsPerThread * static_cast<std::size_t>(pool_.threads()));
  pool_.parallel_for(parts, [&](std::size_t i, int) {
    const std::size_t first = i * fragments / parts;
    gather(path_, slice(part, first, (i + 1) * fragments / parts - first));
  });
}

// Each table of a head has its tokens in another order, and so other tokens in a bucket.
PoolWork::Tables& PoolWork::tables_for(const HashShape& shape) {
  const auto [row, made] = tables_.try_emplace(shape);
  Tables& tables = row->second;
  if (!made) return tables;
  const std::int64_t bytes = 4 * shape.tables * (shape.tokens + 2 * shape.buckets);
  const std::int64_t heads = std::clamp<std::int64_t>(static_cast<std::int64_t>(kBeyondCaches) / bytes, 1, shape.rows);
  RandomStream random(2);
  std::vector<std::int32_t> keys(static_cast<std::size_t>(shape.tables * shape.tokens));
  for (std::int64_t head = 0; head < heads; ++head) {
    for (std::int32_t& key : keys)
      key = static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(shape.buckets)));
    tables.of_heads.push_back(build_hash_tables(keys, shape.tables, shape.buckets));
  }
  const auto threads = static_cast<std::size_t>(pool_.threads()), tokens = static_cast<std::size_t>(shape.tokens);
  tables.counts.resize(threads * tokens);
  tables.found.resize(threads * (tokens + 1));
  return tables;
}

PoolWork::Bound PoolWork::bind_lookup(const HashShape& shape, OpIndex op) {
  Bound bound;
  bound.lookup = {.shape = shape, .tables = &tables_for(shape), .hashes = {}};
  RandomStream random = RandomStream(3).fork(static_cast<std::uint64_t>(op));
  for (std::int64_t i = 0; i < shape.rows * shape.tables; ++i)
    bound.lookup.hashes.push_back(static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(shape.buckets))));
  return bound;
}

void PoolWork::look_up(const Lookup& lookup) {
  Tables& shared = *lookup.tables;
  const auto rows = static_cast<std::size_t>(lookup.shape.rows), tables = static_cast<std::size_t>(lookup.shape.tables);
  const auto tokens = static_cast<std::size_t>(lookup.shape.tokens);
  pool_.parallel_for(rows, [&](std::size_t row, int thread) {
    const auto of = static_cast<std::size_t>(thread);
    look_up_hashes({.tables = shared.of_heads[row % shared.of_heads.size()].view(),
                    .hashes = std::span(lookup.hashes).subspan(row * tables, tables),
                    .counts = std::span(shared.counts).subspan(of * tokens, tokens),
                    .found = std::span(shared.found).subspan(of * (tokens + 1), tokens + 1)});
  });
}

void PoolWork::run(OpIndex op) {
  const Bound& bound = bound_of(op);
  if (bound.lookup.tables != nullptr) return look_up(bound.lookup);
  if (!bound.gather.sources.empty()) return gather_in_parts(bound.gather);
  attender_.attend(path_, bound.attention);
}

void PoolWork::gather_here(OpIndex op) const { gather(path_, bound_of(op).gather); }

const PoolWork::Bound& PoolWork::bound_of(OpIndex op) const {
  CHECK(rank_[op] != kNoRank, "op {} is not a CPU kernel", op);
  return bound_[rank_[op]];
}

void PoolWork::warm_up() {
  for (OpIndex op = 0; op < rank_.size(); ++op) {
    if (rank_[op] != kNoRank) run(op);
  }
}

}  // namespace outrider
