// Placing of units on slots, head of the line first.
#include "sim/engine/pools.h"

#include <algorithm>

#include "sim/base/check.h"

namespace outrider {

Pools::Pools(const std::vector<PoolInfo>& pools) {
  for (const PoolInfo& info : pools) pools_.push_back({info.slots, info.slots, {}});
}

void Pools::arrive(PoolId pool, std::uint32_t tag, std::int64_t units, std::int64_t slots_per_unit) {
  Pool& at = pools_[pool.index()];
  CHECK(units > 0 && slots_per_unit >= 1 && slots_per_unit <= at.slots, "{} units of {} slots on a pool of {}", units,
        slots_per_unit, at.slots);
  at.waiting.push({tag, units, slots_per_unit});
}

void Pools::release(PoolId pool, std::int64_t slots) {
  Pool& at = pools_[pool.index()];
  at.free += slots;
  CHECK(slots >= 0 && at.free <= at.slots, "{} free slots on a pool of {}", at.free, at.slots);
}

UnitGroup Pools::place(PoolId pool) {
  Pool& at = pools_[pool.index()];
  if (at.waiting.empty()) return {};
  Waiting& first = at.waiting.front();
  const UnitGroup group{first.tag, std::min(first.units, at.free / first.slots_per_unit)};
  at.free -= group.units * first.slots_per_unit;
  first.units -= group.units;
  if (first.units == 0) at.waiting.pop();
  return group;
}

}  // namespace outrider
