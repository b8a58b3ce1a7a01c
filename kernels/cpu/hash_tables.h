// Look-up of a query's hashes in tables of the keys' hashes: which tokens share a bucket with it often enough to be
// attended (locality-sensitive hashing, as in MagicPIG).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace outrider {

// The tables of one KV head of one sequence, in memory of others. Bucket h of table t holds the tokens
// ids[t · tokens + i], bounds[2 · (t · buckets + h)] ≤ i < bounds[2 · (t · buckets + h) + 1].
struct HashTables {
  std::span<const std::int32_t> bounds;  // [tables][buckets][2]
  std::span<const std::int32_t> ids;     // [tables][tokens], each table's a permutation of the tokens
  std::int64_t tables = 0, buckets = 0, tokens = 0;
};

inline constexpr std::int64_t kMostHashTables = 255;

// Sorts tokens by their hashes: hashes [tables][tokens], each below `buckets`. Tokens of a bucket are in order.
struct OwnedHashTables {
  std::vector<std::int32_t> bounds, ids;
  std::int64_t tables = 0, buckets = 0, tokens = 0;
  HashTables view() const { return {bounds, ids, tables, buckets, tokens}; }
};
OwnedHashTables build_hash_tables(std::span<const std::int32_t> hashes, std::int64_t tables, std::int64_t buckets);

// One query head. `counts` and `found` are of one thread at a time, and their contents are lost.
struct HashLookupPart {
  HashTables tables;
  std::span<const std::int32_t> hashes;  // [tables], of the query
  std::span<std::uint8_t> counts;        // [tokens]
  std::span<std::int32_t> found;         // [tokens + 1]
};

// Writes the tokens that share a bucket with the query in two tables or more to `found`, each once, in the order in
// which their second is met; anything behind them. Returns how many. Exact. At most kMostHashTables tables. One path
// for all processors: increments of scattered bytes have no vector form, and what takes time are the buckets' first
// lines, which are called into the cache some tables ahead.
std::int64_t look_up_hashes(const HashLookupPart& part);

}  // namespace outrider
