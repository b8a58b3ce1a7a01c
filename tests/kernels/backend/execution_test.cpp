// Threads that wait for each other, and what happens where one of them fails or waits in vain.
#include "kernels/backend/execution.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>

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
  void prepare(const Binding& /*binding*/) override {}
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

 private:
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
        memory(std::size_t{1} << 20),
        device({flags.get(), schedule.ops.size()}) {
    ArenaAddresses arenas{};
    arenas.fill(memory.data());
    work = std::make_unique<PoolWork>(schedule, layout, arenas, pool);
  }

  std::string run(std::chrono::seconds patience) {
    Execution execution(schedule, &device, *work, {flags.get(), schedule.ops.size()},
                        {.patience = patience, .placement = {}});
    try {
      execution.run();
    } catch (const std::exception& error) { return error.what(); }
    return "";
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

}  // namespace
}  // namespace outrider
