// Replicas that submit their steps side by side: what they share slows them, what they do not leaves them alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/steps.h"

namespace outrider {
namespace {

// Lanes of three replicas.
Platform platform_of(std::initializer_list<std::pair<const char*, double>> resources_per_us,
                     std::initializer_list<std::pair<const char*, std::int64_t>> pools = {}) {
  Platform platform = make_platform(resources_per_us, pools);
  const std::vector<std::string> lanes = platform.lanes;
  for (int more = 0; more < 2; ++more) platform.lanes.insert(platform.lanes.end(), lanes.begin(), lanes.end());
  return platform;
}

StepPlan one_op(const Demand& demand, Lane lane = Lane::compute) {
  StepBuilder builder;
  const OpId op = builder.add(lane, demand);
  return std::move(builder).seal(op);
}

void submit(SimBackend& backend, const StepPlan& plan, std::size_t replica) {
  backend.submit(on_device(plan.graph, static_cast<int>(replica)), plan.demands, replica);
}

TEST(Replicas, StepsRunSideBySideAndEachReplicaGoesOnByItself) {
  // Replica 0: 3 steps of 2 µs; replica 1: 2 steps of 5 µs. Ends at 2, 4, 5, 6, 10.
  const StepPlan quick = one_op(latency_only(microseconds(2))), slow = one_op(latency_only(microseconds(5)));
  SimBackend backend(platform_of({}));
  submit(backend, quick, 0);
  submit(backend, slow, 1);
  std::vector<std::size_t> ended;
  std::size_t left[] = {2, 1};
  for (int i = 0; i < 5; ++i) {
    ended.push_back(backend.wait());
    const std::size_t replica = ended.back();
    if (left[replica] == 0) continue;
    --left[replica];
    submit(backend, replica == 0 ? quick : slow, replica);
  }
  EXPECT_THAT(ended, testing::ElementsAre(0, 0, 1, 0, 1));
  const Trace trace = backend.finish();
  // By replica, then by time, whatever the order in which they were submitted; so do their spans say.
  std::vector<std::pair<int, Instant>> steps;
  for (const Step& step : trace.steps) steps.emplace_back(step.replica, step.end);
  EXPECT_THAT(steps, testing::ElementsAre(std::pair(0, at_microseconds(2)), std::pair(0, at_microseconds(4)),
                                          std::pair(0, at_microseconds(6)), std::pair(1, at_microseconds(5)),
                                          std::pair(1, at_microseconds(10))));
  for (std::size_t i = 0; i < trace.steps.size(); ++i) {
    const Span& span = trace.spans_of(trace.steps[i]).front();
    EXPECT_EQ(span.step, static_cast<std::int32_t>(i));
    EXPECT_EQ(span.end, trace.steps[i].end);
    EXPECT_EQ(device_of(span.lane), trace.steps[i].replica);
  }
}

TEST(Replicas, OfStepsThatEndAtOneInstantTheLowestReplicaIsToldFirst) {
  const StepPlan step = one_op(latency_only(microseconds(4)));
  SimBackend backend(platform_of({}));
  for (const std::size_t replica : {2u, 0u, 1u}) submit(backend, step, replica);
  EXPECT_EQ(backend.wait(), 0u);
  EXPECT_EQ(backend.wait(), 1u);
  EXPECT_EQ(backend.wait(), 2u);
}

TEST(Replicas, AResourceThatAllShareIsDividedAmongThem) {
  // 30 B at 10 B/µs, alone 3 µs; three of them at once 9 µs.
  const StepPlan step = one_op(unit_work(1, 3.0, {{0, 30.0}}));
  SimBackend backend(platform_of({{"DRAM", 10.0}}));
  for (std::size_t replica = 0; replica < 3; ++replica) submit(backend, step, replica);
  for (std::size_t replica = 0; replica < 3; ++replica) EXPECT_EQ(backend.wait(), replica);
  const Trace trace = backend.finish();
  for (const Span& span : trace.spans) {
    EXPECT_NEAR(static_cast<double>((span.end - span.created).ps()), 9.0 * kPsPerUs, 4.0);
  }
  EXPECT_NEAR(trace.amounts[0], 90.0, 1e-6);
}

TEST(Replicas, AnOpQueuesBehindAnotherReplicasInASharedPool) {
  // Two cores, two units of 4 µs each: the second replica's wait until the first one's are done.
  const StepPlan step = one_op(in_pool(unit_work(2, 4.0), 0), Lane::cpu);
  SimBackend backend(platform_of({}, {{"cores", 2}}));
  submit(backend, step, 0);
  submit(backend, step, 1);
  backend.wait();
  backend.wait();
  const Trace trace = backend.finish();
  EXPECT_NEAR(static_cast<double>(trace.spans[1].end.ps()), 8.0 * kPsPerUs, 4.0);
  EXPECT_EQ(trace.spans[1].queued_behind, SpanId(0));
}

TEST(Replicas, CarrySlotsAreEachReplicasOwn) {
  StepBuilder fills;
  fills.fill(3, fills.add(Lane::none, latency_only(microseconds(9))));
  const OpId last = fills.add(Lane::none, latency_only(microseconds(1)));
  const StepPlan filling = std::move(fills).seal(last);
  StepBuilder waits;
  const OpId waiting = waits.add(Lane::none, latency_only(microseconds(1)));
  waits.await(waiting, 3);
  const StepPlan awaiting = std::move(waits).seal(waiting);
  SimBackend backend(platform_of({}));
  submit(backend, filling, 0);
  submit(backend, one_op(latency_only(microseconds(1))), 1);
  backend.wait();
  backend.wait();
  submit(backend, awaiting, 0);
  submit(backend, awaiting, 1);
  EXPECT_EQ(backend.wait(), 1u);  // nothing of its own to wait for: at 2 µs
  EXPECT_EQ(backend.wait(), 0u);  // at 10 µs
  const Trace trace = backend.finish();
  EXPECT_EQ(trace.steps[1].end, at_microseconds(10));
  EXPECT_EQ(trace.steps[3].end, at_microseconds(2));
}

TEST(ReplicasDeathTest, AReplicaHasOneStepAtATime) {
  const StepPlan step = one_op(latency_only(microseconds(4)));
  SimBackend backend(platform_of({}));
  EXPECT_DEATH(backend.wait(), "no step runs");
  submit(backend, step, 1);
  EXPECT_DEATH(submit(backend, step, 1), "a step of replica 1 begins before its last one has ended");
  EXPECT_DEATH(backend.finish(), "after all of its steps");
}

}  // namespace
}  // namespace outrider
