// What occupies each tier of memory, now and at its peak; a tier that needs more than it has names its largest
// consumers.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/ids.h"
#include "sim/base/quantity.h"
#include "sim/base/ticks.h"

namespace outrider {

using TierId = Id<struct TierTag>;

struct Consumer {
  std::string what;  // "weights", "KV cache"
  Bytes amount;
};

// The occupancy of a tier from `at` until its next sample.
struct OccupancySample {
  Instant at;
  TierId tier;
  Bytes total;
};

// A tier that needs more than it has.
struct Overcommit {
  TierId tier;
  Bytes needed, capacity;
  std::vector<Consumer> largest;  // descending; equal amounts in the order they were first added
  std::string message;            // "HBM: needs 91.3 GB, has 80.0 GB; largest: KV cache 61.8 GB, weights 29.5 GB"
};

// Counts what is there; it refuses nothing, so that one check names every consumer.
class MemoryLedger {
 public:
  TierId add_tier(std::string name, Bytes capacity);

  // Adds to what `what` holds in the tier. With an instant, the tier's new total is kept as a sample of usage over
  // time. Requires: bytes finite and not negative; instants of one tier do not run backwards.
  void add(TierId tier, std::string_view what, Bytes bytes);
  void add(TierId tier, std::string_view what, Bytes bytes, Instant at);
  // Takes back at most what `what` holds.
  void remove(TierId tier, std::string_view what, Bytes bytes);
  void remove(TierId tier, std::string_view what, Bytes bytes, Instant at);

  Bytes total(TierId tier) const { return tiers_[tier.index()].total; }
  Bytes peak(TierId tier) const { return tiers_[tier.index()].peak; }
  Bytes capacity(TierId tier) const { return tiers_[tier.index()].capacity; }
  Bytes free(TierId tier) const { return capacity(tier) - total(tier); }  // negative if over capacity
  const std::string& name(TierId tier) const { return tiers_[tier.index()].name; }
  std::size_t tiers() const { return tiers_.size(); }
  const std::vector<OccupancySample>& samples() const { return samples_; }

  // Consumers that hold something at the tier's peak, largest first.
  std::vector<Consumer> largest(TierId tier) const;
  // One entry per tier whose peak exceeds its capacity, in the order of tiers; empty: everything fits.
  std::vector<Overcommit> overcommitted() const;

 private:
  struct Tier {
    std::string name;
    Bytes capacity, total, peak;
    std::vector<Consumer> consumers, at_peak;
    Instant sampled;
  };
  void sample(TierId tier, Instant at);

  std::vector<Tier> tiers_;
  std::vector<OccupancySample> samples_;
};

}  // namespace outrider
