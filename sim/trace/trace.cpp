// Sums of time ledgers.
#include "sim/trace/trace.h"

namespace outrider {

Ledger& Ledger::operator+=(const Ledger& other) {
  dependency += other.dependency;
  queue += other.queue;
  contention += other.contention;
  work += other.work;
  return *this;
}

}  // namespace outrider
