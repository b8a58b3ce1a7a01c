// Copies reproduce the measurements they come from, and no link is free.
#include "sim/engine/sim_backend.h"
#include "tests/hwmodels/machines.h"

namespace outrider {
namespace {

double latency(const MachineModel& model, const Op& op) { return model.demand(op).latency.seconds().value(); }

TEST(Pcie, AnUncontendedCopyTakesWhatTheSurfaceSaysAtItsPointsBehindItsLatency) {
  const MachineSpec machine = machine_named("h200-16c");
  const MachineModel model(machine, assumed_profile());
  for (const auto& [points, direction] : {std::pair(machine.link.copy_engine_h2d, Direction::h2d),
                                          std::pair(machine.link.copy_engine_d2h, Direction::d2h)}) {
    const Family family = direction == Direction::h2d ? Family::copy_h2d : Family::copy_d2h;
    for (const TransferPoint& point : points) {
      const Op op = op_of(family, CopyShape{.direction = direction, .fragments = 100.0, .fragment = point.fragment});
      const double expected = 100.0 * (point.fragment / point.rate).value();
      EXPECT_NEAR(seconds_alone(model, op) - latency(model, op), expected, 2e-12 + 1e-9 * expected);
    }
  }
}
TEST(Pcie, ZeroCopyByCtasIsWithinATenthOfItsSamples) {
  struct Row {
    double fragment;
    std::int64_t ctas;
    double gigabytes_per_s;
  };
  constexpr Row kProbe[] = {{2048, 1, 21.43},  {2048, 2, 40.71},  {2048, 4, 51.18},   {2048, 32, 51.13},
                            {8192, 1, 38.01},  {8192, 2, 51.29},  {8192, 4, 51.19},   {8192, 32, 51.11},
                            {32768, 1, 38.58}, {32768, 2, 51.28}, {131072, 1, 38.32}, {131072, 32, 51.15}};
  const MachineModel model(machine_named("h200-16c"), assumed_profile());
  for (const Row& row : kProbe) {
    const CopyShape shape{.path = CopyPath::sm_zero_copy,
                          .fragments = 67108864.0 / row.fragment,
                          .fragment = Bytes(row.fragment),
                          .ctas = row.ctas};
    const Op op = op_of(Family::zero_copy_h2d, shape);
    const double rate = shape.total().value() / (seconds_alone(model, op) - latency(model, op)) * 1e-9;
    EXPECT_NEAR(rate, row.gigabytes_per_s, 0.1 * row.gigabytes_per_s) << row.fragment << " B, " << row.ctas << " CTAs";
  }
}
TEST(Pcie, BothDirectionsAtOnceShareTheCapOverBoth) {
  const MachineModel model(machine_named("h200-16c"), assumed_profile());
  GraphBuilder builder;
  constexpr double kBytes = 1 << 30;
  Op in = op_of(Family::copy_h2d, CopyShape{.fragments = 1.0, .fragment = Bytes(kBytes)});
  in.lane = lane_id(Lane::h2d);
  Op out = op_of(Family::copy_d2h, CopyShape{.direction = Direction::d2h, .fragments = 1.0, .fragment = Bytes(kBytes)});
  out.lane = lane_id(Lane::d2h);
  const OpId first = builder.add(in, {}), second = builder.add(out, {});
  const OpId last = builder.add(op_of(Family::barrier, {}), {first, second});
  const TaskGraph graph = std::move(builder).seal(last);
  SimBackend backend(model.platform());
  const std::vector<Demand> demands = {model.demand(in), model.demand(out), Demand{}};
  backend.run_step(graph, demands);
  const Trace trace = backend.finish();
  EXPECT_NEAR(kBytes / (trace.spans[0].end - trace.spans[0].start).seconds().value() * 1e-9, 101.3 / 2.0, 0.5);
}
TEST(Pcie, ACopyOfNothingTakesItsLatency) {
  const MachineModel model(machine_named("h200-16c"), assumed_profile());
  const Op op = op_of(Family::copy_h2d, CopyShape{.fragments = 0.0, .fragment = Bytes(4096.0)});
  EXPECT_EQ(model.demand(op).units, 0);
}

}  // namespace
}  // namespace outrider
