// Whole random graphs against a naive simulation in fixed steps of time.
#include <gtest/gtest.h>

#include "tests/sim/engine/naive_simulator.h"
#include "tests/support/random_steps.h"

namespace outrider {
namespace {

// Ops take some microseconds and a step of the naive simulation half a nanosecond: an op may be late by a few steps for
// every op and wave before it. Where two ops reach a pool within one such step, the two simulations may serve them in
// different order; no seed here has that.
TEST(SimBackendOracle, EveryOpEndsWhenANaiveSimulationSaysSo) {
  constexpr double kStep = 0.5e-9;
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    RandomStream random = RandomStream(seed).fork("naive");
    Platform platform = random_platform(random);
    add_random_signals(platform, random);
    const StepPlan step = random_step(random, Waves::many, 14);
    const Trace trace = simulate(platform, {step});
    const std::vector<double> expected = NaiveSimulator(platform, step.graph, step.demands).run(kStep);
    ASSERT_EQ(trace.spans.size(), expected.size());
    const double tolerance = kStep * 8.0 * static_cast<double>(expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_NEAR(static_cast<double>(trace.spans[i].end.ps()) * 1e-12, expected[i], tolerance)
          << "seed " << seed << " op " << i;
    }
  }
}

}  // namespace
}  // namespace outrider
