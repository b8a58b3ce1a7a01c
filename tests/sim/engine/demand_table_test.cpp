// Interning of demands: equal ones share an entry, different ones never do.
#include "sim/engine/demand_table.h"

#include <gtest/gtest.h>

#include "tests/support/random_steps.h"
#include "tests/support/steps.h"

namespace outrider {
namespace {

TEST(DemandTable, FindsEqualDemandsAmongThousands) {
  RandomStream random(5);
  const Platform platform = random_platform(random);
  FlowNetwork network({1.0, 1.0, 1.0});
  DemandTable table(platform, network);
  std::vector<Demand> demands;
  for (int i = 0; i < 3000; ++i) {
    Demand demand = random_demand(random, Waves::many);
    demand.latency = Duration::from_ps(i);
    demands.push_back(demand);
  }
  for (std::uint32_t i = 0; i < demands.size(); ++i) ASSERT_EQ(table.intern(demands[i]), i);
  for (std::uint32_t i = 0; i < demands.size(); ++i) {
    ASSERT_EQ(table.intern(demands[i]), i);
    ASSERT_EQ(table[i].isolated, isolated_duration(demands[i], platform));
  }
}

TEST(DemandTable, TellsDemandsApartByEveryField) {
  const Platform platform = make_platform({{"a", 1.0}, {"b", 1.0}}, {{"p", 4}, {"q", 4}});
  FlowNetwork network({1e6, 1e6});
  DemandTable table(platform, network);
  const Demand base = in_pool(unit_work(2, 1.0, {{0, 1.0}}), 0);
  std::vector<Demand> demands(8, base);
  demands[1].latency = Duration::from_ps(1);
  demands[2].units = 3;
  demands[3].pool = PoolId(1);
  demands[4].slots_per_unit = 2;
  demands[5].weight = 0.5;
  demands[6].uses[0].amount = 2.0;
  demands[7].uses[0].resource = ResourceId(1);
  for (std::uint32_t i = 0; i < demands.size(); ++i) EXPECT_EQ(table.intern(demands[i]), i);
}

TEST(DemandTableDeathTest, DemandMustFitThePlatform) {
  const Platform platform = make_platform({{"a", 1.0}});
  FlowNetwork network({1e6});
  DemandTable table(platform, network);
  EXPECT_DEATH(table.intern(in_pool(unit_work(1, 1.0), 3)), "no pool 3");
  EXPECT_DEATH(table.intern(unit_work(1, 1.0, {{4, 1.0}})), "no resource 4");
  Demand stuck;
  stuck.units = 1;
  EXPECT_DEATH(table.intern(stuck), "rate cap 0");
  EXPECT_DEATH(table.intern(latency_only(Duration::from_ps(-1))), "latency of -1 ps");
}

}  // namespace
}  // namespace outrider
