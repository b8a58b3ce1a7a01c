// What ops touch of memory, and who gets which part of the arenas.
#include "kernels/backend/layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <set>
#include <stdexcept>

#include "tests/kernels/backend/graphs.h"

namespace outrider {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::size_t kMib = std::size_t{1} << 20;

Op product(double rows, std::int64_t n, std::int64_t k, DataType type = DataType::bf16, double instances = 1.0) {
  return {Family::gemm, lane_id(Lane::compute), 0,
          GemmShape{.rows = rows, .n = n, .k = k, .instances = instances, .type = type}};
}

AttentionShape attention(double tokens, double longest, std::int64_t sequences) {
  return {.sequences = sequences,
          .kv_heads = 8,
          .q_heads = 32,
          .head_dim = 128,
          .v_head_dim = 128,
          .tokens = tokens,
          .longest = longest,
          .block_tokens = 32};
}

TEST(Tokens, OneSequenceIsTheLongestAndTheOthersShareTheRest) {
  EXPECT_THAT(tokens_by_sequence(attention(4.0 * 1000.0, 1000.0, 4)), ElementsAre(1000, 1000, 1000, 1000));
  EXPECT_THAT(tokens_by_sequence(attention(320.0, 128.0, 4)), ElementsAre(128, 64, 64, 64));
  EXPECT_THAT(tokens_by_sequence(attention(224.0, 128.0, 4)), ElementsAre(128, 32, 32, 32));
  EXPECT_THAT(tokens_by_sequence(attention(160.0, 128.0, 4)), ElementsAre(128, 32));  // two have nothing to attend
  EXPECT_THAT(tokens_by_sequence(attention(0.0, 0.0, 4)), ElementsAre(1));
}

TEST(Tokens, TakeWholePagesOfMemory) {
  EXPECT_EQ(pages_of(attention(100.0, 50.0, 2)), 4);
  EXPECT_EQ(page_bytes(attention(100.0, 50.0, 2)), 8U * 2U * 32U * 128U * 2U);
}

TEST(Codes, AreTheMostBitsThatTheirShareOfScalesLeaves) {
  // A scale and zero point, 4 bytes for 64 channels, are half a bit: 4.5 is codes of 4. Pages of 8 heads, 2 · 32 rows.
  EXPECT_EQ(code_bits(8.5), 8);
  EXPECT_EQ(code_bits(4.6), 4);
  EXPECT_EQ(code_bits(2.5), 2);
  EXPECT_EQ(code_bits(1.9), 0);
  AttentionShape shape = attention(100.0, 50.0, 2);
  shape.kv_bits = 4.5;
  EXPECT_EQ(cache_bytes(shape), 4U * 8U * 2U * 32U * 128U * 9U / 16U);
  const Footprint coded = footprint({Family::attend_quantised, lane_id(Lane::compute), 0, shape});
  EXPECT_EQ(coded.reads.front().bytes, cache_bytes(shape));
  shape.kv_bits = 0.0;
  EXPECT_EQ(cache_bytes(shape), 4U * page_bytes(shape));
}

TEST(Lookup, TouchesPartialScoresCentroidsQueriesAndScores) {
  const LookupShape shape{.rows = 16.0, .queries = 4, .subspaces = 8, .clusters = 64, .length = 400.0, .keys = 8192.0};
  const Op op{Family::look_up_keys, lane_id(Lane::compute), 0, shape};
  const Footprint touched = footprint(op);
  EXPECT_EQ(touched.reads[0].bytes, 16U * 64U * (8U * 400U + 128U) * 2U);
  EXPECT_EQ(touched.reads[1].bytes, 16U * 4U * 128U * 2U);
  EXPECT_EQ(touched.writes[0].bytes, 16U * 8192U * 4U);
  EXPECT_EQ(unsupported(op), "");
  LookupShape fine = shape;
  fine.subspaces = 32;
  EXPECT_EQ(unsupported({Family::look_up_keys, lane_id(Lane::compute), 0, fine}), "look-ups in 32 subspaces");
}

TEST(Scattered, IsAPermutation) {
  for (const std::int64_t count : {1, 2, 7, 64, 1000, 7919, 2 * 7919}) {
    std::set<std::int64_t> places;
    for (std::int64_t i = 0; i < count; ++i) places.insert(scattered(i, count));
    EXPECT_EQ(static_cast<std::int64_t>(places.size()), count);
    EXPECT_EQ(*places.rbegin(), count - 1);
  }
}

TEST(Product, RowsOfFp8AreMultiplesOf16AndExpertsAreWhole) {
  EXPECT_EQ(product_of({.rows = 3.0, .n = 64, .k = 32, .type = DataType::fp8}).rows, 16);
  EXPECT_EQ(product_of({.rows = 3.0, .n = 64, .k = 32}).rows, 3);
  EXPECT_EQ(product_of({.rows = 0.4, .n = 64, .k = 32, .instances = 7.6}).rows, 1);
  EXPECT_EQ(product_of({.rows = 0.4, .n = 64, .k = 32, .instances = 7.6}).weight_bytes(), 8U * 64U * 32U * 2U);
}

// Of 4 query heads, in tables of 128 buckets of 8 of 1,024 tokens.
StreamShape look_up(double tables) {
  return {.read = Bytes(4.0 * tables * (8.0 + 8.0 * 4.0)),
          .write = Bytes(4.0 * 1024.0),
          .flops = Flops(4.0 * tables * 8.0),
          .items = 4.0};
}

TEST(Unsupported, NamesWhatNoKernelDoes) {
  EXPECT_EQ(unsupported(product(1.0, 8, 8)), "");
  EXPECT_EQ(unsupported(product(1.0, 8, 8, DataType::fp8)), "");
  EXPECT_EQ(unsupported(product(1.0, 8, 8, DataType::int4)), "products of int4");
  Op gradient = product(1.0, 8, 8);
  gradient.family = Family::gemm_wgrad;
  EXPECT_EQ(unsupported(gradient), "training (gemm_wgrad)");
  EXPECT_EQ(unsupported({Family::cpu_adam, lane_id(Lane::cpu), 0, StreamShape{}}), "training (cpu_adam)");
  AttentionShape latent = attention(64.0, 64.0, 1);
  latent.v_head_dim = 0;
  EXPECT_THAT(unsupported({Family::attend_dense, lane_id(Lane::compute), 0, latent}), HasSubstr("V is not as wide"));
  AttentionShape narrow = attention(64.0, 64.0, 1);
  narrow.head_dim = narrow.v_head_dim = 64;
  EXPECT_EQ(unsupported({Family::attend_dense, lane_id(Lane::compute), 0, narrow}),
            "attention with heads of 64 channels");
  EXPECT_EQ(unsupported({Family::cpu_attend, lane_id(Lane::cpu), 0, narrow}), "");
  CopyShape paced{.fragments = 8.0, .fragment = Bytes(4096.0)};
  EXPECT_EQ(unsupported({Family::copy_h2d, lane_id(Lane::recall), 0, paced}), "");
  paced.paced = true;
  EXPECT_THAT(unsupported({Family::copy_h2d, lane_id(Lane::recall), 0, paced}), HasSubstr("a few fragments at a time"));
  EXPECT_THAT(unsupported({Family::cpu_lookup, lane_id(Lane::cpu), 0, StreamShape{}}), HasSubstr("lookup: gpu"));
  AttentionShape bit = attention(64.0, 64.0, 1);
  bit.kv_bits = 1.5;
  EXPECT_EQ(unsupported({Family::attend_quantised, lane_id(Lane::compute), 0, bit}), "codes of 1.5 bits");
  EXPECT_EQ(unsupported({Family::prefill_attend, lane_id(Lane::compute), 0, narrow}), "attention of a prefill");
  EXPECT_EQ(unsupported({Family::cpu_hash_lookup, lane_id(Lane::cpu), 0, look_up(255.0)}), "");
  EXPECT_EQ(unsupported({Family::cpu_hash_lookup, lane_id(Lane::cpu), 0, look_up(256.0)}),
            "look-ups in 256 hash tables");
  EXPECT_EQ(unsupported({Family::cpu_hash_lookup, lane_id(Lane::cpu), 0, StreamShape{}}), "a look-up in no hash table");
}

TEST(HashShape, IsReadOffWhatALookUpReadsAndCounts) {
  EXPECT_EQ(hash_shape_of(look_up(150.0)), (HashShape{.rows = 4, .tables = 150, .buckets = 128, .tokens = 1024}));
}

TEST(Layout, RefusesAGraphWithAllItsComplaintsAtOnce) {
  SmallGraph graph;
  const OpId launch = graph.host(Family::launch_kernel);
  graph.builder().add(product(1.0, 8, 8, DataType::int4), {launch});
  graph.builder().add(product(1.0, 8, 8, DataType::int4), {launch});
  const OpId last = graph.builder().add(product(1.0, 8, 8, DataType::fp4), {launch});
  const std::vector<TaskGraph> steps{graph.seal(last)};
  const Schedule schedule = make_schedule(steps);
  try {
    lay_out(schedule);
    FAIL() << "laid out";
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(), "no kernel of this program does: products of int4; products of fp4");
  }
}

