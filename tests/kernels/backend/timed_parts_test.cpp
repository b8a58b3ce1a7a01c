// Runs that each timed some of the ops, put together by hand.
#include "kernels/backend/timed_parts.h"

#include <gtest/gtest.h>

#include "tests/kernels/backend/graphs.h"

namespace outrider {
namespace {

constexpr OpTimes kUntimed{};

struct TwoKernels : testing::Test {
  TwoKernels() {
    SmallGraph graph;
    const OpId first = graph.kernel({graph.host(Family::launch_kernel)});
    const OpId second = graph.kernel({first, graph.host(Family::launch_kernel)});
    graphs.push_back(graph.seal(graph.host(Family::synchronize, {second})));
    schedule = make_schedule(graphs);
  }

  // A run that began at `begin` and took `length`; kernels are ops 1 and 3.
  static RunTimes run(std::int64_t begin, std::int64_t length, OpTimes first, OpTimes second) {
    const OpTimes launch{begin, begin + 5, true}, end{begin + 6, begin + length, true};
    return {{launch, first, launch, second, end}, {{begin, begin + length}}};
  }

  std::vector<TaskGraph> graphs;
  Schedule schedule;
};

TEST_F(TwoKernels, AreTakenFromTheRunsThatTimedThem) {
  const std::vector<RunTimes> parts = {run(1000, 100, {1010, 1040, true}, kUntimed),
                                       run(5000, 100, kUntimed, {5050, 5090, true})};
  const RunTimes joined = join_parts(schedule, parts);
  EXPECT_EQ(joined.steps[0].begin_ns, 5000);
  EXPECT_EQ(joined.ops[1].start_ns, 5010);
  EXPECT_EQ(joined.ops[1].end_ns, 5040);
  EXPECT_EQ(joined.ops[3].start_ns, 5050);
  EXPECT_EQ(joined.ops[3].end_ns, 5090);
}

TEST_F(TwoKernels, StretchWithTheirStep) {
  const std::vector<RunTimes> parts = {run(1000, 100, {1010, 1040, true}, kUntimed),
                                       run(5000, 200, kUntimed, {5100, 5180, true})};
  const RunTimes joined = join_parts(schedule, parts);
  EXPECT_EQ(joined.steps[0].end_ns, 5200);
  EXPECT_EQ(joined.ops[1].start_ns, 5020);
  EXPECT_EQ(joined.ops[1].end_ns, 5080);
  EXPECT_EQ(joined.ops[3].end_ns, 5180);
}

TEST_F(TwoKernels, StandInTheRunOfMedianLength) {
  const std::vector<RunTimes> parts = {run(1000, 90, {1010, 1040, true}, kUntimed), run(3000, 110, kUntimed, kUntimed),
                                       run(5000, 100, kUntimed, {5050, 5090, true})};
  const RunTimes joined = join_parts(schedule, parts);
  EXPECT_EQ(joined.steps[0].begin_ns, 5000);
  EXPECT_EQ(joined.ops[0].end_ns, 5005);  // the host's, which all runs timed
  EXPECT_EQ(joined.ops[1].start_ns, 5011);
}

TEST_F(TwoKernels, ThatNoRunTimedStayUntimed) {
  const RunTimes joined = join_parts(schedule, std::vector<RunTimes>{run(1000, 100, {1010, 1040, true}, kUntimed)});
  EXPECT_TRUE(joined.ops[1].measured);
  EXPECT_FALSE(joined.ops[3].measured);
}

// A copy beside the CPU's attention, which began later and took longer in the run that timed the copy.
TEST(TimedParts, KeepOpsBesideTheLoopsOfTheCpuBesideWhichTheyRan) {
  SmallGraph graph;
  const OpId launch = graph.host(Family::launch_kernel);
  const OpId attended = graph.attend({launch}), copied = graph.d2h({launch});
  const std::vector<TaskGraph> graphs{graph.seal(graph.host(Family::synchronize, {attended, copied}))};
  const Schedule schedule = make_schedule(graphs);
  const auto run = [](std::int64_t begin, OpTimes cpu, OpTimes copy) {
    return RunTimes{{{begin, begin + 5, true}, cpu, copy, {begin + 6, begin + 1000, true}}, {{begin, begin + 1000}}};
  };
  const std::vector<RunTimes> parts = {run(90'000, {90'300, 90'700, true}, {90'500, 91'200, true}),
                                       run(10'000, {10'200, 10'400, true}, kUntimed)};
  const RunTimes joined = join_parts(schedule, parts);
  EXPECT_EQ(joined.ops[1].start_ns, 10'200);
  EXPECT_EQ(joined.ops[2].start_ns, 10'300);  // in the middle of the attention
  EXPECT_EQ(joined.ops[2].end_ns, 11'200);    // 200 ns behind the step
}

}  // namespace
}  // namespace outrider
