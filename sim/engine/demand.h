// What an op asks of the machine: the one interface between hardware models and engine.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "sim/base/ids.h"
#include "sim/base/ticks.h"
#include "sim/trace/trace.h"

namespace outrider {

struct PoolInfo {
  std::string name;  // "SM slots", "CPU cores", "copy engine h2d"
  std::int64_t slots = 0;
};

// Who learns of whose end. Ops of the same lane follow each other at once; between lanes it takes a time that depends
// on whose end it is and on who waits for it.
struct Signals {
  static constexpr std::size_t kParties = 4;
  std::array<std::array<Duration, kParties>, kParties> time{};  // from, to

  bool operator==(const Signals&) const = default;
};

// The shared parts of a machine. Capacities are in each resource's unit per second.
struct Platform {
  std::vector<ResourceInfo> resources;
  std::vector<PoolInfo> pools;
  std::vector<std::string> lanes;  // names, by LaneId
  Signals signals{};
};

// Work that one unit does on one resource, in the resource's unit (bytes, FLOPs).
struct Use {
  ResourceId resource;
  double amount = 0.0;
};

// An op runs `latency` first, then `units` equal units as the pool has slots for them. A unit progresses at a rate of
// at most `rate_cap` units per second; running units share resources max-min fairly, where a unit's fair share of speed
// is proportional to `weight` (default: its rate cap, so that all units on one full resource slow down by the same
// factor). An op without units takes its latency only. Lane and latency come first, pool slots are held per unit. An op
// that has its lane starts `lead` later: until then nothing runs, and the ledger has it as queueing.
struct Demand {
  static constexpr std::size_t kMaxUses = 12;

  Duration lead;
  Duration latency;
  std::int64_t units = 0;
  PoolId pool;  // invalid: units need no slots, all start at once
  std::int64_t slots_per_unit = 1;
  double rate_cap = 0.0;  // units per second, > 0 where units > 0
  ResourceId capped_by;   // of `uses`: where rate_cap is a share of a resource; names what limits units at their cap
  double weight = 0.0;    // 0: rate_cap
  std::uint8_t ends_as = 0, waits_as = 0;  // parties of the platform's signals; of no consequence within a lane
  std::uint32_t use_count = 0;
  std::array<Use, kMaxUses> uses{};

  // Adds `amount` on `resource`; zero amounts are left out, equal resources are summed. CHECKs the limit.
  void use(ResourceId resource, double amount);
  // Alone on a platform, it takes `factor` times as long, each resource being used for as much longer.
  void lengthen(double factor);
  std::span<const Use> used() const { return {uses.data(), use_count}; }
};

// What the op takes on an otherwise idle platform once it starts: latency + its waves, each at the fastest rate its cap
// and the resources' capacities allow. This is the `work` of the time ledger.
Duration isolated_duration(const Demand& demand, const Platform& platform);

}  // namespace outrider
