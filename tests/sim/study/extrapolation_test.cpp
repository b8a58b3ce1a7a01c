// Rows are marked where operations that make up their time are beyond the sampled sizes, and nowhere else.
#include "sim/study/extrapolation.h"

#include <gtest/gtest.h>

#include "tests/support/scenarios.h"

namespace outrider {
namespace {

Profile fitted_to(std::vector<SizeRange> ranges) {
  Profile profile = assumed_profile();
  profile.kind = ProfileKind::fitted;
  profile.machine = "a100-80gb-pcie-36c";
  profile.fit.emplace().ranges = std::move(ranges);
  return profile;
}

// Eight sequences of 8192 tokens, then 8193 to 8195.
PointResult full_kv(const Profile& profile, bool prefill = false) {
  Scenario scenario = small_scenario({"full_kv"});
  scenario.workloads[0].prefill = prefill;
  return run_point(scenario, profile, "full_kv", 0, 0).result;
}

SizeRange tokens_up_to(double high) { return {"attend_dense", "tokens_per_sequence", 1024.0, high}; }

TEST(Extrapolation, APointInsideOfItsRangesIsNotMarked) {
  EXPECT_TRUE(full_kv(fitted_to({tokens_up_to(8192.0)})).extrapolated.empty());
  EXPECT_TRUE(full_kv(fitted_to({tokens_up_to(6600.0)})).extrapolated.empty());  // 8195 ÷ 6600 = 1.24
}

TEST(Extrapolation, APointBeyondSaysHowFarAndHowMuchOfItsTimeThatIs) {
  const PointResult point = full_kv(fitted_to({tokens_up_to(4096.0)}));
  ASSERT_EQ(point.extrapolated.size(), 1u);
  const Extrapolation& mark = point.extrapolated.front();
  EXPECT_EQ(mark.part, "step");
  EXPECT_EQ(mark.operation, "attend_dense");
  EXPECT_EQ(mark.size, "tokens_per_sequence");
  EXPECT_GE(mark.value, 8192.0);
  EXPECT_LE(mark.value, 8196.0);
  EXPECT_EQ(mark.high, 4096.0);
  EXPECT_TRUE(mark.above());
  EXPECT_TRUE(mark.matters());
  double share = 0.0;  // all attention is beyond
  for (const Cause& cause : point.causes) share += cause.name == "attend_dense" ? cause.share : 0.0;
  EXPECT_NEAR(mark.share, share, 1e-9);
}

TEST(Extrapolation, SizesBelowTheRangeCountToo) {
  const PointResult point = full_kv(fitted_to({{"attend_dense", "tokens_per_sequence", 16384.0, 65536.0}}));
  ASSERT_EQ(point.extrapolated.size(), 1u);
  EXPECT_FALSE(point.extrapolated.front().above());
}

TEST(Extrapolation, WhatHardlyTakesTimeIsPassedOver) {
  // The sampled tokens go to the host in one copy of 64 bytes.
  EXPECT_TRUE(full_kv(fitted_to({{"copy_d2h", "fragment_bytes", 4096.0, 1e9}})).extrapolated.empty());
}

TEST(Extrapolation, APrefillIsMarkedForItself) {
  const Profile profile = fitted_to({{"gemm", "rows", 1.0, 4096.0}});
  EXPECT_TRUE(full_kv(profile).extrapolated.empty());
  const PointResult point = full_kv(profile, true);
  ASSERT_EQ(point.extrapolated.size(), 1u);
  EXPECT_EQ(point.extrapolated.front().part, "prefill");
  EXPECT_EQ(point.extrapolated.front().value, 8192.0);
  EXPECT_LE(point.extrapolated.front().share, 1.0);
}

TEST(Extrapolation, AProfileWithoutRangesMarksNothing) {
  EXPECT_TRUE(full_kv(assumed_profile(), true).extrapolated.empty());
}

TEST(Extrapolation, MarksDoNotChangeFigures) {
  const PointResult marked = full_kv(fitted_to({tokens_up_to(4096.0)})), plain = full_kv(assumed_profile());
  EXPECT_EQ(marked.fingerprint, plain.fingerprint);
  EXPECT_EQ(marked.tpot, plain.tpot);
}

}  // namespace
}  // namespace outrider
