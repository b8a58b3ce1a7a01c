// Hand-solved sharing: who gets what, and when flows end, to the picosecond.
#include "sim/engine/flow_network.h"

#include <gtest/gtest.h>

#include <vector>

namespace outrider {
namespace {

ResourceId resource(std::size_t i) { return ResourceId(i); }

TEST(FlowNetwork, TwoEqualFlowsEachGetHalf) {
  FlowNetwork network({10.0});
  const FlowClassId both = network.intern({{{resource(0), 1.0}}, 0.0, 1.0});
  network.start(both, 5.0, 2, 1, Instant());
  // 10 ÷ 2 = 5 per second each; 5 ÷ 5 = 1 s.
  EXPECT_DOUBLE_EQ(network.rate(both), 5.0);
  EXPECT_EQ(network.next_completion().ps(), 1000000000000);
}

TEST(FlowNetwork, ACapLeavesTheRestToOthers) {
  FlowNetwork network({10.0});
  const FlowClassId capped = network.intern({{{resource(0), 1.0}}, 2.0, 1.0});
  const FlowClassId open = network.intern({{{resource(0), 1.0}}, 0.0, 1.0});
  network.start(capped, 1.0, 1, 1, Instant());
  network.start(open, 1.0, 1, 2, Instant());
  // Both rise to level 2, where the first meets its cap; the other goes on to 10 − 2 = 8.
  EXPECT_DOUBLE_EQ(network.rate(capped), 2.0);
  EXPECT_DOUBLE_EQ(network.rate(open), 8.0);
  EXPECT_FALSE(network.bottleneck(capped).valid());
  EXPECT_EQ(network.bottleneck(open), resource(0));
}

TEST(FlowNetwork, ThreeLinksInARowAreSharedMaxMinFairly) {
  // The textbook line: a long flow over both links, one short flow on each. Capacities 1 and 2.
  FlowNetwork network({1.0, 2.0});
  const FlowClassId along = network.intern({{{resource(0), 1.0}, {resource(1), 1.0}}, 0.0, 1.0});
  const FlowClassId first = network.intern({{{resource(0), 1.0}}, 0.0, 1.0});
  const FlowClassId second = network.intern({{{resource(1), 1.0}}, 0.0, 1.0});
  for (const FlowClassId each : {along, first, second}) network.start(each, 1.0, 1, each.value, Instant());
  // Link 0 fills at level 1/2; the flow on link 1 alone goes on to 2 − 1/2.
  EXPECT_DOUBLE_EQ(network.rate(along), 0.5);
  EXPECT_DOUBLE_EQ(network.rate(first), 0.5);
  EXPECT_DOUBLE_EQ(network.rate(second), 1.5);
}

TEST(FlowNetwork, WeightsDivideAFullResource) {
  FlowNetwork network({12.0});
  const FlowClassId heavy = network.intern({{{resource(0), 1.0}}, 0.0, 3.0});
  const FlowClassId light = network.intern({{{resource(0), 1.0}}, 0.0, 1.0});
  network.start(heavy, 9.0, 1, 1, Instant());
  network.start(light, 9.0, 1, 2, Instant());
  EXPECT_DOUBLE_EQ(network.rate(heavy), 9.0);  // 12 · 3 ÷ 4
  EXPECT_DOUBLE_EQ(network.rate(light), 3.0);
}

TEST(FlowNetwork, AFlowEndsAtItsTickAndNotBefore) {
  FlowNetwork network({10.0});
  const FlowClassId capped = network.intern({{{resource(0), 1.0}}, 3.0, 1.0});
  network.start(capped, 1.0, 1, 9, Instant());
  // 1 ÷ 3 s is not whole in picoseconds: the end is the next tick.
  EXPECT_EQ(network.next_completion().ps(), 333333333334);
  std::vector<CompletedFlow> ended;
  network.take_completed(Instant::from_ps(333333333333), ended);
  EXPECT_TRUE(ended.empty());
  network.take_completed(Instant::from_ps(333333333334), ended);
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended.front().tag, 9u);
  EXPECT_EQ(network.next_completion(), Instant::never());
}

TEST(FlowNetwork, ALateFlowSlowsTheFirstFromThenOn) {
  FlowNetwork network({10.0});
  const FlowClassId share = network.intern({{{resource(0), 1.0}}, 0.0, 1.0});
  network.start(share, 10.0, 1, 1, Instant());
  network.next_completion();
  network.start(share, 10.0, 1, 2, Instant::from_ps(500000000000));
  // After 0.5 s the first has 5 to go, now at 5 per second: it ends at 1.5 s. The second then has 5 left at 10: 2 s.
  EXPECT_EQ(network.next_completion().ps(), 1500000000000);
  std::vector<CompletedFlow> ended;
  network.take_completed(Instant::from_ps(1500000000000), ended);
  EXPECT_EQ(network.next_completion().ps(), 2000000000000);
  EXPECT_DOUBLE_EQ(network.moved(resource(0), Instant::from_ps(2000000000000)), 20.0);
}

TEST(FlowNetwork, UsesScaleWhatAFlowTakes) {
  FlowNetwork network({10.0});
  const FlowClassId wide = network.intern({{{resource(0), 4.0}}, 0.0, 1.0});
  network.start(wide, 1.0, 1, 1, Instant());
  EXPECT_DOUBLE_EQ(network.rate(wide), 2.5);
  EXPECT_DOUBLE_EQ(network.usage(resource(0)), 10.0);
}

TEST(FlowNetwork, AChangeElsewhereLeavesAComponentAlone) {
  FlowNetwork network({10.0, 20.0});
  const FlowClassId here = network.intern({{{resource(0), 1.0}}, 0.0, 1.0});
  const FlowClassId there = network.intern({{{resource(1), 1.0}}, 0.0, 1.0});
  network.start(here, 10.0, 1, 1, Instant());
  network.next_completion();
  network.start(there, 10.0, 1, 2, Instant::from_ps(1000));
  network.next_completion();
  ASSERT_EQ(network.changed().size(), 1u);
  EXPECT_EQ(network.changed().front(), resource(1));
}

TEST(FlowNetwork, EqualSpecsAreOneClass) {
  FlowNetwork network({10.0});
  EXPECT_EQ(network.intern({{{resource(0), 1.0}}, 2.0, 1.0}), network.intern({{{resource(0), 1.0}}, 2.0, 1.0}));
  EXPECT_NE(network.intern({{{resource(0), 1.0}}, 2.0, 1.0}), network.intern({{{resource(0), 2.0}}, 2.0, 1.0}));
}

}  // namespace
}  // namespace outrider
