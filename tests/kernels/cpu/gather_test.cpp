// Gathered fragments are the ones asked for, byte by byte, and nothing between or behind them is written.
#include "kernels/cpu/gather.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <string>
#include <vector>

#include "kernels/cpu/thread_pool.h"
#include "sim/base/random.h"

namespace outrider {
namespace {

constexpr unsigned char kPoison = 0xdb;

struct Shape {
  std::int64_t fragment = 0, slot = 0;
  std::size_t count = 0;
  std::size_t pool_offset = 0;  // bytes off the alignment
};

// Fragments at random, overlapping places of the host memory; the guards around the pool and its gaps are poisoned.
struct Problem {
  Problem(const Shape& asked, std::uint64_t seed) : shape(asked), random(seed) {
    constexpr std::size_t kGuard = 128;
    const auto fragment = static_cast<std::size_t>(shape.fragment), slots = shape.count + 2;
    host.resize(3 * fragment + 1000);
    for (unsigned char& each : host) each = static_cast<unsigned char>(random.next());
    slot_ids.resize(slots);
    std::iota(slot_ids.begin(), slot_ids.end(), 0);
    for (std::size_t i = slots; i > 1; --i) std::swap(slot_ids[i - 1], slot_ids[random.below(i)]);
    slot_ids.resize(shape.count);
    for (std::size_t i = 0; i < shape.count; ++i)
      sources.push_back(static_cast<std::int64_t>(random.below(host.size() - fragment + 1)));
    memory.assign(slots * static_cast<std::size_t>(shape.slot) + 2 * kGuard, kPoison);
    const std::size_t beyond_line = reinterpret_cast<std::uintptr_t>(memory.data()) % 64;
    pool_at = 64 - beyond_line + shape.pool_offset;
    part = {host.data(), sources, slot_ids, memory.data() + pool_at, shape.fragment, shape.slot};
  }

  std::vector<unsigned char> expected() const {
    std::vector<unsigned char> bytes(memory.size(), kPoison);
    for (std::size_t i = 0; i < sources.size(); ++i) {
      unsigned char* to = bytes.data() + pool_at + static_cast<std::size_t>(slot_ids[i] * shape.slot);
      std::memcpy(to, host.data() + sources[i], static_cast<std::size_t>(shape.fragment));
    }
    return bytes;
  }

  Shape shape;
  RandomStream random;
  std::vector<unsigned char> host, memory;
  std::vector<std::int64_t> sources;
  std::vector<std::int32_t> slot_ids;
  std::size_t pool_at = 0;
  GatherPart part;
};

class CpuGather : public testing::TestWithParam<CpuPath> {
 protected:
  void SetUp() override {
    if (!can_run(GetParam())) GTEST_SKIP() << "this processor has no " << to_string(GetParam());
  }
  void expect_gathers(const Shape& shape) const {
    Problem problem(shape, static_cast<std::uint64_t>(shape.fragment));
    gather(GetParam(), problem.part);
    EXPECT_TRUE(problem.memory == problem.expected())
        << shape.fragment << " bytes in slots of " << shape.slot << ", pool at " << shape.pool_offset;
  }
};

TEST_P(CpuGather, CopiesFragmentsOfEverySize) {
  for (std::int64_t bytes = 1; bytes <= 260; ++bytes) expect_gathers({bytes, bytes, 5, 0});
  for (const std::int64_t bytes : {512, 4095, 4096, 4097, 8192, 16384, 20000}) expect_gathers({bytes, bytes, 7, 0});
}

TEST_P(CpuGather, CopiesToEveryAlignment) {
  for (std::size_t offset = 0; offset < 64; ++offset) {
    expect_gathers({200, 256, 3, offset});
    expect_gathers({30, 33, 3, offset});
    expect_gathers({8192 + 16, 8192 + 48, 2, offset});
  }
}

TEST_P(CpuGather, TakesNoFragmentsAndOne) {
  expect_gathers({4096, 4096, 0, 0});
  expect_gathers({4096, 4096, 1, 0});
}

TEST_P(CpuGather, SlicesOnAPoolEqualTheWhole) {
  Problem problem({1000, 1100, 40, 3}, 9);
  ThreadPool pool({.threads = 2, .pinned = false});
  pool.parallel_for(8, [&](std::size_t i, int) { gather(GetParam(), slice(problem.part, 5 * i, 5)); });
  EXPECT_TRUE(problem.memory == problem.expected());
}

std::string name_of(const testing::TestParamInfo<CpuPath>& path) { return to_string(path.param); }
INSTANTIATE_TEST_SUITE_P(Paths, CpuGather,
                         testing::Values(CpuPath::scalar, CpuPath::avx2, CpuPath::avx512_bf16, CpuPath::amx_bf16),
                         name_of);

TEST(GatherDeathTest, FragmentsLargerThanTheirSlotsAreABug) {
  Problem problem({100, 100, 2, 0}, 1);
  problem.part.slot_bytes = 99;
  EXPECT_DEATH(gather(CpuPath::scalar, problem.part), "fragments of 100 bytes in slots of 99");
}

}  // namespace
}  // namespace outrider
