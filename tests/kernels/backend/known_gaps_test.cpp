// What the real backend does otherwise than what is simulated (rows of DEVIATIONS.md).
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "kernels/backend/layout.h"
#include "kernels/backend/real_backend.h"
#include "tests/kernels/backend/graphs.h"

namespace outrider {
namespace {

TEST(KnownGap, PacedCopiesAreNotExecuted) {
  const CopyShape paced{.fragments = 8.0, .fragment = Bytes(4096.0), .paced = true};
  EXPECT_NE(unsupported({Family::copy_h2d, lane_id(Lane::recall), 0, paced}), "");
}

TEST(KnownGap, LookUpsByTheCpuAreNotExecuted) {
  const StreamShape look{.read = Bytes(4096.0), .write = Bytes(4096.0), .flops = Flops(), .items = 8.0};
  EXPECT_NE(unsupported({Family::cpu_lookup, lane_id(Lane::cpu), 0, look}), "");
}

// A look-up reads no arena: its tables are its executor's, who fills them by chance. Attention reads KV beside it.
TEST(KnownGap, HashTablesHoldRandomTokens) {
  const StreamShape look{
      .read = Bytes(8.0 * 600.0 + 4.0 * 4800.0), .write = Bytes(4.0 * 1024.0), .flops = Flops(4800.0), .items = 4.0};
  const Footprint touched = footprint({Family::cpu_hash_lookup, lane_id(Lane::cpu), 0, look});
  EXPECT_TRUE(touched.reads.empty());
  EXPECT_TRUE(touched.writes.empty());
}

TEST(KnownGap, TrainingIsNotExecuted) {
  const StreamShape shape{.read = Bytes(4096.0), .write = Bytes(4096.0), .flops = Flops(), .items = 8.0};
  EXPECT_NE(unsupported({Family::adam, lane_id(Lane::compute), 0, shape}), "");
  EXPECT_NE(unsupported({Family::cpu_adam, lane_id(Lane::cpu), 0, shape}), "");
}

// Kernels of the right bytes, and of nothing else that their likes in kernels/cuda do.
TEST(KnownGap, SummariesAreExecutedAsKernelsOfTheirBytes) {
  const StreamShape shape{.read = Bytes(65536.0), .write = Bytes(4096.0), .flops = Flops(1e6), .items = 64.0};
  const Footprint plain = footprint({Family::norm_rope, lane_id(Lane::compute), 0, shape});
  for (const Family family : {Family::update_lists, Family::summarise, Family::complete}) {
    const Op op{family, lane_id(Lane::compute), 0, shape};
    EXPECT_EQ(unsupported(op), "");
    ASSERT_EQ(footprint(op).reads.size(), plain.reads.size());
    EXPECT_EQ(footprint(op).reads.front().bytes, plain.reads.front().bytes);
  }
}

// As a product of as many rows, wherever those lie in a method's cache.
TEST(KnownGap, KeysAreRebuiltFromContiguousRows) {
  const GemmShape shape{.rows = 64.0, .n = 128, .k = 160, .instances = 16.0};
  const Footprint rebuilt = footprint({Family::reconstruct_k, lane_id(Lane::compute), 0, shape});
  const Footprint product = footprint({Family::gemm, lane_id(Lane::compute), 0, shape});
  ASSERT_EQ(rebuilt.reads.size(), product.reads.size());
  for (std::size_t i = 0; i < product.reads.size(); ++i) {
    EXPECT_EQ(rebuilt.reads[i].arena, product.reads[i].arena);
    EXPECT_EQ(rebuilt.reads[i].bytes, product.reads[i].bytes);
  }
}

// What arrives from the GPU lies in the outbox, which CPU attention does not read; nor does it write for the way back.
TEST(KnownGap, TheCpuAttendsQueriesThatLieThere) {
  SmallGraph graph;
  const OpId attended = graph.attend({graph.d2h({graph.host(Family::launch_copy)})});
  const TaskGraph step = graph.seal(attended);
  const Footprint touched = footprint(step.op(attended));
  ASSERT_EQ(touched.reads.size(), 1u);
  EXPECT_EQ(touched.reads[0].arena, Arena::host_cache);
  EXPECT_TRUE(touched.writes.empty());
}

// 40 layers of 64 MiB of KV share 1 GiB.
TEST(KnownGap, LayersShareMemory) {
  SmallGraph graph;
  OpId last;
  for (int layer = 0; layer < 40; ++layer) last = graph.attend({last}, 131072.0);
  const std::vector<TaskGraph> steps{graph.seal(last)};
  const ArenaSize size = lay_out(make_schedule(steps)).size(Arena::host_cache);
  EXPECT_GT(size.wanted, 2 * size.bytes);
}

// There is no scheduler to run: a step's scheduling takes as long as it is told to, or nothing.
TEST(KnownGap, NothingIsScheduled) {
  SmallGraph graph;
  const std::vector<TaskGraph> steps{graph.seal(graph.host(Family::schedule_step))};
  const auto quickest = [&](double asked) {
    RealBackend backend(steps, {.scheduling = Seconds(asked)});
    Duration least = backend.run().spans[0].work;
    for (int run = 0; run < 9; ++run) least = std::min(least, backend.run().spans[0].work);
    return least.seconds().value();
  };
  EXPECT_LT(quickest(0.0), 1e-3);
  EXPECT_GE(quickest(2e-3), 2e-3);
}

// Two ops that read the same DRAM at once: what they cost each other counts as their own work.
TEST(KnownGap, RealTracesDoNotTellContention) {
  SmallGraph graph;
  const OpId attended = graph.attend({}, 32768.0);
  const StreamShape shape{.read = Bytes(1e7), .write = Bytes(1e7), .flops = Flops(), .items = 100.0};
  const OpId gathered = graph.add(Family::cpu_gather, Lane::host, shape, {});
  const std::vector<TaskGraph> steps{graph.seal(graph.barrier({attended, gathered}))};
  RealBackend backend(steps, {.cpu_workers = 1});
  const Trace trace = backend.run();
  for (const Span& span : trace.spans) EXPECT_EQ(span.ledger().contention, Duration());
}

}  // namespace
}  // namespace outrider
