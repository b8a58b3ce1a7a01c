// Interning of demands by content.
#include "sim/engine/demand_table.h"

#include <algorithm>
#include <bit>

#include "sim/base/check.h"

namespace outrider {
namespace {

// One round of the splitmix64 finaliser per field.
class Hash {
 public:
  void add(std::uint64_t bits) {
    value_ = (value_ ^ bits) * 0xbf58476d1ce4e5b9ull;
    value_ ^= value_ >> 29;
  }
  void add(double value) { add(std::bit_cast<std::uint64_t>(value)); }
  std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0x9e3779b97f4a7c15ull;
};

std::uint64_t hash_of(const Demand& demand) {
  Hash hash;
  hash.add(static_cast<std::uint64_t>(demand.lead.ps()));
  hash.add(static_cast<std::uint64_t>(demand.latency.ps()));
  hash.add(static_cast<std::uint64_t>(demand.units));
  hash.add((static_cast<std::uint64_t>(demand.pool.value) << 32) ^ static_cast<std::uint64_t>(demand.slots_per_unit));
  hash.add(demand.rate_cap);
  hash.add(demand.weight);
  hash.add(static_cast<std::uint64_t>(demand.capped_by.value));
  hash.add(static_cast<std::uint64_t>(demand.ends_as * Signals::kParties + demand.waits_as));
  for (const Use& use : demand.used()) {
    hash.add(static_cast<std::uint64_t>(use.resource.value));
    hash.add(use.amount);
  }
  return hash.value();
}

bool equal(const Demand& a, const Demand& b) {
  const auto same_use = [](const Use& x, const Use& y) { return x.resource == y.resource && x.amount == y.amount; };
  return a.lead == b.lead && a.latency == b.latency && a.units == b.units && a.pool == b.pool &&
         a.slots_per_unit == b.slots_per_unit && a.rate_cap == b.rate_cap && a.weight == b.weight &&
         a.capped_by == b.capped_by && a.ends_as == b.ends_as && a.waits_as == b.waits_as &&
         a.use_count == b.use_count && std::equal(a.used().begin(), a.used().end(), b.used().begin(), same_use);
}

void check_demand(const Demand& demand, const Platform& platform) {
  CHECK(demand.lead >= Duration() && demand.latency >= Duration() && demand.units >= 0,
        "lead of {} ps, latency of {} ps, {} units", demand.lead.ps(), demand.latency.ps(), demand.units);
  CHECK(!demand.pool.valid() || demand.pool.index() < platform.pools.size(), "no pool {}", demand.pool.value);
  CHECK(demand.ends_as < Signals::kParties && demand.waits_as < Signals::kParties, "parties {} and {} of {}",
        demand.ends_as, demand.waits_as, Signals::kParties);
  if (demand.units == 0) return;
  CHECK(demand.rate_cap > 0.0 && demand.weight >= 0.0, "rate cap {}, weight {}", demand.rate_cap, demand.weight);
  for (const Use& use : demand.used()) {
    CHECK(use.resource.index() < platform.resources.size(), "no resource {}", use.resource.value);
  }
}

}  // namespace

std::uint32_t DemandTable::intern(const Demand& demand) {
  if (entries_.size() * 2 >= buckets_.size()) grow();
  const std::uint64_t hash = hash_of(demand);
  const std::size_t mask = buckets_.size() - 1;
  std::size_t at = hash & mask;
  for (; buckets_[at] != 0; at = (at + 1) & mask) {
    const Entry& entry = entries_[buckets_[at] - 1];
    if (entry.hash == hash && equal(entry.demand, demand)) return buckets_[at] - 1;
  }
  const std::uint32_t index = add(demand, hash);
  buckets_[at] = index + 1;
  return index;
}

std::uint32_t DemandTable::add(const Demand& demand, std::uint64_t hash) {
  check_demand(demand, platform_);
  Entry entry{demand, {}, isolated_duration(demand, platform_), hash};
  if (demand.units > 0) {
    entry.flow_class = network_.intern({.uses = {demand.used().begin(), demand.used().end()},
                                        .rate_cap = demand.rate_cap,
                                        .weight = demand.weight > 0.0 ? demand.weight : demand.rate_cap});
  }
  entries_.push_back(entry);
  return static_cast<std::uint32_t>(entries_.size() - 1);
}

void DemandTable::grow() {
  buckets_.assign(std::max<std::size_t>(64, buckets_.size() * 2), 0);
  const std::size_t mask = buckets_.size() - 1;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    std::size_t at = entries_[i].hash & mask;
    while (buckets_[at] != 0) at = (at + 1) & mask;
    buckets_[at] = static_cast<std::uint32_t>(i + 1);
  }
}

}  // namespace outrider
