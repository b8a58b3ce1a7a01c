// Steps of every method that has kernels, executed on a GPU: order, ledger, repetition and the cost of timing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <stdexcept>

#include "kernels/backend/real_backend.h"
#include "kernels/backend/schedule.h"
#include "sim/base/statistics.h"
#include "sim/trace/trace_diff.h"
#include "tests/kernels/backend/gpu/points.h"
#include "tests/kernels/backend/graphs.h"

namespace outrider {
namespace {

using ::testing::HasSubstr;

constexpr std::int64_t kPsPerUs = 1'000'000;
// Events resolve half a µs; the clocks of host and GPU agree within some µs.
constexpr Duration kOneClock = Duration::from_ps(2 * kPsPerUs), kTwoClocks = Duration::from_ps(20 * kPsPerUs);

class RealBackendCuda : public testing::Test {
 protected:
  void SetUp() override {
    if (!missing_device().empty()) GTEST_SKIP() << missing_device();
  }
};

bool is_gpu(const Op& op) {
  const OpKind kind = kind_of(op.family);
  return kind == OpKind::gpu_kernel || kind == OpKind::copy;
}

// All dependencies kept, but for a launch and what it launches: that runs before the call returns.
void expect_order(const std::vector<TaskGraph>& graphs, const Trace& trace, const std::string& what) {
  const Schedule schedule = make_schedule(graphs);
  ASSERT_EQ(trace.spans.size(), schedule.ops.size()) << what;
  std::size_t broken = 0;
  for (OpIndex index = 0; index < schedule.ops.size(); ++index) {
    const ScheduledOp& op = schedule.ops[index];
    const Span& span = trace.spans[index];
    EXPECT_EQ(span.ledger().total(), span.end - span.created);
    for (const OpIndex on : schedule.dependencies[index]) {
      if (on_gpu(op.runner) && schedule.ops[on].runner == Runner::host) continue;
      const bool one_clock = is_gpu(*op.op) == is_gpu(*schedule.ops[on].op);
      const Duration early = trace.spans[on].end - span.start;
      if (early <= (one_clock ? kOneClock : kTwoClocks) || broken++ > 3) continue;
      ADD_FAILURE() << what << ": op " << index << " (" << to_string(op.op->family) << ", layer " << op.op->layer
                    << ") starts " << early.ps() / kPsPerUs << " us before op " << on << " ("
                    << to_string(schedule.ops[on].op->family) << ") ends";
    }
  }
  EXPECT_EQ(broken, 0U) << what;
}

void expect_everything_ran(const std::vector<TaskGraph>& graphs, const Trace& trace, const std::string& what) {
  for (std::size_t step = 0; step < graphs.size(); ++step) {
    const auto spans = trace.spans_of(trace.steps[step]);
    EXPECT_GT(trace.steps[step].end, trace.steps[step].begin);
    for (std::size_t op = 0; op < spans.size(); ++op) {
      if (is_gpu(graphs[step].op(OpId(op)))) {
        EXPECT_GT(spans[op].work, Duration()) << what << " op " << op << " of step " << step;
      }
    }
  }
}

// The median of steps.
double step_us(const Trace& trace) {
  std::vector<double> us;
  for (const Step& step : trace.steps) us.push_back((step.end - step.begin).seconds().value() * 1e6);
  return nearest_quantile(us, 0.5);
}

// What the host thread's calls took in the last step.
double launching_us(const Trace& trace) {
  double sum = 0.0;
  for (const Span& span : trace.spans_of(trace.steps.back())) {
    const std::string& name = trace.names[span.name];
    if (name.starts_with("launch")) sum += span.work.seconds().value() * 1e6;
  }
  return sum;
}

TEST_F(RealBackendCuda, RunsEveryMethodLaunchedEitherWay) {
  for (const MethodEntry& entry : methods()) {
    if (entry.info.runs != WorkloadKind::decode || entry.info.probe) continue;
    for (const Preset& preset : entry.info.presets) {
      for (const char* launch : {"graph", "eager"}) {
        const std::string what = entry.info.name + " " + preset.name + " " + launch;
        const GpuPoint point(
            {.method = entry.info.name, .preset = preset.name, .set = {{"launch", std::string(launch)}}});
        RealBackend backend(point.graphs());
        const Trace first = backend.run(), second = backend.run();
        expect_order(point.graphs(), first, what);
        expect_order(point.graphs(), second, what + " again");
        expect_everything_ran(point.graphs(), second, what);
        std::printf("%-32s %9.1f us a step, %9.1f again\n", what.c_str(), step_us(first), step_us(second));
      }
    }
  }
}

TEST_F(RealBackendCuda, FetchesBlocksEachWay) {
  for (const char* way : {"calls", "batched", "zero_copy"}) {
    for (const char* launch : {"graph", "eager"}) {
      const GpuPoint point({.method = "infinigen",
                            .set = {{"block_copies", std::string(way)}, {"launch", std::string(launch)}},
                            .drift = 0.8});
      RealBackend backend(point.graphs());
      const Trace trace = backend.run();
      const std::string what = std::string(way) + " " + launch;
      expect_order(point.graphs(), trace, what);
      expect_everything_ran(point.graphs(), trace, what);
    }
  }
}

TEST_F(RealBackendCuda, StreamsPageableMemoryAndAttendsOnTheCpu) {
  for (const char* memory : {"pinned", "pageable"}) {
    const GpuPoint point({.method = "flexgen", .set = {{"host_memory", std::string(memory)}}});
    RealBackend backend(point.graphs());
    expect_order(point.graphs(), backend.run(), memory);
  }
}

// A graph to each layer and step, as methods launch that fetch what a layer misses.
TEST_F(RealBackendCuda, HoldsHundredsOfGraphs) {
  const GpuPoint point({.method = "infinigen", .size = {.layers = 36}, .context = 8192, .steps = 16, .drift = 0.9});
  const auto begin = std::chrono::steady_clock::now();
  RealBackend backend(point.graphs());
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const Trace trace = backend.run();
  expect_order(point.graphs(), trace, "hundreds of graphs");
  std::printf("%zu ops planned in %.2f s, %.1f us a step\n", trace.spans.size(), seconds, step_us(trace));
}

// Steps as large as real ones. Steps that offload vary too much for a test of what timing costs them.
TEST_F(RealBackendCuda, TimingEveryOpIsWhatSlowsAStep) {
  const ModelSize size{
      .layers = 16, .hidden = 4096, .q_heads = 32, .kv_heads = 8, .intermediate = 12288, .vocab = 32000};
  for (const char* method : {"full_kv", "scout", "infinigen", "hgca"}) {
    for (const char* launch : {"graph", "eager"}) {
      const GpuPoint point({.method = method,
                            .set = {{"launch", std::string(launch)}},
                            .size = size,
                            .context = 16384,
                            .batch = 8,
                            .steps = 9});
      double us[3] = {}, launching[2] = {};
      for (const TimedOps timed : {kTimesNone, kTimesAll}) {
        RealBackend backend(point.graphs(), {.timed = timed});
        backend.run();
        const Trace trace = backend.run();
        us[timed.any() ? 1 : 0] = step_us(trace);
        launching[timed.any() ? 1 : 0] = launching_us(trace);
        if (timed.any()) {
          expect_order(point.graphs(), trace, method);
          continue;
        }
        const Trace in_parts = std::move(backend.run_in_parts().front());
        us[2] = step_us(in_parts);
        expect_everything_ran(point.graphs(), in_parts, method);
      }
      std::printf(
          "%-10s %-6s %9.1f us a step (launching %7.1f), %9.1f with every op timed (launching %7.1f), %9.1f in "
          "parts\n",
          method, launch, us[0], launching[0], us[1], launching[1], us[2]);
      if (std::string(method) == "full_kv") {
        EXPECT_LT(us[0], us[1]);
        EXPECT_LT(us[1], 1.3 * us[0]);
        EXPECT_LT(us[2], us[1]);
      }
    }
  }
}

Trace second_run(const std::vector<TaskGraph>& graphs, TimedOps timed) {
  RealBackend backend(graphs, {.timed = timed});
  backend.run();
  return backend.run();
}

TEST_F(RealBackendCuda, TwoGpusRunReplicasAtOnce) {
  if (!missing_device(1).empty()) GTEST_SKIP() << missing_device(1);
  for (const char* method : {"full_kv", "flexgen", "hgca", "scout"}) {
    const GpuPoint one({.method = method, .steps = 8}), two({.method = method, .steps = 8, .drift = 0.9});
    const std::vector<std::vector<TaskGraph>> replicas = {one.graphs(), two.graphs()};
    for (const TimedOps timed : {kTimesAll, kTimesNone}) {
      const Trace single = second_run(replicas[0], timed);
      RealBackend both(replicas, {.timed = timed});
      both.run_replicas();
      const std::vector<Trace> traces = both.run_replicas();
      ASSERT_EQ(traces.size(), 2U);
      EXPECT_THAT(both.facts().device, HasSubstr("2 x "));
      std::printf("%-10s %9.1f us a step alone, %9.1f and %9.1f at once\n", method, step_us(single), step_us(traces[0]),
                  step_us(traces[1]));
      if (!timed.any()) continue;
      for (std::size_t i = 0; i < 2; ++i) {
        expect_order(replicas[i], traces[i], method);
        expect_everything_ran(replicas[i], traces[i], method);
      }
    }
  }
}

TEST_F(RealBackendCuda, AProductTakesTheTimeItsWeightsTake) {
  SmallGraph graph;
  OpId last;
  for (int i = 0; i < 20; ++i) {
    const OpId launch = graph.host(Family::launch_kernel);
    last = graph.builder().add({Family::gemm, lane_id(Lane::compute), 0, GemmShape{.rows = 8.0, .n = 28672, .k = 4096}},
                               {last, launch});
  }
  const std::vector<TaskGraph> graphs{graph.seal(last)};
  RealBackend backend(graphs);
  backend.run();
  const Trace trace = backend.run();
  const double us = trace.spans[last.index()].work.seconds().value() * 1e6;
  const double rate = 28672.0 * 4096.0 * 2.0 / us / 1e6;  // TB/s
  std::printf("product of 235 MB: %.1f us, %.2f TB/s\n", us, rate);
  EXPECT_GT(rate, 0.3);
  EXPECT_LT(rate, 10.0);  // faster than any HBM: it would come from a cache
}

TEST_F(RealBackendCuda, RefusesMoreMemoryThanTheGpuHas) {
  SmallGraph graph;
  const OpId launch = graph.host(Family::launch_kernel);
  const OpId huge = graph.builder().add(
      {Family::gemm, lane_id(Lane::compute), 3, GemmShape{.rows = 8.0, .n = 1 << 20, .k = 1 << 20}}, {launch});
  const std::vector<TaskGraph> graphs{graph.seal(huge)};
  try {
    RealBackend backend(graphs);
    FAIL() << "planned";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("these steps need 2048"));
    EXPECT_THAT(error.what(), HasSubstr("weights 2048.00 GiB (largest: gemm of layer 3)"));
  }
}

}  // namespace
}  // namespace outrider
