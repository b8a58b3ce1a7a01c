// Appending to a Platform, with the ids that the appended parts get.
#include "hwmodels/platform_parts.h"

#include <fmt/format.h>

#include <utility>

#include "sim/base/check.h"
#include "sim/graph/op.h"

namespace outrider {

ResourceId add_resource(Platform& platform, std::string name, std::string unit, double capacity) {
  CHECK(capacity > 0.0, "resource '{}' has a capacity of {} {}", name, capacity, unit);
  platform.resources.push_back({.name = std::move(name), .unit = std::move(unit), .capacity = capacity});
  return ResourceId(platform.resources.size() - 1);
}

PoolId add_pool(Platform& platform, std::string name, std::int64_t slots) {
  CHECK(slots >= 1, "pool '{}' has {} slots", name, slots);
  platform.pools.push_back({.name = std::move(name), .slots = slots});
  return PoolId(platform.pools.size() - 1);
}

void add_lanes(Platform& platform, int device) {
  for (int lane = 0; lane < kLanesPerDevice; ++lane) {
    CHECK(platform.lanes.size() == lane_id(static_cast<Lane>(lane), device).index(), "lanes of device {} out of order",
          device);
    platform.lanes.push_back(std::string(to_string(static_cast<Lane>(lane))) + device_suffix(device));
  }
}

std::string device_suffix(int device) { return device == 0 ? std::string() : fmt::format(" gpu{}", device); }

}  // namespace outrider
