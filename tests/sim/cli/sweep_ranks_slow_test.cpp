// A rank killed in the middle of a sweep. Slow: what Open MPI does about it takes from seconds to minutes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/cli/sweep_ranks.h"

namespace outrider {
namespace {

using testing::HasSubstr;

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

}  // namespace
}  // namespace outrider
