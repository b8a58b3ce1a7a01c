// Routes through the interconnect, and the links that two GPUs share.
#include "hwmodels/topology.h"

#include <gtest/gtest.h>

namespace outrider {
namespace {

Topology two_gpus_one_switch() {
  const BytesPerSecond wide(50e9), shared(60e9);
  return {.nodes = {{"gpu0", "gpu"}, {"gpu1", "gpu"}, {"sw", "switch"}, {"socket", "socket"}, {"dram", "dram"}},
          .links = {{"gpu0", "sw", wide, wide, {}},
                    {"gpu1", "sw", wide, wide, {}},
                    {"socket", "sw", shared, shared, BytesPerSecond(90e9)},
                    {"dram", "socket", wide, wide, {}}}};
}
TEST(Topology, WithoutOneTheRouteIsEmpty) { EXPECT_TRUE(route_to_dram({}, 0).empty()); }
TEST(Topology, TheRouteLeadsFromTheGpuToDramWithDirections) {
  const auto route = route_to_dram(two_gpus_one_switch(), 0);
  ASSERT_EQ(route.size(), 3u);
  EXPECT_EQ(route[1].link, 2u);
  EXPECT_TRUE(route[0].forward);
  EXPECT_FALSE(route[1].forward);
  EXPECT_FALSE(route[2].forward);
}
TEST(Topology, TwoGpusBehindOneSwitchShareTheLinkAboveIt) {
  const auto first = route_to_dram(two_gpus_one_switch(), 0), second = route_to_dram(two_gpus_one_switch(), 1);
  ASSERT_EQ(second.size(), 3u);
  EXPECT_NE(first[0].link, second[0].link);
  EXPECT_EQ(first[1].link, second[1].link);
}

}  // namespace
}  // namespace outrider
