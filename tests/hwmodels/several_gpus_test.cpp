// What the GPUs of one host have of their own, and what they share.
#include <algorithm>
#include <set>

#include "sim/engine/sim_backend.h"
#include "tests/hwmodels/machines.h"

namespace outrider {
namespace {

MachineSpec machine_with(std::int64_t gpus, const char* name = "h200-16c") {
  MachineSpec machine = machine_named(name);
  machine.gpu_count = gpus;
  return machine;
}

Op on_gpu(Op op, Lane lane, int gpu) {
  op.lane = lane_id(lane, gpu);
  return op;
}

Op big_copy(int gpu) {
  const CopyShape shape{.direction = Direction::h2d, .fragments = 1.0, .fragment = Bytes(1e9)};
  return on_gpu(op_of(Family::copy_h2d, shape), Lane::h2d, gpu);
}

std::set<std::string> resources_of(const MachineModel& model, const Op& op, bool shared) {
  std::set<std::string> names;
  const Demand demand = model.demand(op);
  for (const Use& use : demand.used()) {
    const ResourceInfo& resource = model.platform().resources[use.resource.index()];
    if (shared == (resource.replica < 0)) names.insert(resource.name);
    EXPECT_TRUE(resource.replica < 0 || static_cast<std::size_t>(resource.replica) == device_of(op.lane));
  }
  return names;
}

// When copies of 1 GB to each GPU end that begin together, in seconds.
std::vector<double> ends_of_copies(const MachineSpec& machine) {
  const MachineModel model(machine, assumed_profile());
  SimBackend backend(model.platform());
  for (int gpu = 0; gpu < machine.gpu_count; ++gpu) {
    GraphBuilder builder;
    const OpId copy = builder.add(big_copy(gpu), {});
    backend.submit(std::move(builder).seal(copy), {{model.demand(big_copy(gpu))}}, static_cast<std::size_t>(gpu));
  }
  for (int gpu = 0; gpu < machine.gpu_count; ++gpu) backend.wait();
  const Trace trace = backend.finish();
  std::vector<double> ends;
  for (const Span& span : trace.spans) ends.push_back((span.end - Instant()).seconds().value());
  return ends;
}

TEST(SeveralGpus, EachHasItsOwnPartsAndAllShareTheHosts) {
  const MachineModel one(machine_with(1), assumed_profile()), four(machine_with(4), assumed_profile());
  const auto count = [](const MachineModel& model, bool shared) {
    const auto& all = model.platform().resources;
    return std::count_if(all.begin(), all.end(), [&](const auto& each) { return (each.replica < 0) == shared; });
  };
  EXPECT_EQ(count(four, false), 4 * count(one, false));
  EXPECT_EQ(count(four, true), count(one, true));
  EXPECT_EQ(four.platform().pools.size(), 4 * (1 + 2) + 1u);  // SMs, two copy engines; cores
  EXPECT_EQ(four.platform().lanes.size(), 4u * kLanesPerDevice - 1);
  for (const int gpu : {0, 3}) {
    EXPECT_EQ(resources_of(four, big_copy(gpu), true), (std::set<std::string>{"DRAM", "CPU reads"}));
    EXPECT_EQ(resources_of(four, big_copy(gpu), false),
              (std::set<std::string>{"HBM", "link h2d", "link both ways", "copy engine h2d"}));
    const Op attend = on_gpu(op_of(Family::attend_dense, decode_attention(8.0, 4096.0)), Lane::compute, gpu);
    EXPECT_TRUE(resources_of(four, attend, true).empty());
    EXPECT_EQ(seconds_alone(four, attend), seconds_alone(one, on_gpu(attend, Lane::compute, 0)));
  }
}

TEST(SeveralGpus, CopiesOfAllTakeAsLongAsOneUntilDramIsFull) {
  MachineSpec machine = machine_with(1);
  machine.cpu.core_bandwidth *= 100.0;  // so that the cores' reading, which copies displace, is no limit
  machine.cpu.dram_bandwidth *= 100.0;
  const double alone = ends_of_copies(machine).front();
  machine.gpu_count = 4;
  for (const double end : ends_of_copies(machine)) EXPECT_NEAR(end, alone, 1e-11);
  // DRAM at half a link's rate, and nothing else in the way: four copies take 4 · 2 times a copy's bytes ÷ link's rate.
  machine.cpu.dram_bandwidth = machine.link.h2d * 0.5 / assumed_profile().value("cpu.dram_efficiency");
  const double bytes_alone = 1e9 / machine.link.h2d.value();
  for (const double end : ends_of_copies(machine)) EXPECT_NEAR(end, 8.0 * bytes_alone, 0.01 * bytes_alone);
}

TEST(SeveralGpus, BehindOneSwitchTheyShareTheLinkAboveIt) {
  const BytesPerSecond wide(200e9), narrow(30e9);
  MachineSpec machine = machine_with(2);
  machine.topology = {
      .nodes = {{"gpu0", "gpu"}, {"gpu1", "gpu"}, {"sw", "switch"}, {"dram", "dram"}},
      .links = {{"gpu0", "sw", wide, wide, {}}, {"gpu1", "sw", wide, wide, {}}, {"dram", "sw", narrow, wide, {}}}};
  for (const double end : ends_of_copies(machine)) EXPECT_NEAR(end, 2e9 / 30e9, 1e-3 * 2e9 / 30e9);
  // Towards the host the same link is wide.
  machine.topology.links[2].forward = wide;
  machine.topology.links[2].backward = narrow;
  for (const double end : ends_of_copies(machine)) EXPECT_NEAR(end, 1e9 / machine.link.h2d.value(), 1e-3);
}

TEST(SeveralGpus, EachTakesACoreForItsHostThread) {
  const auto workers = [](std::int64_t gpus) {
    const MachineModel model(machine_with(gpus), assumed_profile());
    return model.platform().pools.back().slots;
  };
  EXPECT_EQ(workers(1), 15);
  EXPECT_EQ(workers(8), 8);
  EXPECT_EQ(workers(16), 1);  // work for the CPU needs one
}

// Two sockets of two GPUs each: half of what is copied to a GPU crosses, towards its socket.
TEST(SeveralGpus, CopiesCrossBetweenSocketsTowardsTheirGpu) {
  MachineSpec machine = machine_with(4);
  machine.cpu.sockets = 2;
  machine.cpu.inter_socket = BytesPerSecond(60e9);
  const MachineModel model(machine, assumed_profile());
  for (const auto& [gpu, crosses] : {std::pair(0, "inter-socket in"), std::pair(1, "inter-socket in"),
                                     std::pair(2, "inter-socket out"), std::pair(3, "inter-socket out")}) {
    EXPECT_EQ(resources_of(model, big_copy(gpu), true), (std::set<std::string>{"DRAM", "CPU reads", crosses})) << gpu;
  }
}

TEST(SeveralGpusDeathTest, AnOpOfAGpuThatTheMachineLacksIsRefused) {
  const MachineModel model(machine_with(2), assumed_profile());
  EXPECT_DEATH(model.demand(big_copy(2)), "a copy_h2d on GPU 2 of 2");
}

}  // namespace
}  // namespace outrider
