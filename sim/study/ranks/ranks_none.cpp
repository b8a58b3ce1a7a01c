// Ranks in a program that was built without MPI: there are none.
#include <stdexcept>

#include "sim/base/check.h"
#include "sim/study/ranks/ranks.h"

namespace outrider {

struct Ranks::Job {};

bool built_with_mpi() { return false; }

Ranks::Ranks() {
  throw std::runtime_error(
      "this program was built without MPI: install Boost.MPI and Open MPI (scripts/install-dependencies mpi) and build "
      "it again, or deal the study out with --shard");
}
Ranks::~Ranks() = default;

int Ranks::rank() const { return 0; }
int Ranks::size() const { return 1; }
int Ranks::lost() const { return 0; }

std::variant<SweepCounts, DesignErrors> Ranks::lead(const SweepTask&, SweepJournal&, KnownFigures&) {
  CHECK(false, "no ranks");
}
void Ranks::follow(const SweepTask&) { CHECK(false, "no ranks"); }

}  // namespace outrider
