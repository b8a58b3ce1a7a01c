// FIFO order of lanes and of the queue beneath them.
#include "sim/engine/lanes.h"

#include <gtest/gtest.h>

namespace outrider {
namespace {

TEST(Lanes, ServeInOrderOfJoining) {
  Lanes lanes(kLanesPerDevice);
  const LaneId lane = lane_id(Lane::compute);
  EXPECT_TRUE(lanes.join(lane, SpanId(4)));
  EXPECT_FALSE(lanes.join(lane, SpanId(9)));
  EXPECT_TRUE(lanes.heads(lane, SpanId(4)));
  EXPECT_FALSE(lanes.heads(lane, SpanId(9)));
  EXPECT_EQ(lanes.leave(lane, SpanId(4)), SpanId(9));
  EXPECT_FALSE(lanes.leave(lane, SpanId(9)).valid());
}

TEST(Lanes, NoneOfAnyDeviceOrdersNothing) {
  Lanes lanes(2 * kLanesPerDevice);
  const LaneId lane = lane_id(Lane::none, 1);
  EXPECT_TRUE(lanes.join(lane, SpanId(1)));
  EXPECT_TRUE(lanes.join(lane, SpanId(2)));
  EXPECT_TRUE(lanes.heads(lane, SpanId(2)));
  EXPECT_FALSE(lanes.leave(lane, SpanId(2)).valid());
}

TEST(LanesDeathTest, OnlyTheHeadLeaves) {
  Lanes lanes(kLanesPerDevice);
  lanes.join(LaneId(0), SpanId(1));
  lanes.join(LaneId(0), SpanId(2));
  EXPECT_DEATH(lanes.leave(LaneId(0), SpanId(2)), "does not head");
}

TEST(Fifo, KeepsOrderAcrossCutsOfItsFront) {
  Fifo<int> fifo;
  int pushed = 0;
  int popped = 0;
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < 37; ++i) fifo.push(pushed++);
    for (int i = 0; i < 36; ++i, fifo.pop()) ASSERT_EQ(fifo.front(), popped++);
    ASSERT_EQ(fifo.size(), static_cast<std::size_t>(pushed - popped));
  }
  for (; !fifo.empty(); fifo.pop()) ASSERT_EQ(fifo.front(), popped++);
  EXPECT_EQ(popped, pushed);
}

}  // namespace
}  // namespace outrider
