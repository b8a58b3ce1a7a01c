// Threads that wait for each other, and what happens where one of them fails or waits in vain.
#include "kernels/backend/execution.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <thread>

#include "kernels/backend/layout.h"
#include "tests/kernels/backend/graphs.h"

namespace outrider {
namespace {

using ::testing::HasSubstr;

// A device that has done everything the moment it is issued, and notes what it was asked for.
class InstantDevice final : public Device {
 public:
  explicit InstantDevice(std::span<Flag> flags) : flags_(flags) {}

  std::string name() const override { return "instant"; }
  std::size_t free_bytes() const override { return 0; }
  void enter() override { entered_.push_back({std::this_thread::get_id(), std::chrono::steady_clock::now()}); }
  void prepare(const Binding& /*binding*/) override {}
  void time_ops(TimedOps) override {}
  void begin_step(std::size_t step) override { asked_ += "step" + std::to_string(step) + " "; }
  void issue(OpIndex op, Calls calls) override {
    if (op == refused_) throw std::runtime_error("refused");
    asked_ += (calls == Calls::first ? "first" : calls == Calls::rest ? "rest" : "all") + std::to_string(op) + " ";
    if (calls != Calls::first) flags_[op].raised = 1;
  }
  void launch_graph(OpIndex op) override { asked_ += "graph" + std::to_string(op) + " "; }
  void wait(OpIndex op) override { asked_ += "wait" + std::to_string(op) + " "; }
  void drain() override { asked_ += "drain"; }
  OpTimes times(OpIndex /*op*/) const override { return {}; }

  void refuse(OpIndex op) { refused_ = op; }
  const std::string& asked() const { return asked_; }
  struct Entry {
    std::thread::id thread;
    std::chrono::steady_clock::time_point at;
  };
  const std::vector<Entry>& entered() const { return entered_; }

 private:
  std::vector<Entry> entered_;
  std::span<Flag> flags_;
  std::string asked_;  // of the host thread alone: tests of the background have no host op that issues
  OpIndex refused_ = kNoOp;
};

struct Setting {
  explicit Setting(std::vector<TaskGraph> steps)
      : graphs(std::move(steps)),
        schedule(make_schedule(graphs)),
        layout(lay_out(schedule)),
        flags(std::make_unique<Flag[]>(schedule.ops.size())),
        memory(std::max_element(layout.arenas.begin(), layout.arenas.end(),
                                [](const ArenaSize& a, const ArenaSize& b) { return a.bytes < b.bytes; })
                   ->bytes),
        device({flags.get(), schedule.ops.size()}) {
    work = std::make_unique<PoolWork>(schedule, layout, arenas(), pool);
  }

  ArenaAddresses arenas() {
    ArenaAddresses addresses{};
    addresses.fill(memory.data());
    return addresses;
  }

  std::string run(std::chrono::seconds patience) {
    try {
      execution(*work, patience)->run();
    } catch (const std::exception& error) { return error.what(); }
    return "";
  }

  std::unique_ptr<Execution> execution(PoolWork& ops, std::chrono::seconds patience = std::chrono::seconds(5)) {
    return std::make_unique<Execution>(schedule, &device, ops, std::span{flags.get(), schedule.ops.size()},
                                       ExecutionOptions{.patience = patience, .placement = {}});
  }

