// CPU kernels: chunks on cores, DRAM shared with copies, fork and join, several sockets.
#include "tests/hwmodels/machines.h"

namespace outrider {
namespace {

MachineSpec cpu_machine() {
  MachineSpec machine = machine_named("h200-16c");
  machine.cpu.dram_measured = BytesPerSecond(0.0);
  return machine;
}
MachineSpec reading_machine() {
  MachineSpec machine = cpu_machine();
  machine.cpu.flops_per_cycle_bf16 = 1e9;
  return machine;
}
double amount_on(const MachineModel& model, const Op& op, std::string_view resource) {
  const Demand demand = model.demand(op);
  for (const Use& use : demand.used()) {
    if (model.platform().resources[use.resource.index()].name == resource)
      return use.amount * static_cast<double>(demand.units);
  }
  return 0.0;
}
double seconds_after_fork(const MachineModel& model, const Op& op) {
  return seconds_alone(model, op) - model.demand(op).latency.seconds().value();
}

// 64 tokens of one KV head are one chunk: one core, at its streaming rate.
TEST(Cpu, OneChunkRunsAtOneCoresBandwidth) {
  const MachineSpec machine = reading_machine();
  const MachineModel model(machine, assumed_profile());
  AttentionShape shape = decode_attention(1.0, 64.0);
  shape.kv_heads = 1;
  shape.q_heads = 1;
  const double bytes = 64.0 * 256.0 * 2.0;
  EXPECT_NEAR(seconds_after_fork(model, op_of(Family::cpu_attend, shape)) * machine.cpu.core_bandwidth.value() / bytes,
              1.0, 1e-6);
}
// 15 heads of 2,048 tokens on 15 workers, a head each: where the tokens lie one by one, 40 ns more for each.
TEST(Cpu, SingleTokensTakeACoreSomeTimeOfTheirOwn) {
  Profile profile = assumed_profile();
  profile.coefficients["cpu.attention_token"].value = 4e-8;
  profile.coefficients["cpu.dram_efficiency"].value = 1e3;  // DRAM bounds nothing
  profile.coefficients["cpu.attention_dram_efficiency"].value = 1.0;
  const MachineModel model(reading_machine(), profile);
  AttentionShape blocks = decode_attention(15.0, 2048.0);
  blocks.kv_heads = blocks.q_heads = 1;
  AttentionShape single = blocks;
  single.block_tokens = 1;
  const double more =
      seconds_alone(model, op_of(Family::cpu_attend, single)) - seconds_alone(model, op_of(Family::cpu_attend, blocks));
  EXPECT_NEAR(more, 2048.0 * 4e-8, 1e-9);
}
// 30 query heads of 150 tables on 15 workers, two after another on each: 300 buckets of 8 tokens.
TEST(Cpu, ALookUpInHashTablesTakesATimeForEachBucketAndEachTokenInIt) {
  Profile profile = assumed_profile();
  profile.coefficients["cpu.hash_bucket"].value = 2e-7;
  profile.coefficients["cpu.hash_token"].value = 1e-9;
  const MachineModel model(cpu_machine(), profile);
  const StreamShape look{.read = Bytes(30.0 * 150.0 * (8.0 + 8.0 * 4.0)),
                         .write = Bytes(30.0 * 8192.0),
                         .flops = Flops(30.0 * 150.0 * 8.0),
                         .items = 30.0};
  const Op op = op_of(Family::cpu_hash_lookup, look);
  EXPECT_EQ(model.demand(op).units, 30);
  EXPECT_NEAR(seconds_after_fork(model, op), 300.0 * (2e-7 + 8.0 * 1e-9), 1e-10);
  EXPECT_DOUBLE_EQ(amount_on(model, op, "DRAM"), look.read.value());
}
// Long contexts are split among the 15 workers (one core stays with the host thread), which reach their share of what
// 16 cores read of DRAM, 16 / (a core's own time of a byte) and what they share.
TEST(Cpu, ManyTokensReachTheSharedRateOfDram) {
  MachineSpec machine = reading_machine();
  machine.cpu.core_bandwidth = BytesPerSecond(40e9);
  const Profile profile = assumed_profile();
  const MachineModel model(machine, profile);
  const double all = machine.cpu.dram_bandwidth.value() * profile.value("cpu.dram_efficiency");
  const double own = (1.0 / 40e9 - 1.0 / all) * 16.0 / 15.0, shared = 1.0 / 40e9 - own;
  const double rate = profile.value("cpu.attention_dram_efficiency") / (own / 15.0 + shared);
  EXPECT_LT(rate, all * profile.value("cpu.attention_dram_efficiency"));
  for (const double sequences : {1.0, 64.0}) {
    const AttentionShape shape = decode_attention(sequences, 8192.0);
    EXPECT_NEAR(seconds_after_fork(model, op_of(Family::cpu_attend, shape)) * rate / cached_bytes(shape), 1.0, 1e-6);
  }
}
// More sequences never lower the rate, and more cores never lengthen a kernel: no worker waits for a ragged last wave.
TEST(Cpu, TheRateOfAttentionNeverFallsWithSequencesOrCores) {
  MachineSpec machine = cpu_machine();
  for (std::int64_t cores = 2; cores <= 64; ++cores) {
    machine.cpu.cores = cores;
    const MachineModel model(machine, assumed_profile());
    double before = 0.0;
    for (double sequences = 1.0; sequences <= 40.0; ++sequences) {
      const AttentionShape shape = decode_attention(sequences, 512.0);
      const double rate = cached_bytes(shape) / seconds_after_fork(model, op_of(Family::cpu_attend, shape));
      EXPECT_GE(rate, before * (1.0 - 1e-6)) << cores << " cores, " << sequences << " sequences";
      before = rate;
    }
  }
  for (double sequences = 1.0; sequences <= 40.0; ++sequences) {
    const Op op = op_of(Family::cpu_attend, decode_attention(sequences, 512.0));
    double before = 1.0;
    for (std::int64_t cores = 2; cores <= 64; ++cores) {
      machine.cpu.cores = cores;
      const double seconds = seconds_after_fork(MachineModel(machine, assumed_profile()), op);
      EXPECT_LE(seconds, before * (1.0 + 1e-6)) << cores << " cores, " << sequences << " sequences";
      before = seconds;
    }
  }
}
// Two kernels at once share what the workers can read.
TEST(Cpu, TwoKernelsAtOnceTakeAsLongAsOneAfterTheOther) {
  MachineSpec machine = reading_machine();
  machine.cpu.core_bandwidth = BytesPerSecond(40e9);
  const MachineModel model(machine, assumed_profile());
  const Op op = op_of(Family::cpu_attend, decode_attention(16.0, 2048.0));
  Demand twice = model.demand(op);
  twice.units *= 2;
  twice.pool = PoolId();
  EXPECT_NEAR(isolated_duration(twice, model.platform()).seconds().value() - twice.latency.seconds().value(),
              2.0 * seconds_after_fork(model, op), 1e-9);
}
// A core reads and computes in turn: bytes ÷ rate + 2 · tokens · query heads · (128 + 128) FLOPs ÷ speed, on 15 cores.
TEST(Cpu, ReadingAndArithmeticAddUp) {
  MachineSpec machine = cpu_machine();
  machine.cpu.flops_per_cycle_bf16 = 16.0;
  const Profile profile = assumed_profile();
  const MachineModel model(machine, profile);
  const AttentionShape shape = decode_attention(60.0, 1024.0);
  const double reading = cached_bytes(shape) / machine.cpu.core_bandwidth.value();
  const double computing = 2.0 * shape.tokens * 40.0 * 256.0 /
                           (16.0 * machine.cpu.clock.value() * profile.value("cpu.arithmetic_efficiency"));
  EXPECT_GT(reading / computing, 0.02);
  EXPECT_NEAR(seconds_after_fork(model, op_of(Family::cpu_attend, shape)) * 15.0 / (reading + computing), 1.0, 1e-6);
}
TEST(Cpu, ForkAndJoinGrowWithEachDoublingOfTheThreads) {
  MachineSpec machine = cpu_machine();
  const Profile profile = assumed_profile();
  const Op op = op_of(Family::cpu_attend, decode_attention(1.0, 32.0));
  machine.cpu.cores = machine.gpu_count + 8;
  const double few = MachineModel(machine, profile).demand(op).latency.seconds().value();
  machine.cpu.cores = machine.gpu_count + 32;
  const double many = MachineModel(machine, profile).demand(op).latency.seconds().value();
  EXPECT_NEAR(many - few, 2.0 * profile.value("cpu.fork_join_per_doubling"), 1e-11);
}

// Of many short pieces, a core's time is of their beginnings.
TEST(Cpu, PiecesOfAGatherTakeACoreTimeEach) {
  const MachineSpec machine = cpu_machine();
  Profile profile = assumed_profile();
  profile.coefficients.at("cpu.gather_piece").value = 1e-6;
  const double workers = static_cast<double>(machine.cpu.cores - machine.gpu_count);
  const auto seconds = [&](double pieces) {
    return seconds_after_fork(
        MachineModel(machine, profile),
        op_of(Family::cpu_gather,
              StreamShape{.read = Bytes(1e6), .write = Bytes(1e6), .flops = Flops(0.0), .items = pieces}));
  };
  EXPECT_NEAR(seconds(2000.0 * workers) - seconds(1000.0 * workers), 1000.0 * 1e-6, 1e-8);
}
// Interleaved over two sockets, half of all bytes are remote: a kernel's a quarter each way, a copy's half one way.
TEST(Cpu, TwoSocketsSendHalfOfAllBytesOverTheirLink) {
  MachineSpec machine = cpu_machine();
  const CopyShape up{.direction = Direction::h2d, .fragments = 1.0, .fragment = Bytes(1e6)};
  const Op attend = op_of(Family::cpu_attend, decode_attention(16.0, 2048.0)), copy = op_of(Family::copy_h2d, up);
  EXPECT_EQ(amount_on(MachineModel(machine, assumed_profile()), attend, "inter-socket in"), 0.0);
  machine.cpu.sockets = 2;
  machine.cpu.inter_socket = BytesPerSecond(60e9);
  const MachineModel model(machine, assumed_profile());
  EXPECT_NEAR(amount_on(model, attend, "inter-socket in") / amount_on(model, attend, "DRAM"), 0.25, 1e-12);
  EXPECT_NEAR(amount_on(model, attend, "inter-socket out") / amount_on(model, attend, "DRAM"), 0.25, 1e-12);
  EXPECT_DOUBLE_EQ(amount_on(model, copy, "inter-socket in"), 0.5e6);
  EXPECT_DOUBLE_EQ(amount_on(model, copy, "inter-socket out"), 0.0);
}
TEST(Cpu, ANarrowLinkBetweenSocketsSlowsWhatCrossesIt) {
  MachineSpec machine = cpu_machine();
  machine.cpu.sockets = 2;
  machine.cpu.inter_socket = BytesPerSecond(1e9);
  const Op attend = op_of(Family::cpu_attend, decode_attention(64.0, 2048.0));
  const double crossing = cached_bytes(decode_attention(64.0, 2048.0)) * 0.25;
  EXPECT_NEAR(seconds_after_fork(MachineModel(machine, assumed_profile()), attend) * 1e9 / crossing, 1.0, 0.01);
}

// Copies take of what reads for the cores as many seconds as the bytes of reading that they displace would.
TEST(Cpu, CopiesDisplaceReading) {
  const MachineSpec machine = reading_machine();
  Profile profile = assumed_profile();
  profile.coefficients["cpu.h2d_read_cost"].value = 0.5;
  profile.coefficients["cpu.d2h_read_cost"].value = 0.25;
  const MachineModel model(machine, profile);
  const double rate = std::min(15.0 * machine.cpu.core_bandwidth.value(),
                               machine.cpu.dram_bandwidth.value() * profile.value("cpu.dram_efficiency"));
  const CopyShape up{.direction = Direction::h2d, .fragments = 1.0, .fragment = Bytes(1e9)};
  const CopyShape down{.direction = Direction::d2h, .fragments = 1.0, .fragment = Bytes(1e9)};
  EXPECT_NEAR(amount_on(model, op_of(Family::copy_h2d, up), "CPU reads") * rate, 0.5e9, 1.0);
  EXPECT_NEAR(amount_on(model, op_of(Family::copy_d2h, down), "CPU reads") * rate, 0.25e9, 1.0);
}

// The host thread gathers on its own core, at the efficiency of streaming kernels, and takes of DRAM alone: beside
// attention nothing changes for either until both fill it.
TEST(Cpu, AGatherByTheHostThreadSharesOnlyDramWithTheWorkers) {
  const MachineSpec machine = reading_machine();
  const Profile profile = assumed_profile();
  const MachineModel model(machine, profile);
  Op gather = op_of(Family::cpu_gather,
                    StreamShape{.read = Bytes(1e8), .write = Bytes(1e8), .flops = Flops(0.0), .items = 1000.0});
  EXPECT_GT(amount_on(model, gather, "CPU reads"), 0.0) << "in the pool";
  gather.lane = lane_id(Lane::host);
  EXPECT_DOUBLE_EQ(amount_on(model, gather, "DRAM"), 2e8);
  EXPECT_EQ(amount_on(model, gather, "CPU reads"), 0.0);
  EXPECT_FALSE(model.demand(gather).pool.valid());
  const double rate = profile.value("cpu.stream_dram_efficiency") * machine.cpu.core_bandwidth.value();
  EXPECT_NEAR(seconds_alone(model, gather) * rate / 2e8, 1.0, 1e-6);
}

}  // namespace
}  // namespace outrider
