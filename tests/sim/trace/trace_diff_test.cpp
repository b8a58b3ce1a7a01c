// Differences of small traces written by hand, times in picoseconds.
#include "sim/trace/trace_diff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/traces.h"

namespace outrider {
namespace {

using ::testing::HasSubstr;

Duration ps(std::int64_t value) { return Duration::from_ps(value); }

TEST(TraceDiff, MakespanAndStepErrorsAreSigned) {
  const Trace predicted = TraceBuilder().step(0, 110).step(110, 200).trace();
  const Trace measured = TraceBuilder().step(5, 105).step(107, 205).trace();  // 100, then 98 after a gap of 2
  const TraceDiff diff = trace_diff(predicted, measured, {0, 2});
  EXPECT_EQ(diff.makespan.predicted, ps(200));
  EXPECT_EQ(diff.makespan.measured, ps(200));
  EXPECT_DOUBLE_EQ(diff.makespan.error(), 0.0);
  ASSERT_EQ(diff.steps.size(), 2U);
  EXPECT_NEAR(diff.steps[0].error(), 0.10, 1e-12);
  EXPECT_NEAR(diff.steps[1].error(), 90.0 / 98.0 - 1.0, 1e-12);
}

TEST(TraceDiff, SumsFamiliesAndTheirQueueing) {
  TraceBuilder predicted, measured;
  // gemm: 10 + 20 predicted, 12 + 28 measured; queue 3 predicted, 1 measured. copy: 5 in both.
  predicted.step(0, 100).span(0, 0, 10).add({.ready = 10, .start = 13, .end = 33, .work = 16});
  predicted.add({.lane = 1, .name = 1, .start = 0, .end = 5, .work = 5});
  measured.step(0, 100).span(0, 0, 12).add({.ready = 12, .start = 13, .end = 41, .work = 28});
  measured.add({.lane = 1, .name = 1, .start = 0, .end = 5, .work = 5});
  const TraceDiff diff = trace_diff(predicted.trace(), measured.trace(), {0, 1});
  ASSERT_EQ(diff.families.size(), 2U);
  EXPECT_EQ(diff.families[0].name, "gemm");
  EXPECT_EQ(diff.families[0].ops, 2U);
  EXPECT_EQ(diff.families[0].ran.predicted, ps(30));
  EXPECT_EQ(diff.families[0].ran.measured, ps(40));
  EXPECT_DOUBLE_EQ(diff.families[0].ran.error(), -0.25);
  EXPECT_EQ(diff.families[0].queue.predicted, ps(3));
  EXPECT_EQ(diff.families[0].queue.measured, ps(1));
  EXPECT_EQ(diff.families[0].predicted_contention, ps(4));
  EXPECT_EQ(diff.families[1].name, "copy");
  EXPECT_DOUBLE_EQ(diff.families[1].ran.error(), 0.0);
}

TEST(TraceDiff, LanesIdleAndOverlapAsSharesOfTheRange) {
  TraceBuilder predicted, measured;
  // Predicted: lane 0 [0, 60), lane 1 [40, 100): 20 of 100 together. Measured: one after the other.
  predicted.step(0, 100).span(0, 0, 60).span(1, 40, 100);
  measured.step(0, 100).span(0, 0, 50).span(1, 50, 100);
  const TraceDiff diff = trace_diff(predicted.trace(), measured.trace(), {0, 1});
  ASSERT_EQ(diff.lanes.size(), 2U);  // the host lane ran nothing
  EXPECT_EQ(diff.lanes[0].lane, "compute");
  EXPECT_DOUBLE_EQ(diff.lanes[0].predicted_idle, 0.4);
  EXPECT_DOUBLE_EQ(diff.lanes[0].measured_idle, 0.5);
  EXPECT_NEAR(diff.lanes[0].predicted_overlap, 0.2, 1e-12);
  EXPECT_NEAR(diff.lanes[0].measured_overlap, 0.0, 1e-12);
  EXPECT_NEAR(diff.lanes[1].predicted_overlap, 0.2, 1e-12);
}

TEST(TraceDiff, WorstOpsComeFirstWhateverTheirSign) {
  TraceBuilder predicted, measured;
  predicted.step(0, 100).span(0, 0, 10).span(0, 10, 40).span(0, 40, 45);
  measured.step(0, 100).span(0, 0, 12).span(0, 12, 22).span(0, 22, 32);  // off by −2, +20, −5
  const TraceDiff diff = trace_diff(predicted.trace(), measured.trace(), {0, 1}, 2);
  ASSERT_EQ(diff.worst.size(), 2U);
  EXPECT_EQ(diff.worst[0].op, 1U);
  EXPECT_DOUBLE_EQ(diff.worst[0].ran.error(), 2.0);
  EXPECT_EQ(diff.worst[1].op, 2U);
  EXPECT_DOUBLE_EQ(diff.worst[1].ran.error(), -0.5);
  EXPECT_THAT(to_text(diff), HasSubstr("gemm, layer -1, step 0"));
}

TEST(TraceDiff, OpsThatWereNotTimedAreLeftOut) {
  TraceBuilder predicted, measured;
  predicted.step(0, 100).span(0, 0, 10).span(0, 10, 40);
  measured.step(0, 100).span(0, 0, 0).span(0, 12, 22);
  const TraceDiff diff = trace_diff(predicted.trace(), measured.trace(), {0, 1});
  ASSERT_EQ(diff.families.size(), 1U);
  EXPECT_EQ(diff.families[0].ops, 1U);
  EXPECT_EQ(diff.worst.size(), 1U);
}

TEST(TraceDiff, ErrorsOfNothingAreZeroOrInfinite) {
  EXPECT_DOUBLE_EQ((DurationPair{ps(0), ps(0)}.error()), 0.0);
  EXPECT_TRUE(std::isinf(DurationPair{ps(1), ps(0)}.error()));
  EXPECT_DOUBLE_EQ((DurationPair{ps(0), ps(5)}.error()), -1.0);
}

TEST(TraceDiff, RefusesTracesOfOtherGraphs) {
  const Trace one = TraceBuilder().step(0, 10).span(0, 0, 5).trace();
  const Trace two = TraceBuilder().step(0, 10).span(0, 0, 5).span(0, 5, 6).trace();
  const Trace named = TraceBuilder().step(0, 10).add({.name = 1, .end = 5, .work = 5}).trace();
  const auto complaint = [&](const Trace& other, StepRange range) -> std::string {
    try {
      trace_diff(one, other, range);
    } catch (const std::invalid_argument& error) { return error.what(); }
    return "";
  };
  EXPECT_THAT(complaint(two, {0, 1}), HasSubstr("step 0 has 1 ops in one trace and 2 in the other"));
  EXPECT_THAT(complaint(named, {0, 1}), HasSubstr("op 0 of step 0 is gemm in one trace and copy in the other"));
  EXPECT_THAT(complaint(one, {0, 2}), HasSubstr("have no steps [0, 2) in common"));
}

}  // namespace
}  // namespace outrider