  std::vector<TaskGraph> graphs;
  Schedule schedule;
  Layout layout;
  std::unique_ptr<Flag[]> flags;
  std::vector<std::byte> memory;
  InstantDevice device;
  ThreadPool pool{{.threads = 0}};
  std::unique_ptr<PoolWork> work;
};

std::vector<TaskGraph> one(TaskGraph graph) {
  std::vector<TaskGraph> graphs;
  graphs.push_back(std::move(graph));
  return graphs;
}

TEST(Execution, TheHostThreadIssuesInOrder) {
  SmallGraph graph;
  const OpId copied = graph.h2d({graph.host(Family::launch_copy)}, 3.0);  // 0, 1
  const OpId rest = graph.host(Family::launch_copy, {}, 2.0);             // 2
  const OpId both = graph.barrier({copied, rest});
  const OpId launch = graph.host(Family::launch_graph);  // 4
  const OpId kernel = graph.kernel({both, launch});      // 5
  Setting setting(one(graph.seal(graph.host(Family::synchronize, {kernel}))));
  EXPECT_EQ(setting.run(std::chrono::seconds(5)), "");
  EXPECT_EQ(setting.device.asked(), "step0 first1 rest1 graph4 wait5 drain");
}

TEST(Execution, TheBackgroundThreadIssuesOnceDependenciesHaveEnded) {
  SmallGraph graph;
  const OpId attended = graph.attend({});
  graph.copy(Family::copy_h2d, {attended}, Lane::recall, 4.0);
  Setting setting(one(graph.seal(attended)));
  EXPECT_EQ(setting.run(std::chrono::seconds(5)), "");
  EXPECT_THAT(setting.device.asked(), HasSubstr("all1 drain"));
}

TEST(Execution, AFailureOfOneThreadReachesTheCallerAndEndsTheOthers) {
  SmallGraph graph;
  const OpId kernel = graph.kernel({graph.host(Family::launch_kernel)});
  const OpId attended = graph.attend({kernel});
  Setting setting(one(graph.seal(attended)));
  setting.device.refuse(kernel.value);
  EXPECT_EQ(setting.run(std::chrono::seconds(60)), "refused");
  setting.device.refuse(kNoOp);
  EXPECT_EQ(setting.run(std::chrono::seconds(60)), "");  // and the next run is a run like any other
}

TEST(Execution, AWaitInVainIsAnErrorThatNamesTheOp) {
  SmallGraph graph;
  const OpId kernel = graph.kernel({graph.host(Family::launch_kernel)});
  graph.attend({kernel});
  Setting setting(one(graph.seal(graph.host(Family::schedule_step))));
  setting.schedule.ops[0].issues.clear();  // nobody launches it
  EXPECT_EQ(setting.run(std::chrono::seconds(0)), "waited 0 s for op 1 of step 0 (norm_rope), which does not end");
}

// Attention of two layers behind each other, in each of three steps.
std::vector<TaskGraph> attending_steps() {
  std::vector<TaskGraph> steps;
  for (int step = 0; step < 3; ++step) {
    SmallGraph graph;
    const OpId first = graph.attend({graph.kernel({graph.host(Family::launch_kernel)})}, 2048.0);
    const OpId second = graph.attend({graph.kernel({graph.host(Family::launch_kernel, {first})})}, 2048.0);
    steps.push_back(graph.seal(graph.host(Family::synchronize, {second})));
  }
  return steps;
}

TEST(Replicas, ShareThePoolOneOpAtATimeAndEachItsOwnThreadAndDevice) {
  Setting one(attending_steps()), two(attending_steps());
  PoolWork work_of_two(two.schedule, two.layout, two.arenas(), one.pool);
  const auto first = one.execution(*one.work), second = two.execution(work_of_two);
  Execution* const both[] = {first.get(), second.get()};
  for (int run = 0; run < 3; ++run) {
    Execution::run_together(both);
    std::vector<std::pair<std::int64_t, std::int64_t>> attended;
    for (const Execution* each : both) {
      for (OpIndex op = 0; op < one.schedule.ops.size(); ++op) {
        if (one.schedule.ops[op].runner != Runner::pool) continue;
        const OpTimes& times = each->op_times()[op];
        EXPECT_TRUE(times.measured);
        attended.emplace_back(times.start_ns, times.end_ns);
      }
    }
    ASSERT_EQ(attended.size(), 12U);
    std::sort(attended.begin(), attended.end());
    for (std::size_t i = 1; i < attended.size(); ++i) EXPECT_GE(attended[i].first, attended[i - 1].second);
  }
  EXPECT_EQ(one.device.entered().front().thread, std::this_thread::get_id());
  EXPECT_NE(two.device.entered().front().thread, std::this_thread::get_id());
}

TEST(Replicas, BeginOnceAllAreReady) {
  Setting one(attending_steps()), two(attending_steps());
  PoolWork work_of_two(two.schedule, two.layout, two.arenas(), one.pool);
  const auto first = one.execution(*one.work), second = two.execution(work_of_two);
  Execution* const both[] = {first.get(), second.get()};
  Execution::run_together(both);
  for (const Setting* setting : {&one, &two}) {
    const auto entered = setting->device.entered().front().at.time_since_epoch();
    for (const Execution* each : both) {
      EXPECT_GE(std::chrono::nanoseconds(each->step_times().front().begin_ns), entered);
    }
  }
}

TEST(Replicas, AFailureOfOneLeavesTheOthersToEndAndReachesTheCaller) {
  Setting one(attending_steps()), two(attending_steps());
  PoolWork work_of_two(two.schedule, two.layout, two.arenas(), one.pool);
  two.device.refuse(1);
  const auto first = one.execution(*one.work), second = two.execution(work_of_two);
  Execution* const both[] = {first.get(), second.get()};
  try {
    Execution::run_together(both);
    ADD_FAILURE() << "nothing was refused";
  } catch (const std::runtime_error& error) { EXPECT_STREQ(error.what(), "refused"); }
  for (const StepTimes& step : first->step_times()) EXPECT_GT(step.end_ns, step.begin_ns);
  two.device.refuse(kNoOp);
  EXPECT_NO_THROW(Execution::run_together(both));
}

}  // namespace
}  // namespace outrider
