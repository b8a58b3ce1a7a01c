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
// A small copy behind a long row on another stream: it waits for all of it, unless the row is paced.
TEST(Pcie, AnEngineServesOneCopyAtATimeButForPacedOnes) {
  const MachineModel model(machine_named("h200-16c"), assumed_profile());
  for (const bool paced : {false, true}) {
    GraphBuilder builder;
    Op row = op_of(Family::copy_h2d, CopyShape{.fragments = 128.0, .fragment = Bytes(131072.0), .paced = paced});
    row.lane = lane_id(Lane::recall);
    Op small = op_of(Family::copy_h2d, CopyShape{.fragments = 1.0, .fragment = Bytes(65536.0)});
    small.lane = lane_id(Lane::h2d);
    const OpId first = builder.add(row, {}), second = builder.add(small, {});
    const TaskGraph graph = std::move(builder).seal(second);
    SimBackend backend(model.platform());
    backend.run_step(graph, model.demands(graph));
    const Trace trace = backend.finish();
    const Span &of_row = trace.spans[first.index()], &of_small = trace.spans[second.index()];
    if (paced) {
      EXPECT_LT((of_small.end - of_row.start).seconds().value(), 30e-6);
    } else {
      EXPECT_GT(of_small.end, of_row.end);
    }
  }
}
// While kernels fill HBM, fragments take longer by what was measured, and large copies hardly at all.
TEST(Pcie, FullHbmLengthensEachFragment) {
  const Profile profile = assumed_profile();
  const MachineModel model(machine_named("h200-16c"), profile);
  Op read = op_of(Family::attend_dense, AttentionShape{.sequences = 64,
                                                       .kv_heads = 8,
                                                       .q_heads = 32,
                                                       .head_dim = 128,
                                                       .v_head_dim = 128,
                                                       .tokens = 64.0 * 131072.0,
                                                       .longest = 131072.0});
  read.lane = lane_id(Lane::compute);
  for (const double fragment : {65536.0, 67108864.0}) {
    Op copy = op_of(Family::copy_h2d, CopyShape{.fragments = 16.0, .fragment = Bytes(fragment)});
    copy.lane = lane_id(Lane::h2d);
    GraphBuilder builder;
    const OpId kernel = builder.add(read, {}), row = builder.add(copy, {});
    const TaskGraph graph = std::move(builder).seal(kernel);
    SimBackend backend(model.platform());
    backend.run_step(graph, model.demands(graph));
    const Trace trace = backend.finish();
    const Span& span = trace.spans[row.index()];
    const double longer =
        ((span.end - span.start) - isolated_duration(model.demand(copy), model.platform())).seconds().value();
    EXPECT_NEAR(longer / 16.0, profile.value("link.h2d_loaded_fragment"), fragment < 1e6 ? 0.4e-6 : 10e-6) << fragment;
  }
}
TEST(Pcie, ACopyOfNothingTakesItsLatency) {
  const MachineModel model(machine_named("h200-16c"), assumed_profile());
  const Op op = op_of(Family::copy_h2d, CopyShape{.fragments = 0.0, .fragment = Bytes(4096.0)});
  EXPECT_EQ(model.demand(op).units, 0);
}

}  // namespace
}  // namespace outrider
