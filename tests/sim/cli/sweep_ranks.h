// Sweeps on the ranks of an MPI job, started by mpirun on this machine; skipped where there is none.
#pragma once

#include "tests/sim/cli/sweep_runs.h"

namespace outrider {

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

}  // namespace outrider
