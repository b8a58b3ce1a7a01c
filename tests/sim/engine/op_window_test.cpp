// The window of unfinished ops: who waits for whom, also across steps that were dropped meanwhile.
#include "sim/engine/op_window.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace outrider {
namespace {

using testing::IsEmpty;
using testing::UnorderedElementsAre;

std::vector<SpanId> end(OpWindow& window, SpanId id) {
  std::vector<SpanId> released;
  window.end(id, [&](SpanId op) {
    if (window.learn(op)) released.push_back(op);
  });
  return released;
}

TEST(OpWindow, ReleasesAnOpWithItsLastPredecessor) {
  OpWindow window;
  window.begin_step();
  const SpanId a = window.add(0), b = window.add(0);
  const SpanId c = window.add(7);
  window.link(a, c);
  window.link(b, c);
  const SpanId d = window.add(0);
  window.link(b, d);
  EXPECT_EQ(window[c].missing, 2u);
  EXPECT_EQ(window[c].demand, 7u);
  EXPECT_THAT(end(window, a), IsEmpty());
  EXPECT_THAT(end(window, b), UnorderedElementsAre(c, d));
  EXPECT_EQ(window.unfinished(), 2u);
}

TEST(OpWindow, KeepsNumbersAndLinksWhileStepsAreDropped) {
  // One op of each step outlives the next two; the op that waits for it is added two steps later.
  OpWindow window;
  std::vector<SpanId> detached;
  for (std::size_t step = 0; step < 100; ++step) {
    window.begin_step();
    std::vector<SpanId> ops;
    for (int i = 0; i < 20; ++i) ops.push_back(window.add(static_cast<std::uint32_t>(step)));
    ASSERT_EQ(ops.front().index(), step * 20);
    for (std::size_t i = 1; i < ops.size() - 1; ++i) window.link(ops[i - 1], ops[i]);
    const SpanId waiting = ops.back();
    if (step >= 2) window.link(detached[step - 2], waiting);
    for (std::size_t i = 1; i < ops.size() - 1; ++i) {
      if (i == 1) { ASSERT_THAT(end(window, ops[0]), UnorderedElementsAre(ops[1])); }
      end(window, ops[i]);
    }
    if (step >= 2) {
      ASSERT_EQ(window[detached[step - 2]].demand, step - 2);
      ASSERT_THAT(end(window, detached[step - 2]), UnorderedElementsAre(waiting));
    }
    detached.push_back(waiting);
  }
  EXPECT_EQ(window.unfinished(), 2u);
}

}  // namespace
}  // namespace outrider
