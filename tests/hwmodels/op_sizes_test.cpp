// Sizes are those that decide an op's time, and ranges end at their tolerance.
#include "hwmodels/op_sizes.h"

#include <gtest/gtest.h>

#include "tests/hwmodels/machines.h"

namespace outrider {
namespace {

OpSizes sizes(Family family, Shape shape) { return sizes_of(op_of(family, shape)).value_or(OpSizes{}); }

std::string family_name(const OpSizes& sizes) { return std::string(sized_families()[sizes.family].name); }

Profile with_range(const SizeRange& range) {
  Profile profile = assumed_profile();
  profile.fit.emplace().ranges = {range};
  return profile;
}

TEST(OpSizes, ProductsAreToldByRowsAndAllTheirWeights) {
  const OpSizes one = sizes(Family::gemm, GemmShape{.rows = 16.0, .n = 5120, .k = 4096});
  EXPECT_EQ(family_name(one), "gemm");
  EXPECT_EQ(one.values[0], 16.0);
  EXPECT_EQ(one.values[1], 5120.0 * 4096.0);
  const OpSizes experts =
      sizes(Family::gemm, GemmShape{.rows = 2.0, .n = 768, .k = 2048, .instances = 64.0, .type = DataType::fp8});
  EXPECT_EQ(family_name(experts), "gemm_fp8");
  EXPECT_EQ(experts.values[1], 64.0 * 768.0 * 2048.0);
  EXPECT_EQ(family_name(sizes(Family::reconstruct_k, GemmShape{.rows = 1.0, .n = 1, .k = 1})), "gemm");
  EXPECT_EQ(family_name(sizes(Family::predict_q, GemmShape{.rows = 1.0, .n = 1, .k = 1})), "gemm");
}

TEST(OpSizes, AttentionIsToldByKvBytesTokensOfASequenceAndHeadsThatShareThem) {
  for (const auto& [family, name] : {std::pair{Family::attend_dense, "attend_dense"},
                                     {Family::attend_sparse, "attend_sparse"},
                                     {Family::estimate_attend, "attend_sparse"},
                                     {Family::cpu_attend, "cpu_attend"}}) {
    const OpSizes found = sizes(family, decode_attention(4.0, 1024.0));
    EXPECT_EQ(family_name(found), name);
    EXPECT_EQ(found.values[0], cached_bytes(decode_attention(4.0, 1024.0)));
    EXPECT_EQ(found.values[1], 1024.0);
    EXPECT_EQ(found.values[2], 5.0);
  }
}

TEST(OpSizes, SingleTokensOnTheCpuHaveSamplesOfTheirOwn) {
  AttentionShape shape = decode_attention(4.0, 1024.0);
  shape.block_tokens = 1;
  EXPECT_EQ(family_name(sizes(Family::cpu_attend, shape)), "cpu_attend_tokens");
  EXPECT_EQ(family_name(sizes(Family::attend_sparse, shape)), "attend_sparse");
}

TEST(OpSizes, AnInt8CacheHasHalfTheBytes) {
  AttentionShape shape = decode_attention(4.0, 1024.0);
  const double bytes = sizes(Family::attend_dense, shape).values[0];
  shape.type = DataType::int8;
  EXPECT_EQ(sizes(Family::attend_dense, shape).values[0], 0.5 * bytes);
}

TEST(OpSizes, AttentionOverCodesIsToldByTheirBytes) {
  AttentionShape shape = decode_attention(4.0, 1024.0);
  const double bytes = sizes(Family::attend_dense, shape).values[0];
  shape.kv_bits = 4.5;
  const OpSizes codes = sizes(Family::attend_quantised, shape);
  EXPECT_EQ(family_name(codes), "attend_quantised");
  EXPECT_EQ(codes.values[0], bytes * 4.5 / 16.0);
}

TEST(OpSizes, LookUpsAreToldByRowsKeysAndEntriesThatARowReads) {
  const LookupShape shape{.rows = 64.0, .queries = 4, .subspaces = 8, .clusters = 64, .length = 100.0, .keys = 2000.0};
  EXPECT_EQ(family_name(sizes(Family::look_up_keys, shape)), "look_up_keys");
  EXPECT_EQ(sizes(Family::look_up_keys, shape).values, (std::array{64.0, 2000.0, 3200.0}));
}

TEST(OpSizes, SelectionIsToldByRowsAndWhatEachHas) {
  const StreamShape top{.read = Bytes(4.0 * 8.0 * 512.0), .write = Bytes(1.0), .flops = {}, .items = 8.0};
  EXPECT_EQ(sizes(Family::select_top_k, top).values, (std::array{8.0, 512.0, 0.0}));
  EXPECT_EQ(sizes(Family::residency_diff, top).values, (std::array{8.0, 256.0, 0.0}));  // wanted beside resident
}

TEST(OpSizes, StreamsWithoutSamplesOfTheirOwnCountAsElementwise) {
  const StreamShape rows{.read = Bytes(100.0), .write = Bytes(28.0), .flops = {}, .items = 8.0};
  for (const Family family :
       {Family::norm_rope, Family::activation, Family::sample, Family::embed, Family::compare_queries}) {
    EXPECT_EQ(family_name(sizes(family, rows)), "elementwise") << to_string(family);
    EXPECT_EQ(sizes(family, rows).values, (std::array{128.0, 8.0, 0.0}));
  }
}

TEST(OpSizes, GathersOfTheCpuAreToldByBytesAndFragments) {
  const StreamShape fragments{.read = Bytes(4096.0), .write = Bytes(4096.0), .flops = {}, .items = 2.0};
  EXPECT_EQ(family_name(sizes(Family::cpu_gather, fragments)), "cpu_gather");
  EXPECT_EQ(sizes(Family::cpu_gather, fragments).values, (std::array{8192.0, 2.0, 0.0}));
}

// 4 query heads of 150 tables each, whose buckets hold 8 tokens of 1,024.
TEST(OpSizes, LookUpsInHashTablesAreToldByTokensOfABucketAndOfARow) {
  const StreamShape look{
      .read = Bytes(600.0 * (8.0 + 8.0 * 4.0)), .write = Bytes(4096.0), .flops = Flops(4800.0), .items = 4.0};
  EXPECT_EQ(family_name(sizes(Family::cpu_hash_lookup, look)), "cpu_hash_lookup");
  EXPECT_EQ(sizes(Family::cpu_hash_lookup, look).values, (std::array{8.0, 1024.0, 4.0}));
}

TEST(OpSizes, WhatNothingIsFittedToHasNone) {
  EXPECT_FALSE(sizes_of(op_of(Family::barrier, {})));
  EXPECT_FALSE(sizes_of(op_of(Family::launch_kernel, HostShape{1.0})));
  EXPECT_FALSE(sizes_of(op_of(Family::cpu_lookup, StreamShape{.read = Bytes(1.0), .write = {}, .flops = {}})));
  EXPECT_FALSE(sizes_of(op_of(Family::cpu_hash_lookup, StreamShape{.read = {}, .write = {}, .flops = {}})));
  EXPECT_FALSE(sizes_of(op_of(Family::prefill_attend, decode_attention(1.0, 1024.0))));
  EXPECT_FALSE(sizes_of(op_of(Family::cpu_attend, AttentionShape{})));  // no work: fork and join
  CopyShape copy{.direction = Direction::h2d, .fragments = 2.0, .fragment = Bytes(4096.0)};
  EXPECT_EQ(sizes(Family::copy_h2d, copy).values, (std::array{4096.0, 2.0, 0.0}));
  copy.path = CopyPath::batched;
  EXPECT_FALSE(sizes_of(op_of(Family::copy_h2d, copy)));
  copy.path = CopyPath::copy_engine;
  copy.memory = HostMemory::pageable;
  EXPECT_FALSE(sizes_of(op_of(Family::copy_h2d, copy)));
}

TEST(SampledRanges, EndAtTheToleranceOnBothSides) {
  const SampledRanges ranges(with_range({.family = "gemm", .size = "rows", .low = 8.0, .high = 4096.0}));
  const auto outside = [&](double rows) {
    return ranges.outside(sizes(Family::gemm, GemmShape{.rows = rows, .n = 1, .k = 1}));
  };
  EXPECT_FALSE(ranges.empty());
  EXPECT_TRUE(outside(6.3));
  EXPECT_FALSE(outside(6.4));     // 8 ÷ 1.25
  EXPECT_FALSE(outside(5120.0));  // 4096 · 1.25
  EXPECT_TRUE(outside(5121.0));
}

TEST(SampledRanges, FamiliesAndProfilesWithoutRangesAreNeverOutside) {
  const OpSizes huge = sizes(Family::copy_h2d, CopyShape{.fragments = 1e9, .fragment = Bytes(1e12)});
  EXPECT_FALSE(SampledRanges(with_range({.family = "gemm", .size = "rows", .low = 1.0, .high = 2.0})).outside(huge));
  EXPECT_TRUE(SampledRanges(assumed_profile()).empty());
  EXPECT_FALSE(SampledRanges(assumed_profile()).outside(huge));
}

}  // namespace
}  // namespace outrider
