// The two orders of pending events: a flat 4-ary heap and a monotone radix heap.
#include <algorithm>
#include <bit>

#include "sim/base/check.h"
#include "sim/engine/event_queue.h"

namespace outrider {

void FlatHeap::push(EventKey key) {
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
  const EventKey last = keys_.back();
  keys_.pop_back();
  const std::size_t size = keys_.size();
  if (size == 0) return;
  std::size_t hole = 0;
  for (std::size_t child = 1; child < size; child = 4 * hole + 1) {
    const std::size_t end = std::min(child + 4, size);
    std::size_t least = child;
    for (std::size_t other = child + 1; other < end; ++other) {
      if (keys_[other] < keys_[least]) least = other;
    }
    if (!(keys_[least] < last)) break;
    keys_[hole] = keys_[least];
    hole = least;
  }
  keys_[hole] = last;
}

void RadixHeap::push(EventKey key) {
  ++size_;
  if (key.time < last_) return early_.push(key);
  const auto difference = static_cast<std::uint64_t>(key.time ^ last_);
  if (difference == 0) return now_.push(key);
  const auto bucket = static_cast<std::size_t>(std::bit_width(difference));
  buckets_[bucket].push_back(key);
  occupied_ |= std::uint64_t{1} << (bucket - 1);
}

const EventKey& RadixHeap::top() {
  if (!early_.empty()) return early_.top();
  if (now_.empty()) refill();
  return now_.top();
}

void RadixHeap::pop() {
  --size_;
  if (!early_.empty()) return early_.pop();
  if (now_.empty()) refill();
  now_.pop();
}

// Deals the lowest bucket out around its earliest time.
void RadixHeap::refill() {
  CHECK(occupied_ != 0, "no event to take");
  const auto bucket = static_cast<std::size_t>(std::countr_zero(occupied_)) + 1;
  occupied_ &= occupied_ - 1;
  std::vector<EventKey>& keys = buckets_[bucket];
  std::int64_t earliest = keys.front().time;
  for (const EventKey& key : keys) earliest = std::min(earliest, key.time);
  last_ = earliest;
  size_ -= keys.size();
  for (const EventKey& key : keys) push(key);  // into lower buckets: none comes back here
  keys.clear();
}

std::vector<EventKey> RadixHeap::take() {
  std::vector<EventKey> all = now_.take();
  const std::vector<EventKey> early = early_.take();
  all.insert(all.end(), early.begin(), early.end());
  for (std::vector<EventKey>& bucket : buckets_) {
    all.insert(all.end(), bucket.begin(), bucket.end());
    bucket.clear();
  }
  occupied_ = 0;
  size_ = 0;
  return all;
}

}  // namespace outrider
