// Grouping by need, and a store that forgets what was used longest ago.
#include "sim/study/selection_groups.h"

#include <algorithm>

namespace outrider {

std::map<SelectionKey, PointGroup> group_points(const std::vector<PlannedPoint>& plans) {
  std::map<SelectionKey, PointGroup> groups;
  for (std::size_t i = 0; i < plans.size(); ++i)
    groups[{plans[i].need.blocks, plans[i].need.selected, plans[i].steps()}].push_back(i);
  return groups;
}

PlannedPoint widest_of(const std::vector<PlannedPoint>& plans, const PointGroup& group) {
  PlannedPoint widest = plans[group.front()];
  for (const std::size_t i : group) {
    widest.batch = std::max(widest.batch, plans[i].batch);
    widest.need.profiling_steps = std::max(widest.need.profiling_steps, plans[i].need.profiling_steps);
  }
  return widest;
}

SelectionStore::Entry* SelectionStore::find(const Key& key, const PlannedPoint& widest) {
  for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
    if (entry->failure || entry->key != key || entry->batch < widest.batch ||
        entry->profiling_steps < widest.need.profiling_steps)
      continue;
    entries_.splice(entries_.begin(), entries_, entry);
    return &entries_.front();
  }
  return nullptr;
}

SelectionStore::Entry& SelectionStore::claim(const Scenario& scenario, const PlannedPoint& widest) {
  const Key key = {scenario.locality.step_correlation,
                   scenario.locality.static_share,
                   scenario.locality.layer_spread,
                   scenario.seed,
                   scenario.machine.gpu_count,
                   widest.layers,
                   widest.need.blocks,
                   widest.need.selected,
                   widest.steps()};
  std::unique_lock lock(mutex_);
  if (Entry* known = find(key, widest)) {
    ++known->users;
    drawn_.wait(lock, [known] { return known->is_drawn || known->failure; });
    if (!known->failure) return *known;
    const std::exception_ptr failure = known->failure;
    leave(*known);
    std::rethrow_exception(failure);
  }
  Entry& entry = entries_.emplace_front();
  entry = {.key = key, .batch = widest.batch, .profiling_steps = widest.need.profiling_steps, .users = 1};
  lock.unlock();
  try {
    draw(entry, scenario, widest);
  } catch (...) {
    lock.lock();
    entry.failure = std::current_exception();
    drawn_.notify_all();
    leave(entry);
    throw;
  }
  return entry;
}

void SelectionStore::draw(Entry& entry, const Scenario& scenario, const PlannedPoint& widest) {
  Selections drawn = draw_selections(scenario, widest, 1);
  const std::lock_guard lock(mutex_);
  entry.drawn = std::move(drawn);
  entry.is_drawn = true;
  for (const SelectionTrace& trace : entry.drawn.decode) entry.bytes += trace.bytes();
  if (entry.drawn.profiling) entry.bytes += entry.drawn.profiling->bytes();
  bytes_ += entry.bytes;
  drop_unused();
  drawn_.notify_all();
}

void SelectionStore::release(Entry& entry) {
  const std::lock_guard lock(mutex_);
  leave(entry);
  drop_unused();
}

// An entry that could not be drawn goes with the last that waited for it.
void SelectionStore::leave(Entry& entry) {
  if (--entry.users > 0 || !entry.failure) return;
  entries_.remove_if([&entry](const Entry& other) { return &other == &entry; });
}

void SelectionStore::drop_unused() {
  for (auto entry = entries_.end(); bytes_ > most_bytes_ && entry != entries_.begin();) {
    --entry;
    if (entry->users > 0) continue;
    bytes_ -= entry->bytes;
    entry = entries_.erase(entry);
  }
}

}  // namespace outrider
