// Who runs what and how ops wait, on graphs of a few ops.
#include "kernels/backend/schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "tests/kernels/backend/graphs.h"

namespace outrider {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr auto kEvent = WaitBy::event;
constexpr auto kFlag = WaitBy::flag;

MATCHER_P2(Waits, on, by, "") { return arg.on == on.value && arg.by == by; }

TEST(Schedule, EagerOpsAreIssuedByTheirLaunch) {
  SmallGraph graph;
  const OpId first_launch = graph.host(Family::launch_kernel);
  const OpId first = graph.kernel({first_launch});
  const OpId launch = graph.host(Family::launch_kernel);
  const OpId second = graph.kernel({first, launch});
  const std::vector<TaskGraph> steps{graph.seal(second)};
  const Schedule schedule = make_schedule(steps);
  EXPECT_EQ(schedule.ops[second.index()].runner, Runner::stream);
  EXPECT_EQ(schedule.ops[second.index()].issuer, launch.value);
  EXPECT_THAT(schedule.ops[launch.index()].issues, ElementsAre(second.value));
  EXPECT_THAT(schedule.ops[second.index()].waits, IsEmpty());  // one stream: order is enough
  EXPECT_FALSE(schedule.ops[first.index()].records_event);
  EXPECT_THAT(schedule.closing[0], ElementsAre(Waits(second, kEvent)));
  EXPECT_TRUE(schedule.ops[second.index()].records_event);
}

TEST(Schedule, StreamsWaitForEachOtherByEvents) {
  SmallGraph graph;
  const OpId moved = graph.h2d({graph.host(Family::launch_copy)});
  const OpId kernel = graph.kernel({moved, graph.host(Family::launch_kernel)});
  const OpId known = graph.host(Family::synchronize, {kernel});
  const std::vector<TaskGraph> steps{graph.seal(known)};
  const Schedule schedule = make_schedule(steps);
  EXPECT_THAT(schedule.ops[kernel.index()].waits, ElementsAre(Waits(moved, kEvent)));
  EXPECT_THAT(schedule.ops[known.index()].waits, ElementsAre(Waits(kernel, kEvent)));
  EXPECT_TRUE(schedule.ops[moved.index()].records_event);
  EXPECT_THAT(schedule.closing[0], IsEmpty());  // the host thread ran it itself
}

TEST(Schedule, CpuAndGpuWaitForEachOtherByFlags) {
  SmallGraph graph;
  const OpId sent = graph.d2h({graph.host(Family::launch_copy)});
  const OpId attended = graph.attend({sent});
  const OpId output = graph.h2d({attended, graph.host(Family::launch_copy)});
  const std::vector<TaskGraph> steps{graph.seal(output)};
  const Schedule schedule = make_schedule(steps);
  EXPECT_EQ(schedule.ops[attended.index()].runner, Runner::pool);
  EXPECT_THAT(schedule.ops[attended.index()].waits, ElementsAre(Waits(sent, kFlag)));
  EXPECT_TRUE(schedule.ops[sent.index()].raises_flag);
  EXPECT_THAT(schedule.ops[output.index()].waits, ElementsAre(Waits(attended, kFlag)));
}

TEST(Schedule, LaunchGraphCapturesWhatDependsOnIt) {
  SmallGraph graph;
  const OpId launch = graph.host(Family::launch_graph);
  const OpId first = graph.kernel({launch});
  const OpId sent = graph.d2h({first, launch});
  const OpId second = graph.kernel({first, launch});
  const OpId known = graph.host(Family::synchronize, {sent});
  const OpId copied = graph.h2d({graph.host(Family::launch_copy, {known})});
  const OpId again = graph.host(Family::launch_graph);
  const OpId third = graph.kernel({second, copied, again});
  const std::vector<TaskGraph> steps{graph.seal(third)};
  const Schedule schedule = make_schedule(steps);
  for (const OpId op : {first, sent, second}) EXPECT_EQ(schedule.ops[op.index()].runner, Runner::captured);
  EXPECT_THAT(schedule.ops[launch.index()].issues, ElementsAre(first.value, sent.value, second.value));
  EXPECT_THAT(schedule.ops[sent.index()].waits, ElementsAre(Waits(first, kEvent)));
  EXPECT_FALSE(schedule.ops[first.index()].records_event);  // waited for inside its graph alone
  EXPECT_TRUE(schedule.ops[sent.index()].records_event);    // the host thread waits for it
  EXPECT_EQ(schedule.ops[copied.index()].runner, Runner::stream);
  // One graph behind the other on the compute stream; the copy lies on another.
  EXPECT_THAT(schedule.ops[third.index()].waits, ElementsAre(Waits(copied, kEvent)));
}

TEST(Schedule, WhatIsIssuedBehindAGraphThatWaitsForItRaisesAFlag) {
  SmallGraph graph;
  const OpId launch = graph.host(Family::launch_graph);
  const OpId copied = graph.h2d({graph.host(Family::launch_copy)});
  const OpId kernel = graph.kernel({copied, launch});
  const OpId step = graph.host(Family::schedule_step);
  const OpId later = graph.kernel({step, launch});
  const std::vector<TaskGraph> steps{graph.seal(later)};
  const Schedule schedule = make_schedule(steps);
  EXPECT_THAT(schedule.ops[kernel.index()].waits, ElementsAre(Waits(copied, kFlag)));
  EXPECT_TRUE(schedule.ops[copied.index()].raises_flag);
  EXPECT_THAT(schedule.ops[later.index()].waits, ElementsAre(Waits(step, kFlag)));
}

TEST(Schedule, CopiesThatNobodyLaunchesAreIssuedInTheBackground) {
  SmallGraph first, second;
  const OpId attended = first.kernel({first.host(Family::launch_kernel)});
  const OpId recalled = first.copy(Family::copy_h2d, {attended}, Lane::recall, 8.0);
  const OpId done = first.host(Family::synchronize, {attended});
  first.builder().fill(3, recalled);
  const OpId kernel = second.kernel({second.host(Family::launch_kernel)});
  second.builder().await(kernel, 3);
  const std::vector<TaskGraph> steps{first.seal(done), second.seal(kernel)};
  const Schedule schedule = make_schedule(steps);
  EXPECT_EQ(schedule.ops[recalled.index()].runner, Runner::background);
  EXPECT_THAT(schedule.ops[recalled.index()].waits, ElementsAre(Waits(attended, kFlag)));
  const OpIndex waiting = schedule.first_op[1] + kernel.value;
  EXPECT_THAT(schedule.ops[waiting].waits, ElementsAre(Waits(recalled, kFlag)));
  EXPECT_TRUE(schedule.ops[recalled.index()].raises_flag);
  EXPECT_THAT(schedule.dependencies[waiting], ElementsAre(schedule.first_op[1], recalled.value));
}

TEST(Schedule, TheSecondLaunchOfACopyMakesItsOtherCalls) {
  SmallGraph graph;
  const OpId launch = graph.host(Family::launch_copy);
  const OpId copied = graph.h2d({launch}, 5.0);
  const OpId rest = graph.host(Family::launch_copy, {}, 4.0);
  const OpId both = graph.barrier({copied, rest});
  const OpId kernel = graph.kernel({both, graph.host(Family::launch_kernel)});
  const std::vector<TaskGraph> steps{graph.seal(kernel)};
  const Schedule schedule = make_schedule(steps);
  EXPECT_EQ(schedule.ops[copied.index()].issuer, launch.value);
  EXPECT_EQ(schedule.ops[copied.index()].rest_issuer, rest.value);
  EXPECT_THAT(schedule.ops[rest.index()].issues, ElementsAre(copied.value));
  EXPECT_THAT(schedule.ops[kernel.index()].waits, ElementsAre(Waits(copied, kEvent)));
}

TEST(Schedule, AStepThatEndsWithABarrierWaitsForWhatIsBehindIt) {
  SmallGraph graph;
  const OpId attended = graph.attend({});
  const OpId end = graph.barrier({attended, graph.host(Family::schedule_step)});
  const std::vector<TaskGraph> steps{graph.seal(end)};
  EXPECT_THAT(make_schedule(steps).closing[0], ElementsAre(Waits(attended, kFlag)));
}

TEST(Schedule, RefusesOpsOfLanesThatCannotRunThem) {
  SmallGraph graph;
  const OpId kernel = graph.add(Family::gemm, Lane::cpu, GemmShape{.rows = 1.0, .n = 8, .k = 8}, {});
  const std::vector<TaskGraph> steps{graph.seal(kernel)};
  try {
    make_schedule(steps);
    FAIL() << "scheduled";
  } catch (const std::invalid_argument& error) {
    EXPECT_THAT(error.what(), HasSubstr("step 0, op 0: a gemm cannot run on lane 6"));
  }
}

}  // namespace
}  // namespace outrider
