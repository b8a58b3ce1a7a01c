// Slots, handles and the choice of structure of the event queue.
#include "sim/engine/event_queue.h"

#include "sim/base/check.h"

namespace outrider {

EventHandle EventQueue::schedule(Instant at, Phase phase, Event event) {
  CHECK(at.ps() >= now_, "an event at {} ps is before now, {} ps", at.ps(), now_);
  CHECK(next_sequence_ < (std::uint64_t{1} << kSequenceBits), "more than 2^38 events scheduled");
  if (free_slots_.empty()) {
    CHECK(slots_.size() < (std::size_t{1} << kSlotBits), "more than 2^24 events pending");
    free_slots_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const std::uint32_t index = free_slots_.back();
  free_slots_.pop_back();
  Slot& slot = slots_[index];
  slot.event = event;
  slot.live = true;
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
  return handle.slot < slots_.size() && slots_[handle.slot].live && slots_[handle.slot].generation == handle.generation;
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
  skip_cancelled();
  const EventKey key = top();
  drop_top();
  const auto index = static_cast<std::uint32_t>(key.order & ((std::uint64_t{1} << kSlotBits) - 1));
  const Event event = slots_[index].event;
  release(index);
  now_ = key.time;
  if (use_radix_ && radix_.size() < kToFlat) change_structure();
  return {Instant::from_ps(key.time), event};
}

const EventKey& EventQueue::top() { return use_radix_ ? radix_.top() : flat_.top(); }

void EventQueue::drop_top() { use_radix_ ? radix_.pop() : flat_.pop(); }

// A cancelled event's key stays until it comes up; its slot's order tells that it is not the slot's event any more.
void EventQueue::skip_cancelled() {
  while (cancelled_ > 0) {
    const EventKey& key = top();
    const Slot& slot = slots_[key.order & ((std::uint64_t{1} << kSlotBits) - 1)];
    if (slot.live && slot.order == key.order) return;
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

void EventQueue::release(std::uint32_t slot) {
  slots_[slot].live = false;
  ++slots_[slot].generation;
  free_slots_.push_back(slot);
  --live_;
}

}  // namespace outrider
