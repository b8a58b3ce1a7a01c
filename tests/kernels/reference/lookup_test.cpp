// Look-up lists and the scores they give, worked out by hand.
#include "kernels/reference/lookup.h"

#include <gtest/gtest.h>

#include <cmath>

namespace outrider {
namespace {

// Two subspaces of one channel, a centroid each way. Keys: (3, 1), (1, −2), (−1, 4).
LookupLists lists(std::int64_t length) {
  const std::vector<float> keys = {3.0f, 1.0f, 1.0f, -2.0f, -1.0f, 4.0f};
  return build_lookup(keys.data(), 3, {1.0f, -1.0f, 1.0f, -1.0f},
                      {.subspaces = 2, .clusters = 2, .list_length = length, .head_dim = 2});
}

TEST(Lookup, FullListsGiveTheProductsOfOneChannel) {
  const std::vector<float> query = {2.0f, -1.0f};
  EXPECT_EQ(lookup_scores(lists(3), query.data(), 1, 3), (std::vector<float>{5.0f, 4.0f, -6.0f}));
}

// Of centroid +1 in the first subspace the first key alone, of −1 in the second the second key alone.
TEST(Lookup, KeysInNoListHaveNoScore) {
  const std::vector<float> query = {2.0f, -1.0f};
  const std::vector<float> scores = lookup_scores(lists(1), query.data(), 1, 3);
  EXPECT_EQ(scores[0], 6.0f);
  EXPECT_EQ(scores[1], 2.0f);
  EXPECT_EQ(scores[2], -INFINITY);
}

TEST(Lookup, TheGroupsScoresAddUp) {
  const std::vector<float> queries = {2.0f, -1.0f, 1.0f, 1.0f};
  EXPECT_EQ(lookup_scores(lists(3), queries.data(), 2, 3), (std::vector<float>{9.0f, 3.0f, -3.0f}));
}

}  // namespace
}  // namespace outrider
