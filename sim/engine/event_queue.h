// The pending events of a simulation, ordered by (time, phase, sequence); plain data, cancellable.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "sim/base/ticks.h"

namespace outrider {

// Order among events of one instant; ties within a phase break by sequence (first scheduled, first out).
enum class Phase : std::uint8_t { complete, dispatch, observe };

struct Event {
  std::uint32_t kind = 0;  // the owner's handler index
  std::uint32_t payload = 0;
};

// Names a pending event; stale handles are recognised by their generation.
struct EventHandle {
  std::uint32_t slot = 0xffffffffu;
  std::uint32_t generation = 0;
};

struct FiredEvent {
  Instant at;
  Event event;
};

// What the queue orders: the time, then phase (2 bits), sequence (38 bits) and, never deciding, the event's slot (24
// bits).
struct EventKey {
  std::int64_t time = 0;
  std::uint64_t order = 0;
};
inline bool operator<(const EventKey& a, const EventKey& b) {  // as one 128-bit number: no branch to mispredict
  __extension__ using Wide = unsigned __int128;
  return (Wide{static_cast<std::uint64_t>(a.time)} << 64 | a.order) <
         (Wide{static_cast<std::uint64_t>(b.time)} << 64 | b.order);
}

// A flat 4-ary heap: fastest while it fits the first-level cache.
class FlatHeap {
 public:
  bool empty() const { return keys_.empty(); }
  std::size_t size() const { return keys_.size(); }
  const EventKey& top() const { return keys_.front(); }
  void push(EventKey key);
  void pop();
  std::vector<EventKey> take() { return std::exchange(keys_, {}); }

 private:
  std::vector<EventKey> keys_;
};

// A monotone radix heap: bucket b holds keys whose time first differs from the last time looked at in bit b − 1; a
// bucket is dealt out to lower ones when its turn comes, so a key moves at most once per bit and always sequentially.
class RadixHeap {
 public:
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  const EventKey& top();
  void push(EventKey key);
  void pop();
  // Everything left, in no order.
  std::vector<EventKey> take();
  void start_at(std::int64_t time) { last_ = time; }

 private:
  void refill();
  std::int64_t last_ = 0;
  std::size_t size_ = 0;
  std::uint64_t occupied_ = 0;                     // bit b − 1: bucket b is not empty
  FlatHeap now_;                                   // keys of the instant `last_`
  FlatHeap early_;                                 // keys before it, scheduled after it was looked at
  std::array<std::vector<EventKey>, 65> buckets_;  // bucket 0 is `now_`
};

// Monotone: nothing can be scheduled before the last popped instant (CHECKed). Few pending events live in a FlatHeap,
// many in a RadixHeap; the order is the same. At most 2^24 pending and 2^38 scheduled events (CHECKed).
class EventQueue {
 public:
  EventHandle schedule(Instant at, Phase phase, Event event);
  bool pending(EventHandle handle) const;
  bool cancel(EventHandle handle);  // false where the event is not pending any more
  bool empty() const { return live_ == 0; }
  std::size_t size() const { return live_; }
  Instant next_time();  // never() where empty
  FiredEvent pop();     // requires: not empty

 private:
  struct Slot {
    Event event;
    std::uint32_t generation = 0;
    bool live = false;
    std::uint64_t order = 0;
  };
  static constexpr std::uint64_t kSlotBits = 24, kSequenceBits = 38;
  static constexpr std::size_t kToRadix = 512, kToFlat = 128;

  const EventKey& top();
  void drop_top();
  void skip_cancelled();
  void change_structure();
  void release(std::uint32_t slot);

  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_slots_;
  FlatHeap flat_;
  RadixHeap radix_;
  bool use_radix_ = false;
  std::size_t live_ = 0, cancelled_ = 0;
  std::uint64_t next_sequence_ = 0;
  std::int64_t now_ = 0;
};

}  // namespace outrider
