// The ceiling of DRAM as this host gives it.
#include "validation/host.h"

#include <gtest/gtest.h>

#include "sim/graph/op.h"
#include "tests/hwmodels/machines.h"

namespace outrider {
namespace {

TEST(Host, DramIsReadAtAPlausibleRate) {
  DramReads reads;
  const double rate = reads.rate().value();
  EXPECT_GT(rate, 1e8);
  EXPECT_LT(rate, 1e13);
}

TEST(Host, WhatDramGivesIsTheCeilingOfWhatTheCpuReads) {
  const MachineSpec machine = machine_named("h200-16c");
  Op attend = op_of(Family::cpu_attend, AttentionShape{.sequences = 64,
                                                       .kv_heads = 8,
                                                       .q_heads = 8,
                                                       .head_dim = 128,
                                                       .v_head_dim = 128,
                                                       .tokens = 64.0 * 8192.0,
                                                       .longest = 8192.0,
                                                       .block_tokens = 32});
  const auto seconds = [&](double rate) {
    const MachineModel model = model_of_host(machine, assumed_profile(), {.dram_read = BytesPerSecond(rate)});
    return isolated_duration(model.demand(attend), model.platform()).seconds().value();
  };
  EXPECT_NEAR(seconds(60e9) / seconds(120e9), 2.0, 0.05);
  const MachineModel as_stated(machine, assumed_profile());
  EXPECT_EQ(seconds(0.0), isolated_duration(as_stated.demand(attend), as_stated.platform()).seconds().value());
}

TEST(Host, FewerWorkersReadLess) {
  const MachineSpec machine = machine_named("h200-16c");
  const auto slots = [&](std::int64_t workers) {
    return model_of_host(machine, assumed_profile(), {.dram_read = BytesPerSecond(100e9), .cpu_workers = workers})
        .platform()
        .pools.back()
        .slots;
  };
  EXPECT_EQ(slots(14), 14);
  EXPECT_EQ(slots(0), machine.cpu.cores - machine.gpu_count);
}

}  // namespace
}  // namespace outrider
