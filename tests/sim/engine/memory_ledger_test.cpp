// Totals, peaks and the message of a tier that is too small.
#include "sim/engine/memory_ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace outrider {
namespace {

TEST(MemoryLedger, NamesTheLargestConsumersOfATierThatIsTooSmall) {
  MemoryLedger ledger;
  const TierId hbm = ledger.add_tier("HBM", Bytes(80e9));
  const TierId dram = ledger.add_tier("DRAM", Bytes(512e9));
  ledger.add(hbm, "weights", Bytes(29.5e9));
  ledger.add(hbm, "KV cache", Bytes(60e9));
  ledger.add(hbm, "KV cache", Bytes(1.8e9));
  ledger.add(dram, "KV cache", Bytes(512e9));
  const std::vector<Overcommit> over = ledger.overcommitted();
  ASSERT_EQ(over.size(), 1u);
  EXPECT_EQ(over[0].message, "HBM: needs 91.3 GB, has 80.0 GB; largest: KV cache 61.8 GB, weights 29.5 GB");
  EXPECT_EQ(over[0].largest[0].what, "KV cache");
  EXPECT_EQ(ledger.free(dram), Bytes());
}

TEST(MemoryLedger, OneByteTooManyIsTooMany) {
  MemoryLedger ledger;
  const TierId tier = ledger.add_tier("pinned pool", Bytes(4096.0));
  ledger.add(tier, "staging", Bytes(4096.0));
  EXPECT_TRUE(ledger.overcommitted().empty());
  ledger.add(tier, "one more", Bytes(1.0));
  ASSERT_EQ(ledger.overcommitted().size(), 1u);
  EXPECT_EQ(ledger.overcommitted()[0].message,
            "pinned pool: needs 4.1 kB, has 4.1 kB; largest: staging 4.1 kB, one more 1 B");
}

TEST(MemoryLedger, JudgesByThePeakAndWhatWasThereThen) {
  // 60 + 30 = 90 at the peak, 40 after the activations are gone.
  MemoryLedger ledger;
  const TierId tier = ledger.add_tier("HBM", Bytes(80.0));
  ledger.add(tier, "activations", Bytes(60.0));
  ledger.add(tier, "KV cache", Bytes(30.0));
  ledger.remove(tier, "activations", Bytes(60.0));
  ledger.add(tier, "KV cache", Bytes(10.0));
  EXPECT_EQ(ledger.total(tier), Bytes(40.0));
  EXPECT_EQ(ledger.peak(tier), Bytes(90.0));
  EXPECT_EQ(ledger.overcommitted()[0].largest[0].what, "activations");
}

TEST(MemoryLedger, NamesFourConsumersAtMostInOrderOfSize) {
  MemoryLedger ledger;
  const TierId tier = ledger.add_tier("HBM", Bytes(1.0));
  for (const char* what : {"a", "b", "c", "d", "e"}) ledger.add(tier, what, Bytes(10.0));
  ledger.add(tier, "e", Bytes(1.0));
  const Overcommit over = ledger.overcommitted()[0];
  EXPECT_THAT(over.message, testing::EndsWith("largest: e 11 B, a 10 B, b 10 B, c 10 B"));
  EXPECT_EQ(over.largest.size(), 5u);
}

TEST(MemoryLedger, SamplesTotalsOverTime) {
  MemoryLedger ledger;
  const TierId tier = ledger.add_tier("DRAM", Bytes(100.0));
  ledger.add(tier, "KV cache", Bytes(10.0), Instant::from_ps(1));
  ledger.add(tier, "index", Bytes(5.0), Instant::from_ps(2));
  ledger.remove(tier, "KV cache", Bytes(10.0), Instant::from_ps(2));
  ASSERT_EQ(ledger.samples().size(), 3u);
  EXPECT_EQ(ledger.samples()[1].total, Bytes(15.0));
  EXPECT_EQ(ledger.samples()[2].total, Bytes(5.0));
}

TEST(MemoryLedgerDeathTest, NobodyGivesBackMoreThanItHolds) {
  MemoryLedger ledger;
  const TierId tier = ledger.add_tier("HBM", Bytes(100.0));
  ledger.add(tier, "weights", Bytes(10.0));
  EXPECT_DEATH(ledger.remove(tier, "weights", Bytes(11.0)), "gives back 11 of the 10 bytes");
}

}  // namespace
}  // namespace outrider
