// Where the backend's threads run, on whatever the tests run on.
#include "kernels/backend/placement.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <set>
#include <thread>

namespace outrider {
namespace {

TEST(Placement, NobodySharesAProcessor) {
  const auto processors = usable_processors();
  for (const bool background : {false, true}) {
    const Placement placement = place_threads(-1, background);
    EXPECT_GE(placement.pool.threads, 0);
    if (processors.size() < 4) {
      EXPECT_EQ(placement.host, -1);
      continue;
    }
    // The pool pins its workers to the processors behind its caller's.
    std::set<int> taken(processors.begin(), processors.begin() + placement.pool.threads + 1);
    EXPECT_EQ(placement.dispatcher, processors.front());
    EXPECT_TRUE(taken.insert(placement.host).second);
    if (background) { EXPECT_TRUE(taken.insert(placement.background).second); }
  }
}

TEST(Placement, ReplicasShareThePoolAndItsCallerAlone) {
  const auto processors = usable_processors();
  const std::vector<Placement> places = place_replicas(-1, true, 2);
  ASSERT_EQ(places.size(), 2U);
  EXPECT_EQ(places[0].pool.threads, places[1].pool.threads);
  EXPECT_EQ(places[0].pool.threads, std::max(0, static_cast<int>(processors.size()) - 1 - 4));
  if (processors.size() < 5) {
    EXPECT_EQ(places[1].host, -1);
    return;
  }
  std::set<int> taken(processors.begin(), processors.begin() + places[0].pool.threads + 1);
  for (const Placement& each : places) {
    EXPECT_EQ(each.dispatcher, processors.front());
    EXPECT_TRUE(taken.insert(each.host).second);
    EXPECT_TRUE(taken.insert(each.background).second);
  }
}

TEST(Placement, WorkersAreThoseAskedFor) {
  EXPECT_EQ(place_threads(1, false).pool.threads, 0);
  EXPECT_EQ(place_threads(3, false).pool.threads, 2);
  EXPECT_EQ(place_threads(10000, true).host, -1);  // more than there is room for
}

TEST(PinnedHere, LastsAsLongAsItLives) {
  const std::vector<int> before = usable_processors();
  {
    const PinnedHere pinned(before.back());
    const std::vector<int> within = usable_processors();
    EXPECT_TRUE(within == before || within == std::vector<int>{before.back()});  // the system may refuse
  }
  EXPECT_EQ(usable_processors(), before);
  const PinnedHere nowhere(-1);
  EXPECT_EQ(usable_processors(), before);
}

}  // namespace
}  // namespace outrider
