// Draws of a profile: what they are spread like, and what they leave alone.
#include "hwmodels/uncertainty.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "hwmodels/coefficients.h"
#include "sim/base/statistics.h"
#include "tests/hwmodels/machines.h"

namespace outrider {
namespace {

constexpr int kMany = 4000;

std::vector<double> drawn_values(const Profile& profile, const std::string& coefficient) {
  std::vector<double> values;
  for (int i = 0; i < kMany; ++i)
    values.push_back(drawn_profile(profile, 1, static_cast<std::uint64_t>(i)).value(coefficient));
  return values;
}

Profile with(const std::string& name, Coefficient coefficient) {
  Profile profile = assumed_profile();
  profile.coefficients.find(name)->second = std::move(coefficient);
  return profile;
}

// A fit of products whose held-out errors are at most 10 % in nine of ten, sampled with up to 1024 rows.
Profile fitted_profile() {
  Profile profile = assumed_profile();
  profile.fit.emplace();
  profile.fit->residuals = {
      {.family = "gemm", .samples = 100, .p90 = 0.08, .held_out_p90 = 0.1, .worst_shape = {}},
      {.family = "cpu_attend", .samples = 100, .p90 = 0.2, .held_out_p90 = 0.2, .worst_shape = {}}};
  profile.fit->ranges = {{.family = "gemm", .size = "rows", .low = 1.0, .high = 1024.0}};
  return profile;
}

OpSizes product(double rows) { return {.family = *sized_family_named("gemm"), .values = {rows, 3e7, 0.0}}; }
OpSizes cpu_attention(double bytes) {
  return {.family = *sized_family_named("cpu_attend"), .values = {bytes, 1000.0, 4.0}};
}

std::vector<double> magnitudes(const OpSizes& sizes) {
  const Profile profile = fitted_profile();
  std::vector<double> values;
  for (int i = 0; i < kMany; ++i) {
    const OpErrors errors(drawn_profile(profile, 1, static_cast<std::uint64_t>(i)));
    values.push_back(std::abs(std::log(errors.factor(sizes))));
  }
  return values;
}

TEST(DrawnProfile, HasTheStatedIntervalAndMedian) {
  const std::vector<double> values = drawn_values(
      with("gpu.kernel_latency", {.value = 2e-6, .low = 1.5e-6, .high = 4e-6, .source = {}}), "gpu.kernel_latency");
  EXPECT_NEAR(interpolated_quantile(values, 0.05), 1.5e-6, 0.05e-6);
  EXPECT_NEAR(interpolated_quantile(values, 0.5), 2e-6, 0.05e-6);
  EXPECT_NEAR(interpolated_quantile(values, 0.95), 4e-6, 0.15e-6);
}

TEST(DrawnProfile, IsNeverNegativeAndNoShareExceedsOne) {
  for (const double value :
       drawn_values(with("link.hand_over", {.value = 0, .low = 0, .high = 3e-6, .source = {}}), "link.hand_over"))
    EXPECT_GE(value, 0.0);
  for (const double value :
       drawn_values(with("gpu.attention_hbm_efficiency", {.value = 0.98, .low = 0.9, .high = 1.0, .source = {}}),
                    "gpu.attention_hbm_efficiency"))
    EXPECT_LE(value, 1.0);
}

double correlation(const std::vector<double>& a, const std::vector<double>& b) {
  const auto count = static_cast<double>(a.size());
  double sum_a = 0.0, sum_b = 0.0, aa = 0.0, bb = 0.0, ab = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    sum_a += a[i];
    sum_b += b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
    ab += a[i] * b[i];
  }
  const double cross = ab - sum_a * sum_b / count;
  return cross / std::sqrt((aa - sum_a * sum_a / count) * (bb - sum_b * sum_b / count));
}

TEST(DrawnProfile, WhatIsNotFittedOnTheMachineVariesByKind) {
  const auto between = [](const Profile& profile, const std::string& other) {
    return correlation(drawn_values(profile, "gpu.gemm_latency"), drawn_values(profile, other));
  };
  EXPECT_NEAR(between(assumed_profile(), "gpu.score_latency"), 0.5, 0.07);
  EXPECT_NEAR(between(assumed_profile(), "cpu.attention_latency"), 0.0, 0.07);
  EXPECT_NEAR(between(assumed_profile(), "gpu.gemm_hbm_efficiency"), 0.0, 0.07);
  Profile fitted = fitted_profile();
  fitted.kind = ProfileKind::fitted;
  EXPECT_NEAR(between(fitted, "gpu.score_latency"), 0.0, 0.07);
}

TEST(DrawnProfile, ACoefficientsDrawDependsOnNoOther) {
  const Profile plain = drawn_profile(assumed_profile(), 1, 7);
  const Profile other =
      drawn_profile(with("gpu.kernel_latency", {.value = 1e-3, .low = 1e-4, .high = 1.0, .source = {}}), 1, 7);
  EXPECT_EQ(plain.value("gpu.gemm_hbm_efficiency"), other.value("gpu.gemm_hbm_efficiency"));
  EXPECT_EQ(plain.value("gpu.gemm_hbm_efficiency"),
            drawn_profile(assumed_profile(), 1, 7).value("gpu.gemm_hbm_efficiency"));
  EXPECT_NE(plain.value("gpu.gemm_hbm_efficiency"),
            drawn_profile(assumed_profile(), 1, 8).value("gpu.gemm_hbm_efficiency"));
  EXPECT_NE(plain.value("gpu.gemm_hbm_efficiency"),
            drawn_profile(assumed_profile(), 2, 7).value("gpu.gemm_hbm_efficiency"));
}

TEST(Transferred, WidensTimesByAFactorAndSharesByAFifth) {
  for (const auto& [name, before] : assumed_profile().coefficients) {
    // Times are microseconds; shares, costs and bytes are not.
    EXPECT_EQ(is_time(name), before.high < 1e-3) << name;
    const Coefficient after = transferred(assumed_profile()).coefficients.find(name)->second;
    EXPECT_DOUBLE_EQ(after.value, before.value);
    EXPECT_DOUBLE_EQ(after.low, before.low * (is_time(name) ? 1.0 / kTransferTimes : 1.0 - kTransferWidening));
    const double high = before.high * (is_time(name) ? kTransferTimes : 1.0 + kTransferWidening);
    EXPECT_DOUBLE_EQ(after.high, name.ends_with("_efficiency") ? std::min(high, 1.0) : high);
  }
}

TEST(OpErrors, AreNoneWithoutADrawOrAFit) {
  EXPECT_TRUE(OpErrors(fitted_profile()).empty());
  EXPECT_EQ(OpErrors(fitted_profile()).factor(product(64.0)), 1.0);
  EXPECT_TRUE(OpErrors(drawn_profile(assumed_profile(), 1, 0)).empty());
}

TEST(OpErrors, ReachTheHeldOutP90InNineOfTen) {
  EXPECT_NEAR(interpolated_quantile(magnitudes(product(64.0)), 0.9), std::log(1.1), 0.005);
  EXPECT_NEAR(interpolated_quantile(magnitudes(cpu_attention(1e6)), 0.9), std::log(1.2), 0.01);
}

TEST(OpErrors, GrowBeyondWhatWasSampled) {
  const double inside = interpolated_quantile(magnitudes(product(1000.0)), 0.9);
  const double beyond = interpolated_quantile(magnitudes(product(16384.0)), 0.9);  // by four doublings
  EXPECT_NEAR(beyond, std::hypot(inside, 1.645 * 4.0 * kBeyondPerDoubling), 0.006);
}

TEST(OpErrors, AreSharedByShapesAlikeAndByAllOfTheCpu) {
  const OpErrors errors(drawn_profile(fitted_profile(), 1, 3));
  EXPECT_EQ(errors.factor(product(64.0)), errors.factor(product(127.0)));
  EXPECT_NE(errors.factor(product(64.0)), errors.factor(product(128.0)));
  EXPECT_EQ(errors.factor(cpu_attention(1e6)), errors.factor(cpu_attention(1e8)));
}

TEST(OpErrors, LengthenAnOpAsAWhole) {
  const Profile draw = drawn_profile(fitted_profile(), 1, 5);
  Profile without = draw;
  without.op_errors.reset();
  const MachineSpec spec = machine_named("h200-16c");
  const MachineModel model(spec, draw), plain(spec, without);
  GemmShape shape;
  shape.rows = 64.0;
  shape.n = 8192;
  shape.k = 4096;
  const Op op = op_of(Family::gemm, shape);
  const double factor = OpErrors(draw).factor(*sizes_of(op));
  EXPECT_NE(factor, 1.0);
  const double took = isolated_duration(model.demand(op), model.platform()).seconds().value();
  EXPECT_NEAR(took, factor * isolated_duration(plain.demand(op), plain.platform()).seconds().value(), 1e-11);
}

}  // namespace
}  // namespace outrider
