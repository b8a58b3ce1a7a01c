// Sweeps dealt out to several programs: their merged files are those of one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/cli/sweep_runs.h"

namespace outrider {
namespace {

using testing::HasSubstr;

TEST_F(SweepRuns, MergedShardsAreOneSweepByteForByte) {
  ASSERT_EQ(run("sweep small.yaml --out whole"), 0) << error();
  // 36 points do not divide by 5; the order in which shards run does not matter.
  for (const int shard : {4, 1, 5, 2, 3}) {
    ASSERT_EQ(run(fmt::format("sweep small.yaml --no-cache --out parts --shard {}/5", shard)), 0) << error();
    EXPECT_THAT(out(), HasSubstr(shard == 1 ? "8 design points" : "7 design points"));
  }
  EXPECT_FALSE(fs::exists(folder_ / "parts/results.csv"));
  ASSERT_EQ(run("merge small.yaml --out parts"), 0) << error();
  EXPECT_THAT(out(), HasSubstr("36 design points from 5 shards"));
  for (const char* file : {"results.csv", "results.sqlite"}) EXPECT_EQ(result("parts", file), result("whole", file));
}

TEST_F(SweepRuns, WhatShardsLackIsCountedAndCanBeResumed) {
  ASSERT_EQ(run("sweep small.yaml --out whole"), 0) << error();
  EXPECT_EQ(run("merge small.yaml --out whole"), 1);
  EXPECT_THAT(error(), HasSubstr("no journal of a shard"));
  ASSERT_EQ(run("sweep small.yaml --out parts --shard 1/3"), 0) << error();
  ASSERT_EQ(run("sweep small.yaml --out parts --shard 2/3"), 0) << error();
  EXPECT_EQ(run("merge small.yaml --out parts"), 1);
  EXPECT_THAT(error(), HasSubstr("of 36 design points 12 are missing"));
  ASSERT_EQ(run("sweep small.yaml --out parts --resume"), 0) << error();
  EXPECT_THAT(out(), HasSubstr("24 design points were finished already"));
  EXPECT_EQ(result("parts", "results.csv"), result("whole", "results.csv"));
}

TEST_F(SweepRuns, AShardOfAnotherStudyIsNotMerged) {
  ASSERT_EQ(run("sweep small.yaml --out parts --shard 1/1"), 0) << error();
  ASSERT_EQ(run("sweep small.yaml --out parts --shard 1/2"), 0) << error();
  write("small.yaml", std::string(kSmallStudy) + "where: cores < 64\n");
  fs::remove(folder_ / "parts/points.journal");
  EXPECT_EQ(run("merge small.yaml --out parts"), 1);
  EXPECT_THAT(error(), HasSubstr("is of another study"));
}

TEST_F(SweepRuns, AShardIsOneOfItsParts) {
  for (const char* wrong : {"0/2", "3/2", "2", "a/2", "1/0", "1/"}) {
    EXPECT_EQ(run(fmt::format("sweep small.yaml --shard {}", wrong)), 2) << wrong;
    EXPECT_THAT(error(), HasSubstr("--shard: expected one of several parts, such as 2/8"));
  }
}

}  // namespace
}  // namespace outrider