// So many products of 32 MiB of weights each.
TaskGraph products(int count) {
  SmallGraph graph;
  OpId last;
  for (int i = 0; i < count; ++i) {
    const OpId launch = graph.host(Family::launch_kernel);
    last = graph.builder().add(product(1.0, 4096, 4096), {last, launch});
  }
  return graph.seal(last);
}

TEST(Layout, LayersHaveWeightsOfTheirOwnWhereThereIsRoom) {
  const std::vector<TaskGraph> steps{products(4)};
  const Layout layout = lay_out(make_schedule(steps));
  EXPECT_EQ(layout.size(Arena::weights).bytes, 128 * kMib);
  EXPECT_EQ(layout.ops[1].reads[0].offset, 0U);
  EXPECT_EQ(layout.ops[7].reads[0].offset, 96 * kMib);
}

TEST(Layout, SharesWhatIsMoreThanAnyCacheHolds) {
  const std::vector<TaskGraph> steps{products(40), products(40)};
  const Schedule schedule = make_schedule(steps);
  const Layout layout = lay_out(schedule);
  EXPECT_EQ(layout.size(Arena::weights).bytes, kBeyondCaches);
  EXPECT_EQ(layout.size(Arena::weights).wanted, 40 * 32 * kMib);
  EXPECT_EQ(layout.ops[2 * 31 + 1].reads[0].offset, 31 * 32 * kMib);
  EXPECT_EQ(layout.ops[2 * 32 + 1].reads[0].offset, 0U);                // from the start again
  EXPECT_EQ(layout.ops[schedule.first_op[1] + 1].reads[0].offset, 0U);  // as does every step
}

