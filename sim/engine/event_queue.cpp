// The two orders of pending events and the queue on top of them, in one file so that the compiler sees through calls.
#include "sim/engine/event_queue.h"

#include <algorithm>
#include <bit>

#include "sim/base/check.h"

namespace outrider {

void FlatHeap::push(EventKey key) {
  if (gap_) {
    gap_ = false;
    return sink(key);
  }
  std::size_t hole = keys_.size();
  keys_.push_back(key);
  while (hole > 0) {
    const std::size_t parent = (hole - 1) / 4;
    if (!(key < keys_[parent])) break;
    keys_[hole] = keys_[parent];
    hole = parent;
  }
  keys_[hole] = key;
}

void FlatHeap::pop() {
  if (gap_) close_gap();
  gap_ = true;
}

void FlatHeap::close_gap() {
  gap_ = false;
  const EventKey last = keys_.back();
  keys_.pop_back();
  if (!keys_.empty()) sink(last);
}

// The least of four, chosen by arithmetic on the comparisons: a branch would be mispredicted every other time.
inline std::size_t least_of_four(const EventKey* keys) {
  const auto low = static_cast<std::size_t>(keys[1] < keys[0]);
  const auto high = std::size_t{2} + static_cast<std::size_t>(keys[3] < keys[2]);
  const auto take_high = std::size_t{0} - static_cast<std::size_t>(keys[high] < keys[low]);
  return low ^ ((low ^ high) & take_high);
}

// The same from the times alone, and whether a tie among them or with `time` calls for the whole keys.
struct LeastTime {
  std::size_t index;
  std::int64_t time;
  bool tie;
};
inline LeastTime least_time_of_four(const EventKey* keys, std::int64_t time) {
  const std::int64_t a = keys[0].time, b = keys[1].time, c = keys[2].time, d = keys[3].time;
  const auto low = static_cast<std::size_t>(b < a), high = std::size_t{2} + static_cast<std::size_t>(d < c);
  const std::int64_t least_low = std::min(a, b), least_high = std::min(c, d), least = std::min(least_low, least_high);
  const auto take_high = std::size_t{0} - static_cast<std::size_t>(least_high < least_low);
  const auto ties = static_cast<unsigned>(a == b) | static_cast<unsigned>(c == d) |
                    static_cast<unsigned>(least_low == least_high) | static_cast<unsigned>(least == time);
  return {low ^ ((low ^ high) & take_high), least, ties != 0};
}

void FlatHeap::sink(EventKey key) {
  EventKey* const keys = keys_.data();
  const std::size_t size = keys_.size();
  std::size_t hole = 0, child = 1;
  for (; child + 4 <= size; child = 4 * hole + 1) {
    const LeastTime least_time = least_time_of_four(keys + child, key.time);
    std::size_t least = child + least_time.index;
    bool below = least_time.time < key.time;
    if (least_time.tie) [[unlikely]] {
      least = child + least_of_four(keys + child);
      below = keys[least] < key;
    }
    if (!below) {
      keys[hole] = key;
      return;
    }
    keys[hole] = keys[least];
    hole = least;
  }
  if (child < size) {
    std::size_t least = child;
    for (std::size_t other = child + 1; other < size; ++other) {
      if (keys[other] < keys[least]) least = other;
    }
    if (keys[least] < key) {
      keys[hole] = keys[least];
      hole = least;
    }
  }
  keys[hole] = key;
}

std::vector<EventKey> FlatHeap::take() {
  if (gap_) close_gap();
  return std::exchange(keys_, {});
}

void RadixHeap::start_at(std::int64_t time) { base_ = horizon_ = static_cast<std::uint64_t>(time); }

void RadixHeap::push(EventKey key) {
  const auto time = static_cast<std::uint64_t>(key.time);
  if (time < horizon_) return front_.push(key);
  const auto bucket = static_cast<std::size_t>(std::bit_width((time ^ base_) | 1));
  buckets_[bucket].push_back(key);
  occupied_ |= std::uint64_t{1} << (bucket - 1);
  ++behind_;
}

void RadixHeap::refill() {
  constexpr std::size_t kFront = 24;
  CHECK(occupied_ != 0, "no event to take");
  for (;;) {
    const int bit = std::countr_zero(occupied_);
    occupied_ &= occupied_ - 1;
    std::vector<EventKey>& keys = buckets_[static_cast<std::size_t>(bit) + 1];
    behind_ -= keys.size();
    // The bucket's times share all bits above `bit`: they begin at that prefix and span 2^bit (bucket 1 also holds 0).
    const std::uint64_t first = bit == 0 ? base_ : ((base_ >> bit) | 1) << bit;
    if (keys.size() <= kFront || bit == 0) {
      base_ = first;
      horizon_ = (((base_ >> bit) | 1) + 1) << bit;
      for (const EventKey& key : keys) front_.push(key);
      keys.clear();
      return;
    }
    base_ = horizon_ = first;
    for (const EventKey& key : keys) push(key);  // into lower buckets: none comes back here
    keys.clear();
  }
}

std::vector<EventKey> RadixHeap::take() {
  std::vector<EventKey> all = front_.take();
  for (std::vector<EventKey>& bucket : buckets_) {
    all.insert(all.end(), bucket.begin(), bucket.end());
    bucket.clear();
  }
  occupied_ = 0;
  behind_ = 0;
  return all;
}

EventHandle EventQueue::schedule(Instant at, Phase phase, Event event) {
  CHECK(at.ps() >= now_, "an event at {} ps is before now, {} ps", at.ps(), now_);
  CHECK(next_sequence_ < (std::uint64_t{1} << kSequenceBits), "more than 2^38 events scheduled");
  const std::uint32_t index = take_slot();
  Slot& slot = slots_[index];
  slot.event = event;
  slot.order =
      (static_cast<std::uint64_t>(phase) << (kSlotBits + kSequenceBits)) | next_sequence_++ << kSlotBits | index;
  const EventKey key{at.ps(), slot.order};
  ++live_;
  if (use_radix_) {
    radix_.push(key);
  } else {
    flat_.push(key);
    if (flat_.size() > kToRadix) change_structure();
  }
  return {index, slot.generation};
}

bool EventQueue::pending(EventHandle handle) const {
  return handle.slot < slots_.size() && slots_[handle.slot].generation == handle.generation;
}

bool EventQueue::cancel(EventHandle handle) {
  if (!pending(handle)) return false;
  release(handle.slot);
  ++cancelled_;
  return true;
}

Instant EventQueue::next_time() {
  if (live_ == 0) return Instant::never();
  skip_cancelled();
  return Instant::from_ps(top().time);
}

FiredEvent EventQueue::pop() {
  CHECK(live_ > 0, "no event to take");
  if (cancelled_ > 0) skip_cancelled();
  const EventKey key = top();
  drop_top();
  const std::uint32_t index = slot_of(key);
  const Event event = slots_[index].event;
  release(index);
  now_ = key.time;
  if (use_radix_ && radix_.size() < kToFlat) change_structure();
  return {Instant::from_ps(key.time), event};
}

const EventKey& EventQueue::top() {
  if (!use_radix_) return flat_.top();
  if (radix_.front_empty()) {
    radix_.refill();
    for (const EventKey& key : radix_.front()) __builtin_prefetch(&slots_[slot_of(key)], 1);
  }
  return radix_.top();
}

void EventQueue::drop_top() { use_radix_ ? radix_.pop() : flat_.pop(); }

// A cancelled event's key stays until it comes up; its slot's order tells that it is not the slot's event any more.
void EventQueue::skip_cancelled() {
  while (cancelled_ > 0) {
    const EventKey& key = top();
    const Slot& slot = slots_[slot_of(key)];
    if (slot.order == key.order) return;
    drop_top();
    --cancelled_;
  }
}

void EventQueue::change_structure() {
  const std::vector<EventKey> keys = use_radix_ ? radix_.take() : flat_.take();
  use_radix_ = !use_radix_;
  radix_.start_at(now_);
  for (const EventKey& key : keys) use_radix_ ? radix_.push(key) : flat_.push(key);
}

std::uint32_t EventQueue::take_slot() {
  if (free_ == kNoSlot) {
    CHECK(slots_.size() < (std::size_t{1} << kSlotBits), "more than 2^24 events pending");
    slots_.emplace_back();
    return static_cast<std::uint32_t>(slots_.size() - 1);
  }
  return std::exchange(free_, slots_[free_].next_free);
}

void EventQueue::release(std::uint32_t slot) {
  ++slots_[slot].generation;
  slots_[slot].order = kNoOrder;
  slots_[slot].next_free = std::exchange(free_, slot);
  --live_;
}

}  // namespace outrider
