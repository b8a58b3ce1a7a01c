// Queueing theory as an oracle: Poisson arrivals to a lane, a pool and a shared resource against the closed formulas.
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "sim/base/random.h"
#include "sim/engine/sim_backend.h"
#include "tests/support/steps.h"

namespace outrider {
namespace {

constexpr std::int64_t kServiceUs = 10;
constexpr double kLoad = 0.6;
constexpr std::size_t kSteps = 40;
constexpr std::size_t kPerStep = 10000;

// A chain of latency-only ops with exponential latencies is a Poisson process; each of its ops releases one customer.
// The chain goes on over steps through slot 0; customers are detached, and step after step is submitted beneath them.
Trace poisson_arrivals(const Platform& platform, Lane lane, const Demand& service) {
  RandomStream random = RandomStream(3).fork("arrivals");
  SimBackend backend(platform);
  for (std::size_t i = 0; i < kSteps; ++i) {
    StepBuilder step;
    OpId arrival;
    for (std::size_t customer = 0; customer < kPerStep; ++customer) {
      const Seconds gap(random.exponential(1e-6 * static_cast<double>(kServiceUs) / kLoad));
      arrival = step.add(Lane::none, latency_only(ceil_to_ticks(gap)), {arrival});
      if (customer == 0) step.await(arrival, 0);
      step.add(lane, service, {arrival});
    }
    step.fill(0, arrival);
    const StepPlan plan = std::move(step).seal(arrival);
    backend.run_step(plan.graph, plan.demands);
  }
  return backend.finish();
}

// Customers are the odd spans. Means in microseconds; the first steps are left out as warm-up.
template <class Value>
double mean_us(const Trace& trace, Value&& value) {
  const std::size_t warm = trace.steps[2].first_span;
  double sum = 0.0;
  for (std::size_t i = warm + 1; i < trace.spans.size(); i += 2) sum += static_cast<double>(value(trace.spans[i]).ps());
  return sum / static_cast<double>((trace.spans.size() - warm) / 2) / static_cast<double>(kPsPerUs);
}

// Pollaczek–Khinchine for constant service D: W = ρ D / (2 (1 − ρ)) = 0.6 · 10 / 0.8 = 7.5 µs.
constexpr double kMeanWaitUs = kLoad * static_cast<double>(kServiceUs) / (2.0 * (1.0 - kLoad));

TEST(SimBackendQueueing, LaneWaitsAsAnMD1Queue) {
  const Trace trace = poisson_arrivals(make_platform({}), Lane::cpu, latency_only(microseconds(kServiceUs)));
  EXPECT_NEAR(mean_us(trace, [](const Span& s) { return s.ledger().queue; }), kMeanWaitUs, 0.03 * kMeanWaitUs);
  EXPECT_NEAR(mean_us(trace, [](const Span& s) { return s.ledger().contention; }), 0.0, 1e-9);
}

TEST(SimBackendQueueing, PoolOfOneSlotWaitsAsTheSameQueue) {
  const Demand service = in_pool(unit_work(1, static_cast<double>(kServiceUs)), 0);
  const Trace trace = poisson_arrivals(make_platform({}, {{"server", 1}}), Lane::none, service);
  EXPECT_NEAR(mean_us(trace, [](const Span& s) { return s.ledger().queue; }), kMeanWaitUs, 0.03 * kMeanWaitUs);
}

TEST(SimBackendQueueing, SharedResourceServesAsProcessorSharing) {
  // Every customer alone would take the whole resource for D. Under processor sharing the mean time in the system is
  // D / (1 − ρ) = 25 µs whatever the distribution of service, so contention is 15 µs on average.
  const Demand service = unit_work(1, static_cast<double>(kServiceUs), {{0, 100.0}});
  const Trace trace = poisson_arrivals(make_platform({{"HBM", 10.0}}), Lane::none, service);
  const double expected = static_cast<double>(kServiceUs) / (1.0 - kLoad) - static_cast<double>(kServiceUs);
  EXPECT_NEAR(mean_us(trace, [](const Span& s) { return s.ledger().contention; }), expected, 0.03 * expected);
}

TEST(SimBackendQueueing, NumberWaitingObeysLittlesLaw) {
  // L = λ W, with L as the time average of the number of customers counted event by event.
  const Trace trace = poisson_arrivals(make_platform({}), Lane::cpu, latency_only(microseconds(kServiceUs)));
  std::vector<std::pair<Instant, int>> changes;
  double waited = 0.0;
  for (std::size_t i = 1; i < trace.spans.size(); i += 2) {
    changes.emplace_back(trace.spans[i].ready, 1);
    changes.emplace_back(trace.spans[i].start, -1);
    waited += trace.spans[i].ledger().queue.seconds().value();
  }
  std::sort(changes.begin(), changes.end());
  double area = 0.0;
  int waiting = 0;
  for (std::size_t i = 0; i + 1 < changes.size(); ++i) {
    waiting += changes[i].second;
    area += waiting * (changes[i + 1].first - changes[i].first).seconds().value();
  }
  const double whole = changes.back().first.seconds().value();
  const auto customers = static_cast<double>(trace.spans.size() / 2);
  EXPECT_NEAR(area / whole, customers / whole * (waited / customers), 1e-6 * area / whole);
  // And as theory has it: λ W = 0.06 / µs · 7.5 µs = 0.45.
  EXPECT_NEAR(area / whole, kLoad / static_cast<double>(kServiceUs) * kMeanWaitUs, 0.03 * 0.45);
}

}  // namespace
}  // namespace outrider
