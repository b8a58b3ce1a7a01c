// The virtual clock of a class of flows.
#include "sim/engine/flow_class.h"

#include <algorithm>
#include <cmath>

#include "sim/base/check.h"

namespace outrider {

void FlowClass::add(double amount, CompletedFlow flow, std::uint64_t sequence, Instant now) {
  if (members_.empty()) {
    anchor_ = now;
    clock_at_anchor_ = 0.0;
  }
  const double begin = clock(now);
  moved_ -= static_cast<double>(flow.multiplicity) * begin;
  members_.push_back({begin + amount, sequence, flow});
  std::push_heap(members_.begin(), members_.end());
  population += flow.multiplicity;
  find_next_end();
}

void FlowClass::set_rate(double new_rate, Instant now) {
  if (new_rate == rate) return;
  clock_at_anchor_ = clock(now);
  anchor_ = now;
  rate = new_rate;
  find_next_end();
}

Instant FlowClass::end_of(const Member& member) const {
  const double left = member.end - clock_at_anchor_;
  if (left <= 0.0) return anchor_;
  const double ticks = std::ceil(left / rate * 1e12);
  CHECK(ticks < 9e18, "a flow with {} to go at {} per second never ends", left, rate);
  return anchor_ + Duration::from_ps(static_cast<std::int64_t>(ticks));
}

void FlowClass::find_next_end() {
  next_end_ = members_.empty() || rate <= 0.0 ? Instant::never() : end_of(members_.front());
}

void FlowClass::take_ended(Instant now, std::vector<Ended>& ended) {
  while (!members_.empty() && end_of(members_.front()) <= now) {
    std::pop_heap(members_.begin(), members_.end());
    const Member& member = members_.back();
    ended.push_back({member.sequence, member.flow});
    moved_ += static_cast<double>(member.flow.multiplicity) * member.end;
    population -= member.flow.multiplicity;
    members_.pop_back();
  }
  find_next_end();
}

double FlowClass::moved(Instant now) const {
  double sum = moved_;
  for (const Member& member : members_) {
    sum += static_cast<double>(member.flow.multiplicity) * std::min(clock(now), member.end);
  }
  return sum;
}

}  // namespace outrider
