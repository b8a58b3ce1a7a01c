// Distinct demands of a run with what the simulator derives from each once: its flow class and its isolated duration.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/engine/demand.h"
#include "sim/engine/flow_network.h"

namespace outrider {

// Ops repeat a few demands thousands of times (every layer's GEMMs are alike), so that looking one up by its contents
// is cheaper than keeping a copy per op and makes equal units share a flow class.
class DemandTable {
 public:
  struct Entry {
    Demand demand;
    FlowClassId flow_class;  // invalid without units
    Duration isolated;
    std::uint64_t hash = 0;
  };

  DemandTable(const Platform& platform, FlowNetwork& network) : platform_(platform), network_(network) {}

  // Index of the entry whose demand equals this one. CHECKs a new demand against the platform.
  std::uint32_t intern(const Demand& demand);
  const Entry& operator[](std::uint32_t index) const { return entries_[index]; }

 private:
  std::uint32_t add(const Demand& demand, std::uint64_t hash);
  void grow();

  const Platform& platform_;
  FlowNetwork& network_;
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> buckets_;  // open addressing, a power of two; entry index + 1, or 0
};

}  // namespace outrider
