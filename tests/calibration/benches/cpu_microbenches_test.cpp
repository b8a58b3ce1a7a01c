// CPU microbenchmarks alone and after each other: whichever comes first finds its memory filled.
#include "calibration/benches/cpu_microbenches.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "calibration/benches/cpu_numa_benches.h"
#include "kernels/cpu/thread_pool.h"

namespace outrider {
namespace {

HostFacts small_host() {
  HostFacts facts;
  facts.processors = 2;
  facts.memory_bytes = 268435456.0;
  return facts;
}

// As when a run is resumed that was interrupted before its last shape. Under ThreadSanitizer this is also a test of
// who fills the memory.
TEST(CpuMicrobenches, EachStreamCanBeTheOnlyOneLeft) {
  for (const char* family : {"dram_read", "dram_write"}) {
    CpuArena arena(small_host(), Effort::quick);
    const std::vector<Microbench> list = cpu_microbenches(small_host(), Effort::quick, arena);
    const auto last = std::find_if(list.rbegin(), list.rend(), [&](const auto& each) { return each.family == family; });
    ASSERT_NE(last, list.rend());
    ASSERT_EQ(last->shape.at("threads"), 2.0);
    EXPECT_GT(last->prepare()->trial().seconds, 0.0) << family;
  }
}

TEST(CpuMicrobenches, EveryFamilyHasATrial) {
  CpuArena arena(small_host(), Effort::quick);
  std::string before;
  for (const Microbench& bench : cpu_microbenches(small_host(), Effort::quick, arena)) {
    if (bench.family == before || !bench.waived.empty()) continue;
    before = bench.family;
    EXPECT_GT(bench.prepare()->trial().seconds, 0.0) << bench.family;
  }
}

TEST(CpuMicrobenches, MemoryIsReadAndWrittenByEachNodeFromEach) {
  const int processor = usable_processors().front();
  const std::vector<Microbench> list = cpu_numa_benches({{processor}, {processor}});
  ASSERT_EQ(list.size(), 8u);
  EXPECT_EQ(list[1].shape.text(), "cores_of=1;memory_of=2;threads=1;bytes=1073741824");
  for (const std::size_t each : {std::size_t{1}, std::size_t{6}})
    EXPECT_GT(list[each].prepare()->trial().seconds, 0.0) << list[each].family;
  const std::vector<Microbench> alone = cpu_numa_benches({{processor}});
  ASSERT_EQ(alone.size(), 2u);
  EXPECT_EQ(alone.front().waived, "there is one NUMA node");
}

TEST(CpuMicrobenches, AResumedRunMeasuresItsLastShape) {
  CpuArena arena(small_host(), Effort::quick);
  std::vector<Microbench> list = cpu_microbenches(small_host(), Effort::quick, arena);
  std::erase_if(list, [](const Microbench& bench) { return !bench.waived.empty(); });
  std::vector<Sample> present;
  for (const Microbench& bench : list)
    present.push_back({.run = 1, .family = bench.family, .shape = bench.shape, .time = {}});
  present.pop_back();
  const std::filesystem::path file = std::filesystem::path(testing::TempDir()) / "samples_resumed.csv";
  std::filesystem::remove(file);
  const MeasureReport report = run_microbenches(list, present, {.samples = file, .effort = Effort::quick});
  EXPECT_EQ(report.measured, 1u);
  EXPECT_EQ(report.resumed, list.size() - 1);
  EXPECT_EQ(report.samples.back().family, "dram_write");
  EXPECT_GT(report.times.preparing, 0.0) << "it filled the memory";
  EXPECT_GT(report.times.trials, report.samples.back().time.median);
}

TEST(CpuArena, HoldsNormalsAgainForAttentionAfterItWasWrittenOver) {
  CpuArena arena(small_host(), Effort::quick);
  EXPECT_EQ(arena.bytes(), 67108864.0);
  arena.need_normals();
  const std::uint64_t first = arena.words()[0];
  arena.need_to_write();
  arena.words()[0] = first + 1;
  arena.need_any_content();
  EXPECT_EQ(arena.words()[0], first + 1) << "readers take what there is";
  arena.need_normals();
  EXPECT_EQ(arena.words()[0], first);
}

TEST(CpuArenaDeathTest, IsFilledBeforeItIsUsed) {
  const CpuArena arena(small_host(), Effort::quick);
  EXPECT_DEATH(arena.words(), "used before it is filled");
}

}  // namespace
}  // namespace outrider
