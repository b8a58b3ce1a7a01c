// What must hold on any graph: the exact ledger, order, bounds on the makespan, conservation, scaling, determinism.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "sim/engine/sim_backend.h"
#include "sim/graph/algorithms.h"
#include "sim/trace/metrics.h"
#include "tests/support/random_steps.h"
#include "tests/support/steps.h"

namespace outrider {
namespace {

constexpr std::uint64_t kCases = 300;

Instant last_end(const Trace& trace) {
  Instant last;
  for (const Span& span : trace.spans) last = std::max(last, span.end);
  return last;
}

std::vector<Duration> isolated_durations(const StepPlan& step, const Platform& platform) {
  std::vector<Duration> durations;
  for (const Demand& demand : step.demands) durations.push_back(isolated_duration(demand, platform));
  return durations;
}

// No schedule does the op faster: no unit beats its cap, no pool runs more than its slots, no resource exceeds its
// capacity. The floor keeps it below every rounding.
Duration least_duration(const Demand& demand, const Platform& platform) {
  if (demand.units == 0) return demand.latency;
  double rounds = 1.0;
  if (demand.pool.valid()) {
    const std::int64_t at_once = platform.pools[demand.pool.index()].slots / demand.slots_per_unit;
    rounds = static_cast<double>((demand.units + at_once - 1) / at_once);
  }
  double seconds = rounds / demand.rate_cap;
  for (const Use& use : demand.used()) {
    const double capacity = platform.resources[use.resource.index()].capacity;
    seconds = std::max(seconds, static_cast<double>(demand.units) * use.amount / capacity);
  }
  return demand.latency + Duration::from_ps(static_cast<std::int64_t>(std::floor(seconds * 1e12)));
}

struct Case {
  explicit Case(std::uint64_t seed, Waves waves, std::size_t count)
      : random(RandomStream(seed).fork("engine")),
        platform(random_platform(random)),
        steps(random_steps(random, waves, count)) {}
  RandomStream random;
  Platform platform;
  std::vector<StepPlan> steps;
};

// Ready exactly when the last predecessor ended, and no sooner than created.
void expect_ready_with_last_dependency(const Trace& trace) {
  std::vector<Instant> ready;
  for (const Span& span : trace.spans) ready.push_back(span.created);
  for (const auto& [from, to] : trace.edges) {
    ready[to.index()] = std::max(ready[to.index()], trace.spans[from.index()].end);
  }
  for (std::size_t i = 0; i < trace.spans.size(); ++i) {
    const Span& span = trace.spans[i];
    EXPECT_EQ(span.ready, ready[i]) << i;
    if (span.ready > span.created) {
      ASSERT_TRUE(span.last_dependency.valid()) << i;
      EXPECT_EQ(trace.spans[span.last_dependency.index()].end, span.ready) << i;
    }
  }
}

// An op starts no sooner than its lane's op before it ended, which is what it queued behind if that made it wait.
void expect_lanes_in_order(const Trace& trace) {
  std::vector<SpanId> tail(kLanesPerDevice);
  for (std::size_t i = 0; i < trace.spans.size(); ++i) {
    const Span& span = trace.spans[i];
    if (span.lane == lane_id(Lane::none)) continue;
    SpanId& before = tail[span.lane.index()];
    if (before.valid()) { EXPECT_GE(span.start, trace.spans[before.index()].end) << i; }
    before = SpanId(i);
  }
}

TEST(SimBackendProperty, LedgerIsExactAndEveryWaitHasItsCause) {
  for (std::uint64_t seed = 0; seed < kCases; ++seed) {
    SCOPED_TRACE(seed);
    const Case c(seed, Waves::many, 3);
    const Trace trace = simulate(c.platform, c.steps, {.usage = false, .edges = true});
    for (const Span& span : trace.spans) {
      const Ledger ledger = span.ledger();
      EXPECT_EQ(ledger.total(), span.end - span.created);
      for (const Duration part : {ledger.dependency, ledger.queue, ledger.contention, ledger.work})
        EXPECT_GE(part, Duration());
      EXPECT_EQ(span.queued_behind.valid(), ledger.queue > Duration());
    }
    expect_ready_with_last_dependency(trace);
    expect_lanes_in_order(trace);
    if (HasFailure()) return;
  }
}

TEST(SimBackendProperty, CriticalPathPartitionsEveryRange) {
  for (std::uint64_t seed = 0; seed < kCases; ++seed) {
    SCOPED_TRACE(seed);
    const Case c(seed, Waves::many, 4);
    const Trace trace = simulate(c.platform, c.steps);
    for (const StepRange range : {StepRange{0, 4}, StepRange{1, 3}, StepRange{3, 4}}) {
      Duration sum;
      for (const PathItem& item : critical_path(trace, range)) {
        for (const Duration part : {item.unexplained, item.signalled, item.waiting_behind, item.running}) {
          ASSERT_GE(part, Duration());
          sum += part;
        }
        ASSERT_LE(item.contended, item.running);
      }
      ASSERT_EQ(sum, elapsed(trace, range));
    }
  }
}

TEST(SimBackendProperty, FromTheStartOfTheRunTheCriticalPathLeavesNothingUnexplained) {
  for (std::uint64_t seed = 0; seed < kCases; ++seed) {
    SCOPED_TRACE(seed);
    const Case c(seed, Waves::many, 4);
    const Trace trace = simulate(c.platform, c.steps);
    for (const PathItem& item : critical_path(trace, {0, 4})) ASSERT_EQ(item.unexplained, Duration());
  }
}

TEST(SimBackendProperty, MakespanIsNotBelowTheCriticalPathOfIsolatedDurations) {
  for (std::uint64_t seed = 0; seed < kCases; ++seed) {
    SCOPED_TRACE(seed);
    const Case c(seed, Waves::one, 1);
    const Trace trace = simulate(c.platform, c.steps);
    const Duration bound = longest_path(c.steps[0].graph, isolated_durations(c.steps[0], c.platform)).length;
    ASSERT_GE(last_end(trace) - Instant(), bound);
  }
}

TEST(SimBackendProperty, MakespanIsNotBelowTheCriticalPathOfLeastDurations) {
  for (std::uint64_t seed = 0; seed < kCases; ++seed) {
    SCOPED_TRACE(seed);
    const Case c(seed, Waves::many, 1);
    const Trace trace = simulate(c.platform, c.steps);
    std::vector<Duration> least;
    for (const Demand& demand : c.steps[0].demands) least.push_back(least_duration(demand, c.platform));
    ASSERT_GE(last_end(trace) - Instant(), longest_path(c.steps[0].graph, least).length);
  }
}

TEST(SimBackendProperty, MakespanIsNotAboveTheSerialSum) {
  for (std::uint64_t seed = 0; seed < kCases; ++seed) {
    SCOPED_TRACE(seed);
    const Case c(seed, Waves::one, 1);
    const Trace trace = simulate(c.platform, c.steps);
    const auto roundings = static_cast<std::int64_t>(4 * trace.spans.size());
    ASSERT_LE(last_end(trace) - Instant(),
              serial_sum(isolated_durations(c.steps[0], c.platform)) + Duration::from_ps(roundings));
  }
}

TEST(SimBackendProperty, AmountsAreConservedAndNoResourceBeatsItsCapacity) {
  for (std::uint64_t seed = 0; seed < kCases; ++seed) {
    SCOPED_TRACE(seed);
    const Case c(seed, Waves::many, 2);
    const Trace trace = simulate(c.platform, c.steps);
    std::vector<double> expected(c.platform.resources.size(), 0.0);
    for (const StepPlan& step : c.steps) {
      for (const Demand& demand : step.demands) {
        for (const Use& use : demand.used())
          expected[use.resource.index()] += static_cast<double>(demand.units) * use.amount;
      }
    }
    const double makespan = last_end(trace).seconds().value();
    for (std::size_t r = 0; r < expected.size(); ++r) {
      ASSERT_NEAR(trace.amounts[r], expected[r], 1e-6 * expected[r] + 1e-9);
      ASSERT_GE(makespan * (1.0 + 1e-12), expected[r] / c.platform.resources[r].capacity);
    }
  }
}

TEST(SimBackendProperty, RecordedUsageStaysWithinCapacityAndIntegratesToTheAmounts) {
  for (std::uint64_t seed = 0; seed < kCases; ++seed) {
    SCOPED_TRACE(seed);
    const Case c(seed, Waves::many, 2);
    const Trace trace = simulate(c.platform, c.steps, {.usage = true, .edges = false});
    std::vector<double> integral(c.platform.resources.size(), 0.0), rate(c.platform.resources.size(), 0.0);
    std::vector<Instant> since(c.platform.resources.size());
    for (const UsageSample& sample : trace.usage) {
      const std::size_t r = sample.resource.index();
      ASSERT_LE(sample.rate, c.platform.resources[r].capacity * (1.0 + 1e-9));
      integral[r] += rate[r] * (sample.at - since[r]).seconds().value();
      rate[r] = sample.rate;
      since[r] = sample.at;
    }
    for (std::size_t r = 0; r < integral.size(); ++r) {
      ASSERT_EQ(rate[r], 0.0);
      ASSERT_NEAR(integral[r], trace.amounts[r], 1e-6 * trace.amounts[r] + 1e-9);
    }
  }
}

TEST(SimBackendProperty, TwiceAsFastAMachineTakesHalfTheTime) {
  for (std::uint64_t seed = 0; seed < kCases; ++seed) {
    SCOPED_TRACE(seed);
    Case c(seed, Waves::many, 1);
    const Instant slow = last_end(simulate(c.platform, c.steps));
    for (ResourceInfo& resource : c.platform.resources) resource.capacity *= 2.0;
    for (Demand& demand : c.steps[0].demands) {
      demand.rate_cap *= 2.0;
      demand.weight *= 2.0;
      demand.latency = Duration::from_ps(demand.latency.ps() / 2);
    }
    const Instant fast = last_end(simulate(c.platform, c.steps));
    // Each op adds a few roundings up to a whole picosecond, on both sides.
    const auto roundings = static_cast<double>(20 * c.steps[0].demands.size());
    ASSERT_NEAR(static_cast<double>(fast.ps()) * 2.0, static_cast<double>(slow.ps()), roundings);
  }
}

TEST(SimBackendProperty, EqualRunsGiveEqualFingerprints) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const Case c(seed, Waves::many, 3);
    const std::uint64_t first = fingerprint(simulate(c.platform, c.steps));
    ASSERT_EQ(fingerprint(simulate(c.platform, c.steps)), first) << seed;
    ASSERT_EQ(fingerprint(simulate(c.platform, c.steps, {.usage = true, .edges = true})), first) << seed;
  }
}

