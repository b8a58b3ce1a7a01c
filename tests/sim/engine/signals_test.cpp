// Ends become known to other lanes after the time that the parties' signals take, and ops start after their leads.
#include <gtest/gtest.h>

#include "tests/support/steps.h"

namespace outrider {
namespace {

TEST(SimBackend, AnEndIsKnownAfterItsSignalButForItsOwnLane) {
  // From party 1 to party 2 news takes 3 µs. A ends at 5 µs: B, of the same lane, starts then, and C, of another, at 8.
  // D of party 3 knows at once. E waits for A and C, of which C's end is known last.
  Platform platform = make_platform({});
  platform.signals.time[1][2] = microseconds(3);
  const auto of_parties = [](Demand demand, int ends_as, int waits_as) {
    demand.ends_as = static_cast<std::uint8_t>(ends_as);
    demand.waits_as = static_cast<std::uint8_t>(waits_as);
    return demand;
  };
  StepBuilder step;
  const OpId a = step.add(Lane::compute, of_parties(latency_only(microseconds(5)), 1, 0));
  step.add(Lane::compute, of_parties(latency_only(microseconds(1)), 0, 2), {a});
  const OpId c = step.add(Lane::h2d, of_parties(latency_only(microseconds(1)), 0, 2), {a});
  step.add(Lane::side, of_parties(latency_only(microseconds(1)), 0, 3), {a});
  const OpId e = step.add(Lane::none, of_parties({}, 0, 2), {a, c});
  const Trace trace = simulate(platform, {std::move(step).seal(e)});

  EXPECT_EQ(trace.spans[1].start, at_microseconds(5));
  EXPECT_EQ(trace.spans[2].start, at_microseconds(8));
  EXPECT_EQ(trace.spans[2].ledger().dependency, microseconds(8));
  EXPECT_EQ(trace.spans[3].start, at_microseconds(5));
  EXPECT_EQ(trace.spans[4].end, at_microseconds(9));
  EXPECT_EQ(trace.spans[4].last_dependency, SpanId(2));
}

TEST(SimBackend, ALeadDelaysTheStartAndCountsAsQueueing) {
  // B gets its lane at 10 µs and starts 3 µs later; C gets it when B ends.
  const Platform platform = make_platform({});
  StepBuilder step;
  step.add(Lane::compute, latency_only(microseconds(10)));
  Demand late = latency_only(microseconds(5));
  late.lead = microseconds(3);
  step.add(Lane::compute, late);
  const OpId c = step.add(Lane::compute, latency_only(microseconds(1)));
  const Trace trace = simulate(platform, {std::move(step).seal(c)});

  EXPECT_EQ(trace.spans[1].start, at_microseconds(13));
  EXPECT_EQ(trace.spans[1].ledger().queue, microseconds(13));
  EXPECT_EQ(trace.spans[1].ledger().work, microseconds(5));
  EXPECT_EQ(trace.spans[2].start, at_microseconds(18));
}

}  // namespace
}  // namespace outrider
