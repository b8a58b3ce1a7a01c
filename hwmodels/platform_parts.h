// Adds resources, pools and lanes to a Platform while the component models are built.
#pragma once

#include <cstdint>
#include <string>

#include "sim/engine/demand.h"

namespace outrider {

// Requires capacity > 0.
ResourceId add_resource(Platform& platform, std::string name, std::string unit, double capacity);
// Requires slots >= 1.
PoolId add_pool(Platform& platform, std::string name, std::int64_t slots);
// The lanes of one device, in the order of lane_id().
void add_lanes(Platform& platform, int device);

// What the names of a device's parts end in: nothing for the first, then " gpu1", " gpu2", …
std::string device_suffix(int device);

}  // namespace outrider
