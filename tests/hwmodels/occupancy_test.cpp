// Occupancy equals what the CUDA occupancy calculator answers, limit by limit.
#include "hwmodels/occupancy.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

namespace outrider {
namespace {

GpuSpec hopper() {
  GpuSpec gpu;
  gpu.sms = 132;
  gpu.shared_memory_per_sm = Bytes(233472.0);
  gpu.registers_per_sm = 65536;
  gpu.threads_per_sm = 2048;
  gpu.ctas_per_sm = 32;
  return gpu;
}
std::int64_t ctas(std::int64_t threads, std::int64_t registers, std::int64_t shared) {
  return occupancy(hopper(), {.threads = threads, .registers_per_thread = registers, .shared_bytes = shared})
      .ctas_per_sm;
}

// 64 registers × 32 lanes = 2048 a warp; a quarter of 65536 holds 8 warps, the SM 32, and a CTA has 8: 4 CTAs.
TEST(Occupancy, RegistersAllowFourCtasOf256ThreadsWith64Registers) {
  const Occupancy found = occupancy(hopper(), {.threads = 256, .registers_per_thread = 64, .shared_bytes = 0});
  EXPECT_EQ(found.ctas_per_sm, 4);
  EXPECT_EQ(found.limit, OccupancyLimit::registers);
}
// 65 × 32 = 2080 rounds up to 2304; 16384 / 2304 = 7 warps a quarter, 28 an SM, 3 CTAs of 8.
TEST(Occupancy, OneRegisterMoreCostsAWholeCta) { EXPECT_EQ(ctas(256, 65, 0), 3); }
TEST(Occupancy, ThreadsAllowTwoCtasOf1024) { EXPECT_EQ(ctas(1024, 32, 0), 2); }
TEST(Occupancy, TheCtaLimitBindsForOneWarp) { EXPECT_EQ(ctas(32, 16, 0), 32); }
// 233472 / (8192 + 1024) = 25.3.
TEST(Occupancy, TheSystemReservesAKibibytePerCta) { EXPECT_EQ(ctas(32, 16, 8192), 25); }
TEST(Occupancy, TheLargestCtaJustFits) {
  EXPECT_EQ(ctas(128, 32, 227 * 1024), 1);
  EXPECT_EQ(ctas(128, 32, 227 * 1024 + 1), 0);
}
TEST(Occupancy, WhatNoSmCanHoldFitsZeroTimes) {
  EXPECT_EQ(ctas(1024, 168, 0), 0);
  EXPECT_EQ(ctas(1056, 32, 0), 0);
  EXPECT_EQ(ctas(32, 256, 0), 0);
}

TEST(Occupancy, EqualsTheAnswersRecordedOnAnH200) {
  std::ifstream file(OUTRIDER_SOURCE_DIR "/tests/data/occupancy-h200.csv");
  int rows = 0;
  for (std::string line; std::getline(file, line);) {
    std::int64_t threads = 0, registers = 0, shared = 0, expected = 0;
    char comma = 0;
    std::istringstream cells(line);
    if (!(cells >> threads >> comma >> registers >> comma >> shared >> comma >> expected)) continue;
    ++rows;
    EXPECT_EQ(ctas(threads, registers, shared), expected) << line;
  }
  EXPECT_EQ(rows, 903);  // 880 of a grid of configurations, and the kernels of this tree as launched there
}

}  // namespace
}  // namespace outrider
