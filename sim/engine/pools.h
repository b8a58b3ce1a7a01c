// Pools of counted slots: which units may run. Ops are served strictly in the order they arrived.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/engine/demand.h"
#include "sim/engine/fifo.h"

namespace outrider {

// Units of one op that got slots at the same instant.
struct UnitGroup {
  std::uint32_t tag = 0;
  std::int64_t units = 0;  // 0: nothing can be placed now
};

class Pools {
 public:
  explicit Pools(const std::vector<PoolInfo>& pools);

  // `units` units of `slots_per_unit` each join the end of the pool's queue. Requires 1 ≤ slots_per_unit ≤ slots.
  void arrive(PoolId pool, std::uint32_t tag, std::int64_t units, std::int64_t slots_per_unit);
  // Slots come back.
  void release(PoolId pool, std::int64_t slots);
  // Takes as many units of the first op in the queue as fit now. The next op gets slots only after the first op's
  // units are all placed, even if its own would fit: thread blocks of a later kernel do not overtake.
  UnitGroup place(PoolId pool);

  std::int64_t free(PoolId pool) const { return pools_[pool.index()].free; }

 private:
  struct Waiting {
    std::uint32_t tag = 0;
    std::int64_t units = 0;
    std::int64_t slots_per_unit = 1;
  };
  struct Pool {
    std::int64_t slots = 0;
    std::int64_t free = 0;
    Fifo<Waiting> waiting;
  };
  std::vector<Pool> pools_;
};

}  // namespace outrider
