// The crossing from seconds to picoseconds, and arithmetic of instants and durations.
#include "sim/base/ticks.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace outrider {
namespace {

TEST(CeilToTicks, RoundsUpToWholePicoseconds) {
  EXPECT_EQ(ceil_to_ticks(Seconds(0.0)), Duration());
  EXPECT_EQ(ceil_to_ticks(Seconds(1e-13)).ps(), 1);
  EXPECT_EQ(ceil_to_ticks(Seconds(1e-30)).ps(), 1);
  EXPECT_EQ(ceil_to_ticks(Seconds(0x1p-10)).ps(), 976562500);  // 10^12 / 1024, exactly
  EXPECT_EQ(ceil_to_ticks(Seconds(std::nextafter(0x1p-10, 1.0))).ps(), 976562501);
  EXPECT_EQ(ceil_to_ticks(Seconds(std::nextafter(0x1p-10, 0.0))).ps(), 976562500);
}

TEST(CeilToTicks, NeverEndsBeforeTheWorkIsDone) {
  for (double seconds = 1e-12; seconds < 1e5; seconds *= 1.7) {
    const auto ticks = static_cast<double>(ceil_to_ticks(Seconds(seconds)).ps());
    EXPECT_GE(ticks, std::floor(seconds * 1e12));
    EXPECT_LE(ticks, seconds * 1e12 + 1.0);
  }
}

TEST(CeilToTicks, HoldsItsWholeRange) { EXPECT_EQ(ceil_to_ticks(Seconds(999999.0)).ps(), 999'999'000'000'000'000); }

TEST(CeilToTicksDeathTest, RejectsWhatIsNoDuration) {
  EXPECT_DEATH(ceil_to_ticks(Seconds(-1e-12)), "outside");
  EXPECT_DEATH(ceil_to_ticks(Seconds(1e6)), "outside");
  EXPECT_DEATH(ceil_to_ticks(Seconds(std::numeric_limits<double>::infinity())), "outside");
  EXPECT_DEATH(ceil_to_ticks(Seconds(std::numeric_limits<double>::quiet_NaN())), "outside");
}

TEST(Instant, DifferencesAreDurations) {
  const Instant a = Instant::from_ps(700);
  const Instant b = a + Duration::from_ps(300);
  EXPECT_EQ(b - a, Duration::from_ps(300));
  EXPECT_EQ(b - Duration::from_ps(1000), Instant());
  EXPECT_LT(b, Instant::never());
  EXPECT_EQ(Duration::from_ps(3) * 4 - Duration::from_ps(2), Duration::from_ps(10));
  EXPECT_DOUBLE_EQ(Duration::from_ps(1'500'000).seconds().value(), 1.5e-6);
}

}  // namespace
}  // namespace outrider