TEST(Layout, KernelsReadTheHalfThatWasWrittenLast) {
  const std::vector<TaskGraph> steps{products(3)};
  const Layout layout = lay_out(make_schedule(steps));
  const std::size_t half = layout.size(Arena::activations).bytes / 2;
  EXPECT_EQ(half, 8192U);
  EXPECT_EQ(layout.ops[1].reads[1].offset, 0U);
  EXPECT_EQ(layout.ops[1].writes[0].offset, half);
  EXPECT_EQ(layout.ops[3].reads[1].offset, half);
  EXPECT_EQ(layout.ops[3].writes[0].offset, 0U);
}

TEST(Layout, TooLittleMemoryNamesItsLargestConsumers) {
  SmallGraph graph;
  graph.attend({}, 65536.0);
  const OpId last = graph.gather({}, 1048576.0);
  const std::vector<TaskGraph> steps{graph.seal(last)};
  const Schedule schedule = make_schedule(steps);
  const Layout layout = lay_out(schedule);
  EXPECT_EQ(layout.gpu_bytes(), 0U);
  EXPECT_EQ(layout.host_bytes(),
            34 * kMib);  // 65536 tokens of 2 · 2 · 64 bf16, 1 MiB of gather's reads and writes each
  EXPECT_EQ(memory_complaint(schedule, layout, false, 34 * kMib), "");
  EXPECT_EQ(memory_complaint(schedule, layout, true, 0), "");
  EXPECT_EQ(memory_complaint(schedule, layout, false, 34 * kMib - 1),
            "these steps need 0.03 GiB of host memory, 0.03 GiB are free: host cache 0.03 GiB (largest: cpu_attend of "
            "layer -1), outbox 0.00 GiB (largest: cpu_gather of layer -1)");
}

}  // namespace
}  // namespace outrider
