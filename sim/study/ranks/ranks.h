// A sweep on the ranks of an MPI job: rank 0 has journal and cache and hands points out, all ranks simulate, one point
// at a time each.
#pragma once

#include <memory>

#include "sim/study/sweep.h"

namespace outrider {

bool built_with_mpi();

// Joins the job that the process was started in, for as long as it lasts; once in a process. Throws std::runtime_error
// where the program was built without MPI.
class Ranks {
 public:
  Ranks();
  ~Ranks();
  Ranks(const Ranks&) = delete;
  Ranks& operator=(const Ranks&) = delete;

  int rank() const;
  int size() const;
  // At rank 0: as run_sweep, with all ranks at work. The points of a rank that died are handed out again.
  std::variant<SweepCounts, DesignErrors> lead(const SweepTask& task, SweepJournal& journal, KnownFigures& known);
  int lost() const;  // ranks that did not come to the end
  // At the others: simulates what rank 0 hands out until it has no more. Throws where it does not answer.
  void follow(const SweepTask& task);

 private:
  struct Job;
  std::unique_ptr<Job> job_;
};

}  // namespace outrider
