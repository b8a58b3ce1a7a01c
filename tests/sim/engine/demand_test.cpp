// Building demands and their isolated durations, which the backend must reproduce to the picosecond.
#include "sim/engine/demand.h"

#include <gtest/gtest.h>

#include "tests/support/steps.h"

namespace outrider {
namespace {

TEST(Demand, SumsUsesOfOneResourceAndLeavesOutZeros) {
  Demand demand;
  demand.use(ResourceId(3), 1.5);
  demand.use(ResourceId(1), 0.0);
  demand.use(ResourceId(3), 2.0);
  ASSERT_EQ(demand.used().size(), 1u);
  EXPECT_EQ(demand.used()[0].amount, 3.5);
}

TEST(DemandDeathTest, OneResourceTooManyIsABug) {
  Demand demand;
  for (std::size_t i = 0; i < Demand::kMaxUses; ++i) demand.use(ResourceId(i), 1.0);
  EXPECT_DEATH(demand.use(ResourceId(99), 1.0), "uses more than .* resources");
}

TEST(IsolatedDuration, IsTheLatencyWithoutUnits) {
  EXPECT_EQ(isolated_duration(latency_only(microseconds(4)), make_platform({})), microseconds(4));
  EXPECT_EQ(isolated_duration({}, make_platform({})), Duration());
}

TEST(IsolatedDuration, CountsWavesAndThePartialLastOne) {
  // HBM 8 B/µs, units of 8 B: 4 at once take 4 µs, the last 2 take 2 µs; 3 units of 2 slots on 5: 2 at once, then 1.
  const Platform platform = make_platform({{"HBM", 8.0}}, {{"SM", 4}, {"odd", 5}});
  const Demand demand = with_latency(in_pool(unit_work(10, 2.0, {{0, 8.0}}), 0), microseconds(1));
  EXPECT_NEAR(static_cast<double>(isolated_duration(demand, platform).ps()), 11e6, 3.0);
  EXPECT_NEAR(static_cast<double>(isolated_duration(in_pool(unit_work(3, 7.0), 1, 2), platform).ps()), 14e6, 2.0);
}

TEST(IsolatedDuration, IsLimitedByTheScarcestResource) {
  // 6 B at 2 B/µs take 3 µs, 10 B at 5 B/µs take 2 µs, the cap allows 1 µs.
  const Platform platform = make_platform({{"a", 2.0}, {"b", 5.0}});
  EXPECT_NEAR(static_cast<double>(isolated_duration(unit_work(1, 1.0, {{0, 6.0}, {1, 10.0}}), platform).ps()), 3e6,
              1.0);
}

TEST(IsolatedDuration, OfUnitsWithoutAPoolIsOneWave) {
  EXPECT_NEAR(static_cast<double>(isolated_duration(unit_work(1000, 5.0), make_platform({})).ps()), 5e6, 1.0);
}

}  // namespace
}  // namespace outrider
