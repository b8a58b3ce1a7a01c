// The event queue against a sorted reference: order, ties, cancellation and both structures.
#include <gtest/gtest.h>

#include <map>
#include <tuple>
#include <vector>

#include "sim/base/random.h"
#include "sim/engine/event_queue.h"

namespace outrider {
namespace {

using Order = std::tuple<std::int64_t, int, std::uint64_t>;  // time, phase, sequence

// Schedules, cancels and pops at random around a population that crosses the change of structure both ways.
void compare_with_reference(std::uint64_t seed, std::size_t steps, std::int64_t spread) {
  RandomStream random(seed);
  EventQueue queue;
  std::map<Order, std::uint32_t> reference;
  std::vector<std::pair<EventHandle, Order>> handles;
  std::int64_t now = 0;
  std::uint64_t sequence = 0;
  for (std::size_t step = 0; step < steps; ++step) {
    const bool filling = step % 6000 < 3000;
    const double draw = random.uniform();
    if (draw < (filling ? 0.6 : 0.25)) {
      const auto phase = static_cast<Phase>(random.below(3));
      const std::int64_t at = now + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(spread)));
      const Order order{at, static_cast<int>(phase), sequence++};
      const auto payload = static_cast<std::uint32_t>(step);
      handles.emplace_back(queue.schedule(Instant::from_ps(at), phase, {7, payload}), order);
      reference.emplace(order, payload);
    } else if (draw < (filling ? 0.65 : 0.35) && !handles.empty()) {
      const auto& [handle, order] = handles[random.below(handles.size())];
      EXPECT_EQ(queue.pending(handle), reference.contains(order));
      EXPECT_EQ(queue.cancel(handle), reference.erase(order) == 1);
    } else if (!reference.empty()) {
      ASSERT_EQ(queue.next_time().ps(), std::get<0>(reference.begin()->first));
      const FiredEvent fired = queue.pop();
      ASSERT_EQ(fired.at.ps(), std::get<0>(reference.begin()->first));
      ASSERT_EQ(fired.event.payload, reference.begin()->second);
      now = fired.at.ps();
      reference.erase(reference.begin());
    }
    ASSERT_EQ(queue.size(), reference.size());
  }
}

TEST(EventQueueProperty, AgreesWithASortedReferenceOverWideTimes) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) compare_with_reference(seed, 20000, std::int64_t{1} << 40);
}

TEST(EventQueueProperty, AgreesWithASortedReferenceAmongTies) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) compare_with_reference(seed, 20000, 3);
}

TEST(EventQueueProperty, AnEventMayBeScheduledBeforeAnInstantAlreadyLookedAt) {
  EventQueue queue;
  for (std::uint32_t i = 0; i < 2000; ++i) queue.schedule(Instant::from_ps(1000000 + i), Phase::complete, {0, i});
  EXPECT_EQ(queue.next_time().ps(), 1000000);
  queue.schedule(Instant::from_ps(5), Phase::complete, {0, 4711});
  EXPECT_EQ(queue.pop().event.payload, 4711u);
  EXPECT_EQ(queue.pop().event.payload, 0u);
}

TEST(EventQueueProperty, AStaleHandleCancelsNothing) {
  EventQueue queue;
  const EventHandle first = queue.schedule(Instant::from_ps(1), Phase::complete, {});
  queue.pop();
  const EventHandle second = queue.schedule(Instant::from_ps(2), Phase::complete, {});
  EXPECT_EQ(first.slot, second.slot);
  EXPECT_FALSE(queue.cancel(first));
  EXPECT_TRUE(queue.cancel(second));
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.next_time(), Instant::never());
}

}  // namespace
}  // namespace outrider
