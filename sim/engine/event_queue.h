// The pending events of a simulation, ordered by (time, phase, sequence); plain data, cancellable.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/base/ticks.h"

namespace outrider {

// Order among events of one instant; ties within a phase break by sequence (first scheduled, first out).
enum class Phase : std::uint8_t { complete, dispatch, observe };

struct Event {
  std::uint32_t kind = 0;        // the owner's handler index
  std::uint32_t payload = 0;
};

// Names a pending event; stale handles are recognised by their generation.
struct EventHandle {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;
};

struct FiredEvent {
  Instant at;
  Event event;
};

// Monotone: nothing can be scheduled before the last popped instant (CHECKed). See event_queue.cpp for the structure.
class EventQueue;

}  // namespace outrider
