// Drawn heads show the statistics that were asked for, and depend on their stream alone.
#include "fidelity/head.h"

#include <gtest/gtest.h>

#include <cmath>

#include "fidelity/exact.h"
#include "tests/fidelity/heads.h"

namespace outrider {
namespace {

HeadStatistics statistics(const HeadClass& kind, std::int64_t tokens = 4096) {
  const Head head = small_head(kind, tokens, 1);
  return statistics_of(head, exact_attention(head));
}

TEST(Head, SinksAndRecentTokensTakeTheirShares) {
  for (const auto& [sinks, recent] : {std::pair(0.5, 0.95), std::pair(0.3, 0.5), std::pair(0.05, 0.2)}) {
    const HeadStatistics shown = statistics(head_class(sinks, recent, 1.5));
    EXPECT_NEAR(shown.sink_share, sinks, 0.02);
    EXPECT_NEAR(shown.recent_share, recent, 0.02);
  }
}

double normal_share(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }

// Lognormal weights: Φ(σ − 0.8416) on the fifth with most, of which sinks and a few recent tokens take little here.
TEST(Head, TheSpreadOfLogitsMakesTheTailHeavy) {
  for (const double spread : {1.0, 1.5, 2.5})
    EXPECT_NEAR(statistics(head_class(0.01, 0.01, spread), 8192).top_20_percent, normal_share(spread - 0.8416), 0.06);
}

TEST(Head, HeavierTailsHaveLessEntropy) {
  EXPECT_GT(statistics(head_class(0.1, 0.1, 1.0)).entropy, statistics(head_class(0.1, 0.1, 2.5)).entropy + 0.1);
}

HeadStatistics moving(double correlation) {
  Generator generator = small_generator();
  generator.step_correlation = correlation;
  const Head head = make_head(head_class(0.1, 0.1, 2.0), generator, {.tokens = 4096, .steps = 4}, RandomStream(7));
  return statistics_of(head, exact_attention(head));
}

TEST(Head, QueriesMoveAsMuchAsAskedFor) {
  EXPECT_EQ(moving(1.0).block_turnover, 0.0);
  EXPECT_NEAR(moving(1.0).step_cosine, 1.0, 1e-6);
  EXPECT_LT(moving(0.99).block_turnover, 0.2);
  EXPECT_GT(moving(0.5).block_turnover, moving(0.99).block_turnover + 0.1);
}

TEST(Head, DependsOnItsStreamAndNotOnWhatElseIsDrawn) {
  const HeadClass kind = head_class(0.3, 0.3, 2.0);
  const auto draw = [&](std::int64_t prefill, std::uint64_t seed) {
    return make_head(kind, small_generator(), {.tokens = 1024, .steps = 2, .prefill_queries = prefill},
                     RandomStream(seed));
  };
  const Head head = draw(16, 1);
  EXPECT_EQ(head.queries, draw(64, 1).queries);
  EXPECT_EQ(head.unrotated, draw(64, 1).unrotated);
  EXPECT_NE(head.queries, draw(16, 2).queries);
}

double cosine(const float* a, const float* b, std::int64_t width) {
  double product = 0.0, first = 0.0, second = 0.0;
  for (std::int64_t c = 0; c < width; ++c) {
    product += static_cast<double>(a[c]) * b[c];
    first += static_cast<double>(a[c]) * a[c];
    second += static_cast<double>(b[c]) * b[c];
  }
  return product / std::sqrt(first * second);
}

TEST(PredictedQueries, HaveTheCosineInEveryHeadOfTheGroup) {
  const Head head = small_head();
  for (const bool content_only : {true, false}) {
    const std::vector<float> predicted = predicted_queries(head, 1, 0.93, content_only, RandomStream(1));
    for (std::int64_t h = 0; h < head.group; ++h)
      EXPECT_NEAR(cosine(predicted.data() + h * 64, head.query(1) + h * 64, 64), 0.93, 1e-5);
  }
  const std::vector<float> same = predicted_queries(head, 1, 1.0, true, RandomStream(1));
  for (std::size_t c = 0; c < same.size(); ++c) EXPECT_FLOAT_EQ(same[c], head.query(1)[c]);
}

TEST(Rotate, TurnsAPairByItsFrequencyTimesThePosition) {
  std::vector<float> vector(64, 0.0f);
  vector[0] = 1.0f;  // the fastest pair: one radian a token
  rotate(vector.data(), 64, 5e5, 2.0);
  EXPECT_NEAR(vector[0], std::cos(2.0), 1e-6);
  EXPECT_NEAR(vector[32], std::sin(2.0), 1e-6);
}

}  // namespace
}  // namespace outrider
