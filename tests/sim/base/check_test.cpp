// A failing check says what broke, when, in which op and how to replay it; ids and quantities keep their kinds apart.
#include "sim/base/check.h"

#include <gtest/gtest.h>

#include <type_traits>

#include "sim/base/ids.h"
#include "sim/base/quantity.h"

namespace outrider {
namespace {

TEST(CheckDeathTest, PrintsTimeOpSeedAndReplayCommand) {
  check_context() = {
      .now = Instant::from_ps(123), .op = "copy_h2d", .replay_command = "outrider run x.yaml", .seed = 9};
  EXPECT_DEATH(CHECK(1 + 1 == 3, "sum is {}", 2),
               "1 \\+ 1 == 3(.|\n)*sum is 2(.|\n)*123 ps, op 'copy_h2d', seed 9(.|\n)*outrider run x.yaml");
  check_context() = {};
}

TEST(Check, EvaluatesItsMessageOnlyOnFailure) {
  int evaluated = 0;
  CHECK(true, "{}", ++evaluated);
  EXPECT_EQ(evaluated, 0);
}

TEST(Id, IsInvalidUntilGivenAndOrderedByIndex) {
  EXPECT_FALSE(OpId().valid());
  EXPECT_TRUE(OpId(0).valid());
  EXPECT_LT(OpId(1), OpId(2));
  static_assert(!std::is_convertible_v<OpId, LaneId>);
  static_assert(!std::is_convertible_v<int, OpId>);
}

TEST(Quantity, DimensionsFollowTheArithmetic) {
  const Bytes bytes(100.0);
  const Seconds seconds(4.0);
  static_assert(std::is_same_v<decltype(bytes / seconds), BytesPerSecond>);
  static_assert(std::is_same_v<decltype(bytes / bytes), double>);
  static_assert(std::is_same_v<decltype(BytesPerSecond(1.0) * seconds), Bytes>);
  EXPECT_EQ((bytes / seconds).value(), 25.0);
  EXPECT_EQ(bytes / BytesPerSecond(50.0), Seconds(2.0));
  EXPECT_EQ(2.0 * bytes - bytes / 2.0, Bytes(150.0));
}

TEST(Quantity, LiteralsScale) {
  using namespace units;
  EXPECT_EQ(2_KiB, Bytes(2048.0));
  EXPECT_EQ(1_GiB, 1024_MiB);
  EXPECT_EQ((1.5_GBps).value(), 1.5e9);
  EXPECT_DOUBLE_EQ((2.5_us).value(), 2.5e-6);
}

}  // namespace
}  // namespace outrider