TEST(SimBackendProperty, OpAloneTakesItsIsolatedDurationToThePicosecond) {
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    SCOPED_TRACE(seed);
    RandomStream random = RandomStream(seed).fork("alone");
    const Platform platform = random_platform(random);
    StepBuilder step;
    const OpId op = step.add(Lane::compute, random_demand(random, Waves::many));
    const StepPlan plan = std::move(step).seal(op);
    const Trace trace = simulate(platform, {plan});
    ASSERT_EQ(trace.spans[0].end - trace.spans[0].start, isolated_duration(plan.demands[0], platform));
  }
}

TEST(SimBackendProperty, OpsOneAfterAnotherTakeTheirIsolatedDurationsToThePicosecond) {
  // Far from the origin of time, and with flow classes used before.
  RandomStream random = RandomStream(1).fork("chain");
  const Platform platform = random_platform(random);
  StepBuilder step;
  std::vector<Demand> kinds;
  for (int i = 0; i < 50; ++i) kinds.push_back(random_demand(random, Waves::many));
  OpId last = step.add(Lane::compute, latency_only(Duration::from_ps(1'000'000'000'000'000)));
  for (int i = 0; i < 20000; ++i) last = step.add(Lane::compute, kinds[random.below(kinds.size())]);
  const StepPlan plan = std::move(step).seal(last);
  const Trace trace = simulate(platform, {plan});
  for (std::size_t i = 0; i < trace.spans.size(); ++i) {
    ASSERT_EQ(trace.spans[i].end - trace.spans[i].start, isolated_duration(plan.demands[i], platform)) << i;
  }
}

}  // namespace
}  // namespace outrider
