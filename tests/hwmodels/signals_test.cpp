// What waits for what, and how long until it knows.
#include "hwmodels/signals.h"

#include <gtest/gtest.h>

#include "hwmodels/machine_model.h"
#include "sim/engine/sim_backend.h"
#include "tests/hwmodels/machines.h"

namespace outrider {
namespace {

Op on(Lane lane, Family family, Shape shape = {}) {
  Op op = op_of(family, shape);
  op.lane = lane_id(lane);
  return op;
}

TEST(Signals, KernelsCopiesAndTheCpuLearnOfEachOther) {
  const Profile profile = assumed_profile();
  const MachineModel model(machine_named("h200-16c"), profile);
  const double hand_over = profile.value("link.hand_over"), flag = profile.value("gpu.flag_latency");
  const CopyShape copy{.fragments = 1.0, .fragment = Bytes(4096.0)};
  const StreamShape stream{.read = Bytes(1e6), .write = Bytes(1e6), .flops = Flops(0.0), .items = 64.0};
  GraphBuilder builder;
  const OpId kernel = builder.add(on(Lane::compute, Family::norm_rope, stream), {});
  const OpId other = builder.add(on(Lane::side, Family::norm_rope, stream), {kernel});
  const OpId out = builder.add(on(Lane::d2h, Family::copy_d2h, copy), {kernel});
  const OpId cpu = builder.add(on(Lane::cpu, Family::cpu_gather, stream), {out});
  const OpId back = builder.add(on(Lane::h2d, Family::copy_h2d, copy), {cpu});
  const OpId both = builder.add(on(Lane::none, Family::barrier), {back, kernel});
  const OpId last = builder.add(on(Lane::compute, Family::norm_rope, stream), {both});
  const TaskGraph graph = std::move(builder).seal(last);
  SimBackend backend(model.platform());
  backend.run_step(graph, model.demands(graph));
  const Trace trace = backend.finish();
  const auto wait = [&](OpId from, OpId to) {
    return (trace.spans[to.index()].ready - trace.spans[from.index()].end).seconds().value();
  };
  EXPECT_NEAR(wait(kernel, other), 0.0, 1e-11);
  EXPECT_NEAR(wait(kernel, out), hand_over, 1e-11);
  EXPECT_NEAR(wait(out, cpu), flag + hand_over, 1e-11);
  EXPECT_NEAR(wait(cpu, back), flag + hand_over, 1e-11);
  EXPECT_NEAR(wait(back, both), 0.0, 1e-11);
  EXPECT_NEAR(wait(both, last), hand_over, 1e-11);  // of the copy that the barrier stands for
}

}  // namespace
}  // namespace outrider
