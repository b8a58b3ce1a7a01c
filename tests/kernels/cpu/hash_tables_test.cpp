// Tokens that are found are those that counting all their hashes finds.
#include "kernels/cpu/hash_tables.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "sim/base/random.h"

namespace outrider {
namespace {

constexpr std::uint8_t kPoison = 0xdb;

// Hashes of tokens, drawn from the first `used` of the buckets.
std::vector<std::int32_t> random_hashes(std::int64_t count, std::uint64_t used, std::uint64_t seed) {
  RandomStream random(seed);
  std::vector<std::int32_t> hashes(static_cast<std::size_t>(count));
  for (std::int32_t& each : hashes) each = static_cast<std::int32_t>(random.below(used));
  return hashes;
}

// Token by token, over all tables.
std::vector<std::int32_t> counted(const std::vector<std::int32_t>& keys, const std::vector<std::int32_t>& query) {
  const std::size_t tokens = keys.size() / query.size();
  std::vector<std::int32_t> found;
  for (std::size_t token = 0; token < tokens; ++token) {
    int shared = 0;
    for (std::size_t table = 0; table < query.size(); ++table) shared += keys[table * tokens + token] == query[table];
    if (shared >= 2) found.push_back(static_cast<std::int32_t>(token));
  }
  return found;
}

std::vector<std::int32_t> looked_up(const OwnedHashTables& tables, const std::vector<std::int32_t>& query) {
  const auto tokens = static_cast<std::size_t>(tables.tokens);
  std::vector<std::uint8_t> counts(tokens, kPoison);
  std::vector<std::int32_t> found(tokens + 1, -1);
  const std::int64_t count = look_up_hashes({tables.view(), query, counts, found});
  found.resize(static_cast<std::size_t>(count));
  std::sort(found.begin(), found.end());
  return found;
}

TEST(HashTables, FindsWhatSharesTwoBuckets) {
  std::size_t all = 0;
  for (const auto& [tables, tokens] :
       {std::pair<std::int64_t, std::int64_t>{1, 100}, {2, 1}, {3, 1000}, {17, 999}, {150, 4096}, {255, 300}}) {
    for (const std::int64_t buckets : {1, 2, 64, 1024}) {
      const auto seed = static_cast<std::uint64_t>(tables + buckets);
      const auto keys = random_hashes(tables * tokens, static_cast<std::uint64_t>(buckets), seed);
      const auto query = random_hashes(tables, static_cast<std::uint64_t>(buckets), seed + 1);
      const std::vector<std::int32_t> expected = counted(keys, query);
      EXPECT_EQ(looked_up(build_hash_tables(keys, tables, buckets), query), expected)
          << tables << " tables of " << buckets << " buckets, " << tokens << " tokens";
      all += expected.size();
    }
  }
  EXPECT_GT(all, 1000u);
}

TEST(HashTables, BucketsMayBeEmptyOrHoldAll) {
  // All tokens lie in bucket 0 of every table; a query of another bucket finds none, and one of bucket 0 finds all.
  const auto tables = build_hash_tables(std::vector<std::int32_t>(3 * 50, 0), 3, 4);
  EXPECT_EQ(looked_up(tables, {1, 2, 3}).size(), 0u);
  EXPECT_EQ(looked_up(tables, {0, 2, 3}).size(), 0u) << "one bucket is not enough";
  EXPECT_EQ(looked_up(tables, {0, 0, 3}).size(), 50u);
}

TEST(HashTables, ATableIsThePermutationThatSortsItsHashes) {
  const std::int64_t tokens = 500, buckets = 32;
  const auto hashes = random_hashes(2 * tokens, buckets, 5);
  const OwnedHashTables built = build_hash_tables(hashes, 2, buckets);
  for (std::int64_t table = 0; table < 2; ++table) {
    std::vector<std::int32_t> seen;
    for (std::int64_t bucket = 0; bucket < buckets; ++bucket) {
      const auto at = static_cast<std::size_t>(2 * (table * buckets + bucket));
      for (std::int32_t i = built.bounds[at]; i < built.bounds[at + 1]; ++i) {
        const std::int32_t token = built.ids[static_cast<std::size_t>(table * tokens + i)];
        EXPECT_EQ(hashes[static_cast<std::size_t>(table * tokens + token)], bucket);
        seen.push_back(token);
      }
    }
    std::sort(seen.begin(), seen.end());
    ASSERT_EQ(seen.size(), static_cast<std::size_t>(tokens));
    for (std::int32_t token = 0; token < tokens; ++token) EXPECT_EQ(seen[static_cast<std::size_t>(token)], token);
  }
}

// 150 tables of 10 bits: a token of unrelated hashes shares a bucket in 0.146 tables in the mean, and two or more with
// a chance of 1 − e^−0.1465 · 1.1465 = 0.97 %.
TEST(HashTables, UnrelatedTokensAreFoundAsOftenAsChanceSays) {
  const std::int64_t tables = 150, tokens = 65536, buckets = 1024;
  const OwnedHashTables built = build_hash_tables(random_hashes(tables * tokens, buckets, 7), tables, buckets);
  const double found = static_cast<double>(looked_up(built, random_hashes(tables, buckets, 8)).size());
  EXPECT_NEAR(found / static_cast<double>(tokens), 0.0097, 0.0015);
}

}  // namespace
}  // namespace outrider
