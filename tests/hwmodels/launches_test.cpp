// What starting a kernel takes, by what its graph has around it.
#include "hwmodels/launches.h"

#include <gtest/gtest.h>

#include "hwmodels/machine_model.h"
#include "tests/hwmodels/machines.h"

namespace outrider {
namespace {

const Profile& profile() {
  static const Profile assumed = assumed_profile();
  return assumed;
}

// Of a graph's kernel, beyond what it takes by itself; where it is the first of its kind that runs, it is cold.
class Built {
 public:
  explicit Built(Family launch) { launch_ = builder_.add(on(Lane::host, launch, HostShape{}), {}); }

  OpId kernel(double bytes, std::initializer_list<OpId> after, Lane lane = Lane::compute) {
    std::vector<OpId> all(after);
    all.push_back(launch_);
    const StreamShape shape{.read = Bytes(bytes), .write = Bytes(0.0), .flops = Flops(0.0), .items = 64.0};
    return builder_.add(on(lane, Family::norm_rope, shape), all);
  }
  OpId copy(OpId after) {
    const CopyShape shape{.fragments = 1.0, .fragment = Bytes(4096.0)};
    return builder_.add(on(Lane::h2d, Family::copy_h2d, shape), {launch_, after});
  }
  OpId barrier(OpId after) { return builder_.add(on(Lane::none, Family::barrier, {}), {after}); }

  double beyond(OpId op) {
    const MachineModel model(machine_named("h200-16c"), profile());
    const TaskGraph graph = std::move(builder_).seal(op);
    const Demand demand = model.demands(graph)[op.index()];
    return (demand.lead + demand.latency - model.demand(graph.op(op)).latency).seconds().value();
  }

 private:
  static Op on(Lane lane, Family family, Shape shape) {
    Op op = op_of(family, std::move(shape));
    op.lane = lane_id(lane);
    return op;
  }
  GraphBuilder builder_;
  OpId launch_;
};

constexpr double kSmall = 1e6, kMoreThanL2 = 7e7;

TEST(Launches, OneByOneTakesLonger) {
  Built built(Family::launch_kernel);
  const OpId first = built.kernel(kSmall, {});
  EXPECT_NEAR(built.beyond(built.kernel(kSmall, {first})), profile().value("gpu.launch_gap"), 1e-11);
}

TEST(Launches, KernelsRunColdOnceOthersHaveFilledL2) {
  Built warm(Family::launch_graph);
  OpId last = warm.kernel(kSmall, {});
  last = warm.kernel(2.0 * kSmall, {last});
  EXPECT_NEAR(warm.beyond(warm.kernel(kSmall, {last})), 0.0, 1e-11);
  Built cold(Family::launch_graph);
  last = cold.kernel(kSmall, {});
  last = cold.kernel(kMoreThanL2, {last});
  EXPECT_NEAR(cold.beyond(cold.kernel(kSmall, {last})), profile().value("gpu.cold_latency"), 1e-11);
  Built first(Family::launch_graph);
  EXPECT_NEAR(first.beyond(first.kernel(kSmall, {})), profile().value("gpu.cold_latency"), 1e-11);
}

TEST(Launches, BranchesOfAGraphCostTheKernelBehindAndTheOneThatJoins) {
  const double fork = profile().value("gpu.fork_latency"), join = profile().value("gpu.join_latency");
  Built forks(Family::launch_graph);
  OpId kernel = forks.kernel(kSmall, {});
  forks.copy(kernel);
  EXPECT_NEAR(forks.beyond(forks.kernel(kSmall, {kernel})), fork, 1e-11);
  Built joins(Family::launch_graph);
  kernel = joins.kernel(kSmall, {});
  const OpId copied = joins.barrier(joins.copy(kernel));
  kernel = joins.kernel(kSmall, {kernel});
  EXPECT_NEAR(joins.beyond(joins.kernel(kSmall, {kernel, copied})), join, 1e-11);
  Built lanes(Family::launch_graph);
  kernel = lanes.kernel(kSmall, {});
  EXPECT_NEAR(lanes.beyond(lanes.kernel(kSmall, {kernel}, Lane::side)), join, 1e-11);
}

TEST(Launches, EventsBetweenKernelsLaunchedOneByOneCostNothing) {
  Built built(Family::launch_kernel);
  OpId kernel = built.kernel(kSmall, {});
  const OpId copied = built.copy(kernel);
  kernel = built.kernel(kSmall, {kernel, copied});
  EXPECT_NEAR(built.beyond(kernel), profile().value("gpu.launch_gap"), 1e-11);
}

}  // namespace
}  // namespace outrider
