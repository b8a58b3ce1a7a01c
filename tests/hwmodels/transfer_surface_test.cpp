// Copy times between measured points.
#include "hwmodels/transfer_surface.h"

#include <gtest/gtest.h>

namespace outrider {
namespace {

// 4 KiB in 2 us, 64 KiB in 4 us, 1 MiB in 20 us.
TransferSurface surface() {
  const auto point = [](double bytes, double seconds) {
    return TransferPoint{.fragment = Bytes(bytes), .rate = BytesPerSecond(bytes / seconds)};
  };
  return TransferSurface({point(4096.0, 2e-6), point(65536.0, 4e-6), point(1048576.0, 20e-6)});
}

TEST(TransferSurface, IsExactAtItsPoints) {
  EXPECT_DOUBLE_EQ(surface().seconds_per_fragment(4096.0), 2e-6);
  EXPECT_DOUBLE_EQ(surface().seconds_per_fragment(65536.0), 4e-6);
  EXPECT_DOUBLE_EQ(surface().seconds_per_fragment(1048576.0), 20e-6);
}
// 34 KiB is half-way between 4 and 64 KiB.
TEST(TransferSurface, IsLinearBetweenItsPoints) { EXPECT_NEAR(surface().seconds_per_fragment(34816.0), 3e-6, 1e-18); }
TEST(TransferSurface, ASmallerCopyThanMeasuredCostsAsMuch) {
  EXPECT_DOUBLE_EQ(surface().seconds_per_fragment(1.0), 2e-6);
}
TEST(TransferSurface, ALargerCopyThanMeasuredKeepsTheLastRate) {
  EXPECT_DOUBLE_EQ(surface().seconds_per_fragment(4.0 * 1048576.0), 80e-6);
}
TEST(TransferSurface, NeverFalls) {
  double before = 0.0;
  for (double bytes = 100.0; bytes < 1e9; bytes *= 1.07) {
    const double now = surface().seconds_per_fragment(bytes);
    EXPECT_GE(now, before) << bytes;
    before = now;
  }
}

}  // namespace
}  // namespace outrider
