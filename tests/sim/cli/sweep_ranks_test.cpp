// Sweeps on the ranks of an MPI job, started by mpirun on this machine; skipped where there is none.
#include "tests/sim/cli/sweep_ranks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace outrider {
namespace {

using testing::HasSubstr;

TEST_F(SweepRanks, FilesAreTheSameForAnyNumberOfRanks) {
  ASSERT_EQ(run("sweep small.yaml --no-cache --out whole"), 0) << error();
  for (const int ranks : {1, 2, 4}) {
    fs::remove_all(folder_ / "ranks");
    ASSERT_EQ(run("sweep small.yaml --no-cache --out ranks", mpirun(ranks)), 0) << error();
    for (const char* file : {"results.csv", "results.sqlite"})
      EXPECT_EQ(result("ranks", file), result("whole", file)) << ranks;
  }
}

TEST_F(SweepRanks, MistakesEndAllRanks) {
  write("bad.yaml", "name: bad\nscenario: examples/quick\ngrid:\n  machine.cpu.coers: [8, 16]\n");
  EXPECT_NE(run("sweep bad.yaml", mpirun(3)), 0);
  EXPECT_THAT(error(), HasSubstr("bad.yaml:4: cpu.coers: expected"));
  fs::create_directories(folder_ / "locked/points.journal");  // no file
  EXPECT_NE(run("sweep small.yaml --out locked", mpirun(3)), 0);
  EXPECT_THAT(error(), HasSubstr("cannot open"));
}

}  // namespace
}  // namespace outrider
