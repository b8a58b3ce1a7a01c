// Placing units on counted slots.
#include "sim/engine/pools.h"

#include <gtest/gtest.h>

namespace outrider {
namespace {

const PoolId kPool{0};

TEST(Pools, PlaceAsManyUnitsAsFit) {
  Pools pools({{"SM", 5}});
  pools.arrive(kPool, 1, 4, 2);
  EXPECT_EQ(pools.place(kPool).units, 2);  // 4 of 5 slots
  EXPECT_EQ(pools.free(kPool), 1);
  EXPECT_EQ(pools.place(kPool).units, 0);
  pools.release(kPool, 2);
  EXPECT_EQ(pools.place(kPool).units, 1);
}

TEST(Pools, NextOpIsServedOnceTheFirstIsPlacedWholly) {
  Pools pools({{"SM", 4}});
  pools.arrive(kPool, 1, 6, 1);
  pools.arrive(kPool, 2, 1, 1);
  EXPECT_EQ(pools.place(kPool).tag, 1u);
  pools.release(kPool, 4);
  const UnitGroup rest = pools.place(kPool);
  EXPECT_EQ(rest.tag, 1u);
  EXPECT_EQ(rest.units, 2);
  EXPECT_EQ(pools.place(kPool).tag, 2u);
  EXPECT_EQ(pools.place(kPool).units, 0);
}

TEST(PoolsDeathTest, MoreSlotsCannotComeBackThanThereAre) {
  Pools pools({{"SM", 4}});
  EXPECT_DEATH(pools.release(kPool, 1), "5 free slots on a pool of 4");
}

}  // namespace
}  // namespace outrider
