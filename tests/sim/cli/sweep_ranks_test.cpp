// Sweeps on the ranks of an MPI job, started by mpirun on this machine; skipped where there is none.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/cli/sweep_runs.h"

namespace outrider {
namespace {

using testing::HasSubstr;

class SweepRanks : public SweepRuns {
 protected:
  void SetUp() override {
    SweepRuns::SetUp();
    if (std::system("command -v mpirun >/dev/null") != 0) GTEST_SKIP() << "no mpirun";
    if (run("sweep small.yaml --mpi --out probe --no-cache") == 1) GTEST_SKIP() << error();
  }
  static std::string mpirun(int ranks) {
    return fmt::format("timeout 300 mpirun --allow-run-as-root --oversubscribe -n {}", ranks);
  }
};

TEST_F(SweepRanks, FilesAreTheSameForAnyNumberOfRanks) {
  ASSERT_EQ(run("sweep small.yaml --no-cache --out whole"), 0) << error();
  for (const int ranks : {1, 2, 4}) {
    fs::remove_all(folder_ / "ranks");
    ASSERT_EQ(run("sweep small.yaml --no-cache --out ranks", mpirun(ranks)), 0) << error();
    for (const char* file : {"results.csv", "results.sqlite"})
      EXPECT_EQ(result("ranks", file), result("whole", file)) << ranks;
  }
}

TEST_F(SweepRanks, ARankThatDiesLosesOnlyItsPointsInFlight) {
  std::string study = kSmallStudy;
  study.replace(study.find("16..64 step 16"), 14, "8..128 step 2");
  write("small.yaml", study);
  ASSERT_EQ(run("sweep small.yaml --no-cache --out whole"), 0) << error();
  // The second rank kills itself once the journal has some points.
  write("rank.sh",
        "if [ \"$OMPI_COMM_WORLD_RANK\" = 1 ]; then\n"
        "  (until [ \"$(wc -l < killed/points.journal)\" -gt 20 ]; do sleep 0.01; done; kill -KILL $$) 2>/dev/null &\n"
        "fi\n"
        "exec \"$@\"\n");
  ASSERT_EQ(run("sweep small.yaml --no-cache --out killed", mpirun(3) + " --enable-recovery sh rank.sh"), 0) << error();
  EXPECT_THAT(error(), HasSubstr("1 of 3 ranks did not come to the end"));
  for (const char* file : {"results.csv", "results.sqlite"})
    EXPECT_EQ(result("killed", file), result("whole", file)) << file;
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
