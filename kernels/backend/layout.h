// Which part of which arena every op touches, decided before anything is allocated.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "kernels/backend/schedule.h"
#include "kernels/backend/work.h"

namespace outrider {

struct Slice {
  Arena arena = Arena::activations;
  std::size_t offset = 0, bytes = 0;
};
struct OpSlices {
  std::vector<Slice> reads, writes;  // as in the op's footprint
};

// Layers share memory: an arena is as large as one step's ops need together, at most kBeyondCaches, and at least as its
// largest op needs. Ops take their parts one after another, from the start again where the arena ends, so that between
// two uses of an address as many other bytes are touched as no cache holds (50 MB of L2 on an H100, 260 MB of L3 on the
// larger EPYCs and Xeons). Every step begins at the arenas' starts: it touches what the step before did. Activations
// are two halves, each as large as the largest op's, and meant to stay in caches.
inline constexpr std::size_t kBeyondCaches = std::size_t{1} << 30;

struct ArenaSize {
  std::size_t bytes = 0;    // to allocate
  std::size_t wanted = 0;   // were every op of a step to have its own
  OpIndex largest = kNoOp;  // the op that needs most of it
};

struct Layout {
  std::vector<OpSlices> ops;
  std::array<ArenaSize, kArenas> arenas;

  const ArenaSize& size(Arena arena) const { return arenas[static_cast<std::size_t>(arena)]; }
  std::size_t gpu_bytes() const;
  std::size_t host_bytes() const;
};

// Throws std::invalid_argument with all the ops' complaints where an op has no executor.
Layout lay_out(const Schedule& schedule);

// Nothing if so many bytes are free; otherwise what needs them, largest first.
std::string memory_complaint(const Schedule& schedule, const Layout& layout, bool of_gpu, std::size_t free_bytes);

}  // namespace outrider
