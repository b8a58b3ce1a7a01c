// The selection process: lazy evaluation against a plain AR(1) simulation, prefixes, and how turnover grows.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "sim/methods/selection.h"

namespace outrider {
namespace {

SelectionTrace drawn(const SelectionShape& shape, const Locality& locality, std::uint64_t seed) {
  SelectionTrace trace(shape);
  for (std::int64_t layer = 0; layer < shape.layers; ++layer) {
    trace.draw(locality, RandomStream(seed), layer, "decode");
  }
  return trace;
}

// Mean turnover at a lag when every block is evaluated in every step.
double plain_turnover(const SelectionShape& shape, double correlation, std::int64_t lag, RandomStream random) {
  const auto blocks = static_cast<std::size_t>(shape.blocks), chosen = static_cast<std::size_t>(shape.selected);
  double missing = 0.0;
  for (std::int64_t sequence = 0; sequence < shape.sequences; ++sequence) {
    std::vector<double> score(blocks);
    for (double& x : score) x = random.normal();
    const auto top = [&] {
      std::vector<std::size_t> order(blocks);
      std::iota(order.begin(), order.end(), std::size_t{0});
      std::nth_element(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(chosen), order.end(),
                       [&](std::size_t a, std::size_t b) { return score[a] > score[b]; });
      std::vector<bool> in(blocks, false);
      for (std::size_t i = 0; i < chosen; ++i) in[order[i]] = true;
      return in;
    };
    const std::vector<bool> before = top();
    for (std::int64_t step = 0; step < lag; ++step) {
      for (double& x : score) x = correlation * x + std::sqrt(1.0 - correlation * correlation) * random.normal();
    }
    const std::vector<bool> after = top();
    for (std::size_t b = 0; b < blocks; ++b) missing += after[b] && !before[b] ? 1.0 : 0.0;
  }
  return missing / static_cast<double>(shape.sequences * shape.selected);
}

TEST(SelectionProperty, LazyEvaluationHasTheTurnoverOfThePlainProcess) {
  const SelectionShape shape{.layers = 1, .sequences = 200, .steps = 16, .blocks = 512, .selected = 64};
  const Locality locality{.preset = "test", .step_correlation = 0.998, .static_share = 0.0, .layer_spread = 0.0};
  const SelectionTrace trace = drawn(shape, locality, 3);
  for (const std::int64_t lag : {1, 8}) {
    const double plain = plain_turnover(shape, 0.998, lag, RandomStream(99));
    EXPECT_NEAR(trace.turnover(0, lag), plain, 0.08 * plain) << "lag " << lag;
  }
}

TEST(SelectionProperty, EverySetHasTheSelectedNumberOfBlocks) {
  const SelectionShape shape{.layers = 2, .sequences = 3, .steps = 20, .blocks = 300, .selected = 40};
  const SelectionTrace trace = drawn(shape, {"test", 0.99, 0.3, 0.5}, 5);
  const std::vector<std::uint64_t> nothing(5, 0);
  for (std::int64_t step = -1; step < shape.steps; ++step)
    EXPECT_EQ(count_missing(trace.selected(1, 2, step), nothing), 40);
}

TEST(SelectionProperty, FewerSequencesAndStepsAreAPrefix) {
  const Locality locality{"test", 0.995, 0.0, 0.5};
  const SelectionTrace large =
      drawn({.layers = 2, .sequences = 4, .steps = 30, .blocks = 256, .selected = 32}, locality, 7);
  const SelectionTrace small =
      drawn({.layers = 2, .sequences = 2, .steps = 10, .blocks = 256, .selected = 32}, locality, 7);
  for (std::int64_t step = -1; step < 10; ++step) {
    const BlockSet a = large.selected(1, 1, step), b = small.selected(1, 1, step);
    EXPECT_TRUE(std::equal(a.begin(), a.end(), b.begin(), b.end())) << "step " << step;
  }
}

TEST(SelectionProperty, TurnoverGrowsWithLagAndAnotherSeedSelectsOtherwise) {
  const SelectionShape shape{.layers = 1, .sequences = 8, .steps = 40, .blocks = 1024, .selected = 64};
  const Locality locality{"test", 0.9984, 0.0, 0.0};
  const SelectionTrace trace = drawn(shape, locality, 1), other = drawn(shape, locality, 2);
  EXPECT_LT(trace.turnover(0, 1), trace.turnover(0, 8));
  EXPECT_LT(trace.turnover(0, 8), trace.turnover(0, 32));
  EXPECT_GT(count_missing(trace.selected(0, 0, 0), other.selected(0, 0, 0)), 0);
}

}  // namespace
}  // namespace outrider
