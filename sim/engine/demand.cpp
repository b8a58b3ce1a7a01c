// Building of demands and what they take on an idle platform.
#include "sim/engine/demand.h"

#include <algorithm>
#include <limits>

#include "sim/base/check.h"

namespace outrider {
namespace {

// Units that run at once when the whole pool is free.
std::int64_t units_at_once(const Demand& demand, const Platform& platform) {
  if (!demand.pool.valid()) return demand.units;
  const PoolInfo& pool = platform.pools[demand.pool.index()];
  CHECK(demand.slots_per_unit >= 1 && demand.slots_per_unit <= pool.slots, "a unit of {} slots in pool '{}' of {}",
        demand.slots_per_unit, pool.name, pool.slots);
  return std::min(demand.units, pool.slots / demand.slots_per_unit);
}

// One wave of `running` equal units: each goes at its cap or at its share of the fullest resource, whichever is slower.
// On one resource, fair shares of equal units are equal whatever their weight.
Duration wave(const Demand& demand, const Platform& platform, std::int64_t running) {
  double rate = demand.rate_cap;
  for (const Use& use : demand.used()) {
    const double capacity = platform.resources[use.resource.index()].capacity;
    rate = std::min(rate, capacity / (static_cast<double>(running) * use.amount));
  }
  CHECK(rate > 0.0, "a unit with cap {} units/s cannot progress", demand.rate_cap);
  return ceil_to_ticks(Seconds(1.0 / rate));
}

}  // namespace

void Demand::use(ResourceId resource, double amount) {
  CHECK(resource.valid() && amount >= 0.0, "use of {} on resource {}", amount, resource.value);
  if (amount == 0.0) return;
  for (std::size_t i = 0; i < use_count; ++i) {
    if (uses[i].resource != resource) continue;
    uses[i].amount += amount;
    return;
  }
  CHECK(use_count < kMaxUses, "a unit uses more than {} resources", kMaxUses);
  uses[use_count++] = {resource, amount};
}

void Demand::lengthen(double factor) {
  CHECK(factor > 0.0, "an op that takes {} times as long", factor);
  latency = ceil_to_ticks(latency.seconds() * factor);
  rate_cap /= factor;
  weight /= factor;
  for (std::size_t i = 0; i < use_count; ++i) uses[i].amount *= factor;
}

Duration isolated_duration(const Demand& demand, const Platform& platform) {
  if (demand.units == 0) return demand.latency;
  const std::int64_t at_once = units_at_once(demand, platform);
  const std::int64_t tail = demand.units % at_once;
  Duration total = demand.latency + wave(demand, platform, at_once) * (demand.units / at_once);
  if (tail > 0) total += wave(demand, platform, tail);
  return total;
}

}  // namespace outrider
