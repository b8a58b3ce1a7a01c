// What the hardware models leave out: each test asserts that the gap is still there (rows of DEVIATIONS.md).
#include <algorithm>

#include "sim/engine/sim_backend.h"
#include "tests/hwmodels/machines.h"

namespace outrider {
namespace {

double amount_on(const MachineModel& model, const Op& op, std::string_view resource) {
  const Demand demand = model.demand(op);
  for (const Use& use : demand.used()) {
    if (model.platform().resources[use.resource.index()].name == resource)
      return use.amount * static_cast<double>(demand.units);
  }
  return 0.0;
}

Op on(Lane lane, Family family, Shape shape = {}, int gpu = 0) {
  Op op = op_of(family, shape);
  op.lane = lane_id(lane, gpu);
  return op;
}

Op host(Family family, double count = 1.0) { return on(Lane::host, family, HostShape{count}); }

StreamShape small_stream() {
  return {.read = Bytes(1e6), .write = Bytes(1e6), .flops = Flops(0.0), .items = 64.0, .recent = true};
}

CopyShape copy_of(double fragments, double bytes) { return {.fragments = fragments, .fragment = Bytes(bytes)}; }

MachineModel h200() { return {machine_named("h200-16c"), assumed_profile()}; }

Trace simulated(const MachineModel& model, GraphBuilder builder, OpId last) {
  const TaskGraph graph = std::move(builder).seal(last);
  SimBackend backend(model.platform());
  backend.run_step(graph, model.demands(graph));
  return backend.finish();
}

Duration ran(const Trace& trace, OpId op) { return trace.spans[op.index()].end - trace.spans[op.index()].start; }

// 64 KiB of KV, which every core's cache holds, cost as much of DRAM as if they had never been read.
TEST(KnownGap, CpuCachesHoldNothing) {
  AttentionShape shape = decode_attention(1.0, 16.0);
  EXPECT_DOUBLE_EQ(amount_on(h200(), op_of(Family::cpu_attend, shape), "DRAM"), cached_bytes(shape));
}

// 2 MB of weights, of 60 MiB of L2, are read from HBM each time.
TEST(KnownGap, GpuCachesHoldNoWeights) {
  const GemmShape shape{.rows = 1.0, .n = 1024, .k = 1024};
  EXPECT_GE(amount_on(h200(), op_of(Family::gemm, shape), "HBM"), 2.0 * 1024.0 * 1024.0);
}

TEST(KnownGap, ACopyDisplacesAsMuchHbmOnC2cAsOnPcie) {
  const MachineModel pcie(machine_named("h100-sxm-64c"), assumed_profile());
  const MachineModel c2c(machine_named("gh200-72c"), assumed_profile());
  const Op copy = op_of(Family::copy_h2d, copy_of(1.0, 1e9));
  EXPECT_EQ(amount_on(c2c, copy, "HBM"), amount_on(pcie, copy, "HBM"));
}

// K rebuilt from factors costs what a product does, an estimated cluster what a token does, and a look-up of residency
// by the CPU what its gathers do; updates of tables and sums of features are as elementwise kernels: none was measured.
TEST(KnownGap, UnmeasuredKernelsCostWhatTheirLikesDo) {
  const MachineModel model = h200();
  const GemmShape product{.rows = 64.0, .n = 128, .k = 160, .instances = 64.0};
  const StreamShape stream{.read = Bytes(1e6), .write = Bytes(1e6), .flops = Flops(0.0), .items = 64.0};
  const AttentionShape tokens = decode_attention(8.0, 512.0);
  EXPECT_EQ(seconds_alone(model, op_of(Family::reconstruct_k, product)),
            seconds_alone(model, op_of(Family::gemm, product)));
  EXPECT_EQ(seconds_alone(model, op_of(Family::estimate_attend, tokens)),
            seconds_alone(model, op_of(Family::attend_sparse, tokens)));
  EXPECT_EQ(seconds_alone(model, on(Lane::cpu, Family::cpu_lookup, stream)),
            seconds_alone(model, on(Lane::cpu, Family::cpu_gather, stream)));
  for (const Family family : {Family::update_lists, Family::summarise})
    EXPECT_EQ(seconds_alone(model, op_of(family, stream)), seconds_alone(model, op_of(Family::norm_rope, stream)));
}

// A thread needs a ms for 1,000 calls, and the engine less for what they copy: another copy could come in between.
TEST(KnownGap, NothingComesBetweenCopiesThatAThreadIssuesSlowly) {
  const MachineModel model = h200();
  GraphBuilder builder;
  const OpId many = builder.add(on(Lane::h2d, Family::copy_h2d, copy_of(1000.0, 4096.0)), {});
  const OpId issued = builder.add(host(Family::launch_copy, 10'000.0), {});
  const OpId other = builder.add(on(Lane::recall, Family::copy_h2d, copy_of(1.0, 4096.0)), {});
  const Trace trace = simulated(model, std::move(builder), issued);
  EXPECT_GT(trace.spans[issued.index()].end, trace.spans[many.index()].end);
  EXPECT_GE(trace.spans[other.index()].end, trace.spans[many.index()].end);
}

// A CUDA graph does not wait for the copies of the graph before it, as one launched into the same stream does.
TEST(KnownGap, AGraphStartsBeforeCopiesOfTheOneBeforeHaveEnded) {
  GraphBuilder builder;
  const OpId first = builder.add(host(Family::launch_graph), {});
  const OpId copied = builder.add(on(Lane::h2d, Family::copy_h2d, copy_of(1.0, 1e9)), {first});
  const OpId second = builder.add(host(Family::launch_graph), {});
  const OpId kernel = builder.add(on(Lane::compute, Family::norm_rope, small_stream()), {second});
  const Trace trace = simulated(h200(), std::move(builder), kernel);
  EXPECT_LT(trace.spans[kernel.index()].start, trace.spans[copied.index()].end);
}

TEST(KnownGap, EventsBetweenStreamsTakeNoTime) {
  GraphBuilder builder;
  const OpId first = builder.add(on(Lane::compute, Family::norm_rope, small_stream()), {});
  const OpId second = builder.add(on(Lane::side, Family::norm_rope, small_stream()), {first});
  const Trace trace = simulated(h200(), std::move(builder), second);
  EXPECT_EQ(trace.spans[second.index()].ready, trace.spans[first.index()].end);
}

// After half a second without work a parallel-for takes as long as behind another one.
TEST(KnownGap, WorkersAreAwakeWhateverTheyWaitFor) {
  const Op attend = on(Lane::cpu, Family::cpu_attend, decode_attention(4.0, 2048.0));
  GraphBuilder builder;
  const OpId busy = builder.add(attend, {});
  const OpId behind = builder.add(attend, {busy});
  const OpId idle = builder.add(host(Family::schedule_step, 1e5), {behind});
  const OpId later = builder.add(attend, {idle});
  const Trace trace = simulated(h200(), std::move(builder), later);
  EXPECT_GT(ran(trace, idle).seconds().value(), 0.4);
  EXPECT_EQ(ran(trace, later), ran(trace, behind));
}

// Heads of 64 and of 256 channels take the same registers and shared memory, and so the same share of an SM.
TEST(KnownGap, LaunchShapesAreOnePerFamily) {
  AttentionShape narrow = decode_attention(8.0, 4096.0), wide = narrow;
  narrow.head_dim = narrow.v_head_dim = 64;
  wide.head_dim = wide.v_head_dim = 256;
  const MachineModel model = h200();
  EXPECT_EQ(model.demand(op_of(Family::attend_dense, narrow)).slots_per_unit,
            model.demand(op_of(Family::attend_dense, wide)).slots_per_unit);
}

// Clocks do not fall: after a second of products the next takes as long as the second one, whose code is there.
TEST(KnownGap, SustainedProductsRunAsFastAsBursts) {
  const Op product = on(Lane::compute, Family::gemm, GemmShape{.rows = 4096.0, .n = 16384, .k = 16384});
  GraphBuilder builder;
  const OpId second = builder.add(product, {builder.add(product, {})});
  OpId last = second;
  for (int i = 0; i < 400; ++i) last = builder.add(product, {last});
  const Trace trace = simulated(h200(), std::move(builder), last);
  EXPECT_GT((trace.spans[last.index()].end - trace.spans[second.index()].start).seconds().value(), 1.0);
  EXPECT_EQ(ran(trace, last), ran(trace, second));
}

// Tiles of AMX do 1024 multiply-adds a cycle, 512-bit units 64: one efficiency, a share of what the latter could do,
// stands for both. So that of a host with tiles is twice that of one without.
TEST(KnownGap, OneArithmeticEfficiencyStandsForTilesAndVectors) {
  const auto efficiency = [](const char* machine) {
    ConfigErrors errors;
    const auto file = std::filesystem::path(OUTRIDER_SOURCE_DIR) / "calibration/data" / machine / "profile.yaml";
    const auto profile = read_profile(file, errors);
    EXPECT_TRUE(profile.has_value()) << texts(errors);
    const auto found = profile->coefficients.find("cpu.arithmetic_efficiency");
    return found == profile->coefficients.end() ? 0.0 : found->second.value;
  };
  EXPECT_GT(efficiency("h200-16c"), 1.2 * efficiency("cpu-2c"));
}

// On two cores, one of which attends while the other gathers: what both ask of DRAM is less than both can read, and
// writes are no dearer than reads. Executed, attention takes longer.
TEST(KnownGap, AGatherOnAnotherCoreCostsAttentionNothing) {
  ConfigErrors errors;
  const auto file = std::filesystem::path(OUTRIDER_SOURCE_DIR) / "calibration/data/cpu-2c/profile.yaml";
  const auto profile = read_profile(file, errors);
  ASSERT_TRUE(profile.has_value()) << texts(errors);
  const MachineModel model(machine_named("cpu-2c"), *profile);
  const auto attention = [&](bool beside) {
    GraphBuilder builder;
    const OpId attended = builder.add(on(Lane::cpu, Family::cpu_attend, decode_attention(4.0, 2048.0)), {});
    const StreamShape all{.read = Bytes(1e9), .write = Bytes(1e9), .flops = Flops(0.0), .items = 1e4};
    if (beside) builder.add(on(Lane::host, Family::cpu_gather, all), {});
    return ran(simulated(model, std::move(builder), attended), attended);
  };
  EXPECT_EQ(attention(true), attention(false));
}

// All memory is interleaved over the sockets: half of a copy's bytes cross, wherever its GPU hangs.
TEST(KnownGap, NothingIsPlacedOnTheSocketThatUsesIt) {
  MachineSpec machine = machine_named("h200-16c");
  machine.gpu_count = machine.cpu.sockets = 2;
  machine.cpu.inter_socket = BytesPerSecond(60e9);
  const MachineModel model(machine, assumed_profile());
  const CopyShape copy = copy_of(1.0, 1e6);
  const auto crossing = [&](int gpu) {
    const Op op = on(Lane::h2d, Family::copy_h2d, copy, gpu);
    return amount_on(model, op, "inter-socket in") + amount_on(model, op, "inter-socket out");
  };
  EXPECT_DOUBLE_EQ(crossing(0), 0.5e6);
  EXPECT_DOUBLE_EQ(crossing(1), 0.5e6);
}

// Parallel-fors of two GPUs: the second's chunks take the cores that the first's last ones leave. A pool of threads
// that is handed one at a time begins the second when the first has ended.
TEST(KnownGap, ParallelForsOfTwoGpusOverlapAtTheirEnds) {
  MachineSpec machine = machine_named("h200-16c");
  machine.gpu_count = 2;
  const MachineModel model(machine, assumed_profile());
  SimBackend backend(model.platform());
  for (int gpu = 0; gpu < 2; ++gpu) {
    GraphBuilder builder;
    const Op attend = on(Lane::cpu, Family::cpu_attend, decode_attention(1.0, 64.0 * (2.0 + 5.0 * gpu)), gpu);
    const OpId op = builder.add(attend, {});
    backend.submit(std::move(builder).seal(op), {{model.demand(attend)}}, static_cast<std::size_t>(gpu));
  }
  backend.wait();
  backend.wait();
  const Trace trace = backend.finish();
  const auto [first, second] = std::minmax(trace.spans[0].start, trace.spans[1].start);
  EXPECT_LT(second, std::min(trace.spans[0].end, trace.spans[1].end)) << "begun at " << first.ps();
}

}  // namespace
}  // namespace outrider
