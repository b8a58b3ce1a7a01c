// A sweep killed fifty times and resumed each time ends with the files of one that nothing disturbed.
#include "tests/sim/cli/sweep_runs.h"

namespace outrider {
namespace {

TEST_F(SweepRuns, FiftyKillsLeaveNoTrace) { kill_and_resume(50, 2); }

}  // namespace
}  // namespace outrider
