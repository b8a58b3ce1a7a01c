// Buckets one after another: their bounds are prefetched two distances ahead, and their first tokens one.
#include "kernels/cpu/hash_tables.h"

#include <algorithm>
#include <cstring>

#include "sim/base/check.h"

namespace outrider {
namespace {

constexpr std::int64_t kAhead = 8;  // tables
constexpr std::int64_t kIdsOfLine = 16;

const std::int32_t* bounds_of(const HashLookupPart& part, std::int64_t table) {
  return part.tables.bounds.data() + 2 * (table * part.tables.buckets + part.hashes[static_cast<std::size_t>(table)]);
}

// The first lines of the bucket; the hardware's prefetcher sees to the others.
void call_bucket(const HashLookupPart& part, std::int64_t table) {
  constexpr std::int64_t kLines = 4;
  const std::int32_t* bounds = bounds_of(part, table);
  const std::int32_t* ids = part.tables.ids.data() + table * part.tables.tokens;
  for (std::int64_t i = bounds[0]; i < bounds[1] && i < bounds[0] + kLines * kIdsOfLine; i += kIdsOfLine)
    __builtin_prefetch(ids + i);
}

}  // namespace

OwnedHashTables build_hash_tables(std::span<const std::int32_t> hashes, std::int64_t tables, std::int64_t buckets) {
  CHECK(tables >= 1 && hashes.size() % static_cast<std::size_t>(tables) == 0, "{} hashes for {} tables", hashes.size(),
        tables);
  OwnedHashTables built{.bounds = std::vector<std::int32_t>(static_cast<std::size_t>(2 * tables * buckets)),
                        .ids = std::vector<std::int32_t>(hashes.size()),
                        .tables = tables,
                        .buckets = buckets,
                        .tokens = static_cast<std::int64_t>(hashes.size()) / tables};
  for (std::int64_t table = 0; table < tables; ++table) {
    const auto of_table =
        hashes.subspan(static_cast<std::size_t>(table * built.tokens), static_cast<std::size_t>(built.tokens));
    std::int32_t* const bounds = built.bounds.data() + 2 * table * buckets;
    std::int32_t* const ids = built.ids.data() + table * built.tokens;
    for (const std::int32_t hash : of_table) ++bounds[2 * hash + 1];
    for (std::int64_t bucket = 1; bucket < buckets; ++bucket) {
      bounds[2 * bucket] = bounds[2 * bucket - 2] + bounds[2 * bucket - 1];
    }
    for (std::int64_t bucket = 0; bucket < buckets; ++bucket) bounds[2 * bucket + 1] = bounds[2 * bucket];
    for (std::int32_t token = 0; token < built.tokens; ++token)
      ids[bounds[2 * of_table[static_cast<std::size_t>(token)] + 1]++] = token;
  }
  return built;
}

// A token's number is written to the end of what was found, and stays there if this was its second bucket.
std::int64_t look_up_hashes(const HashLookupPart& part) {
  const HashTables& tables = part.tables;
  const auto tokens = static_cast<std::size_t>(tables.tokens);
  CHECK(tables.tables >= 1 && tables.tables <= kMostHashTables, "{} hash tables", tables.tables);
  CHECK(part.hashes.size() == static_cast<std::size_t>(tables.tables), "{} hashes for {} tables", part.hashes.size(),
        tables.tables);
  CHECK(part.counts.size() >= tokens && part.found.size() > tokens, "no room for {} tokens", tokens);
  std::uint8_t* const counts = part.counts.data();
  std::memset(counts, 0, tokens);
  const std::int64_t count = tables.tables;
  for (std::int64_t table = 0; table < std::min(2 * kAhead, count); ++table) __builtin_prefetch(bounds_of(part, table));
  for (std::int64_t table = 0; table < std::min(kAhead, count); ++table) call_bucket(part, table);
  std::int32_t* end = part.found.data();
  for (std::int64_t table = 0; table < count; ++table) {
    if (table + 2 * kAhead < count) __builtin_prefetch(bounds_of(part, table + 2 * kAhead));
    if (table + kAhead < count) call_bucket(part, table + kAhead);
    const std::int32_t* const bounds = bounds_of(part, table);
    const std::int32_t* const ids = tables.ids.data() + table * tables.tokens;
    for (std::int64_t i = bounds[0]; i < bounds[1]; ++i) {
      *end = ids[i];
      end += ++counts[ids[i]] == 2 ? 1 : 0;
    }
  }
  return end - part.found.data();
}

}  // namespace outrider
