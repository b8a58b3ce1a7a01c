// The pending events of a simulation, ordered by (time, phase, sequence); plain data, cancellable.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
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

// A flat 4-ary heap: fastest while it fits the first-level cache. A popped top leaves a gap, which the next push fills:
// an event that schedules its successor costs one pass down the heap.
class FlatHeap {
 public:
  bool empty() const { return size() == 0; }
  std::size_t size() const { return keys_.size() - (gap_ ? 1 : 0); }
  const EventKey& top() {
    if (gap_) close_gap();
    return keys_.front();
  }
  void push(EventKey key);
  void pop();
  std::span<const EventKey> keys() {  // in no order
    if (gap_) close_gap();
    return keys_;
  }
  std::vector<EventKey> take();

 private:
  void close_gap();
  void sink(EventKey key);  // from the top, which is free

  std::vector<EventKey> keys_;
  bool gap_ = false;  // keys_[0] was popped
};

// A radix heap with a sorted front: keys before `horizon_` lie in a small heap, the others in bucket b where their time
// first differs from `base_` in bit b − 1. When the front is used up, the lowest bucket becomes the front if it is
// small; else it is dealt out to lower buckets. So a key moves at most once per bit, always sequentially.
class RadixHeap {
 public:
  bool empty() const { return size() == 0; }
  std::size_t size() const { return front_.size() + behind_; }
  // The front must not be empty for top and pop.
  bool front_empty() const { return front_.empty(); }
  std::span<const EventKey> front() { return front_.keys(); }
  void refill();  // requires: the front is empty, the rest is not
  const EventKey& top() { return front_.top(); }
  void pop() { front_.pop(); }
  void push(EventKey key);
  std::vector<EventKey> take();      // everything left, in no order
  void start_at(std::int64_t time);  // requires: empty; no key is before `time`

 private:
  FlatHeap front_;
  std::uint64_t base_ = 0, horizon_ = 0;           // instants in ps; base_ <= horizon_
  std::size_t behind_ = 0;                         // keys in buckets
  std::uint64_t occupied_ = 0;                     // bit b − 1: bucket b is not empty
  std::array<std::vector<EventKey>, 65> buckets_;  // bucket 0 stays empty
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
    std::uint32_t generation = 0;  // counts releases
    std::uint32_t next_free = 0;
    std::uint64_t order = 0;  // of the event it holds; kNoOrder: free
  };
  static constexpr std::uint32_t kNoSlot = 0xffffffffu;
  static constexpr std::uint64_t kNoOrder = ~std::uint64_t{0};
  static constexpr std::uint64_t kSlotBits = 24, kSequenceBits = 38;
  static constexpr std::size_t kToRadix = 512, kToFlat = 128;

  static std::uint32_t slot_of(const EventKey& key) {
    return static_cast<std::uint32_t>(key.order & ((std::uint64_t{1} << kSlotBits) - 1));
  }
  const EventKey& top();
  void drop_top();
  void skip_cancelled();
  void change_structure();
  std::uint32_t take_slot();
  void release(std::uint32_t slot);

  std::vector<Slot> slots_;
  FlatHeap flat_;
  RadixHeap radix_;
  bool use_radix_ = false;
  std::uint32_t free_ = kNoSlot;  // head of the list of free slots
  std::size_t live_ = 0, cancelled_ = 0;
  std::uint64_t next_sequence_ = 0;
  std::int64_t now_ = 0;
};

}  // namespace outrider
