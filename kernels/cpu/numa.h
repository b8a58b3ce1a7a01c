// Which processors are near which memory.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <vector>

namespace outrider {

// The processors of each NUMA node, of those in `usable`: nodes in order of their numbers, those without such left out,
// and one node of all where the system does not tell. `root` is where it does.
std::vector<std::vector<int>> numa_nodes(std::span<const int> usable,
                                         const std::filesystem::path& root = "/sys/devices/system/node");

// Calls work(i) on a thread that is pinned to the i-th processor, all at once. Seconds from when all were there until
// the last one ended. Memory that a thread is the first to touch comes from its node. Throws std::runtime_error where
// the system does not pin.
double run_on(std::span<const int> processors, const std::function<void(std::size_t i)>& work);

}  // namespace outrider
