// Points in order, then those that somebody seems to have lost.
#include "sim/study/sweep_desk.h"

#include <algorithm>
#include <thread>

namespace outrider {

std::optional<std::size_t> JournalDesk::next() {
  for (;;) {
    if (ended()) return std::nullopt;
    const std::optional<std::size_t> point = offer();
    if (point || !others_work_) return point;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

std::optional<std::size_t> JournalDesk::offer() {
  const std::lock_guard lock(mutex_);
  if (stopped_) return std::nullopt;
  const Clock::time_point now = Clock::now();
  while (next_ < task_.points && (!task_.shard.has(next_) || journal_.has(next_))) ++next_;
  if (next_ < task_.points) {
    out_[next_] = now;
    return next_++;
  }
  for (auto& [point, since] : out_) {
    if (!others_work_ || now - since < patience_now()) continue;
    since = now;
    return point;
  }
  return std::nullopt;
}

void JournalDesk::add(std::size_t point, const std::string& record, Rows rows) {
  const std::lock_guard lock(mutex_);
  const auto out = out_.find(point);
  if (out == out_.end()) return;
  longest_ = std::max(longest_, Clock::now() - out->second);
  out_.erase(out);
  journal_.add(point, record);
  counts_.cached += rows.cached;
  counts_.simulated += rows.simulated;
  if (task_.progress) task_.progress(journal_.done(), task_.shard.size(task_.points));
}

void JournalDesk::stop(std::size_t point, const DesignErrors& errors) {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  if (!wrong_.empty() && wrong_index_ < point) return;
  wrong_index_ = point;
  wrong_ = errors;
}

void JournalDesk::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
}

bool JournalDesk::ended() {
  const std::lock_guard lock(mutex_);
  return stopped_ || journal_.done() == task_.shard.size(task_.points);
}

JournalDesk::Clock::duration JournalDesk::patience() {
  const std::lock_guard lock(mutex_);
  return patience_now();
}

JournalDesk::Clock::duration JournalDesk::patience_now() const { return std::chrono::seconds(2) + 4 * longest_; }

std::variant<SweepCounts, DesignErrors> JournalDesk::outcome() const {
  if (!wrong_.empty()) return wrong_;
  return counts_;
}

}  // namespace outrider
