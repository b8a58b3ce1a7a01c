// FIFO lanes: who may run next. An op heads its lane once every op before it in that lane has ended.
#pragma once

#include <vector>

#include "sim/base/ids.h"
#include "sim/engine/fifo.h"
#include "sim/graph/op.h"

namespace outrider {

// Whether ops on the lane wait for one another; Lane::none of any device orders nothing.
constexpr bool is_fifo(LaneId lane) { return lane.index() % kLanesPerDevice != static_cast<std::size_t>(Lane::none); }

class Lanes {
 public:
  explicit Lanes(std::size_t lanes) : queues_(lanes) {}
  std::size_t size() const { return queues_.size(); }

  // Appends to the lane. Returns whether the span heads it at once.
  bool join(LaneId lane, SpanId span);
  bool heads(LaneId lane, SpanId span) const;
  // The head ends; returns the new head, invalid if the lane is empty.
  SpanId leave(LaneId lane, SpanId span);

 private:
  std::vector<Fifo<SpanId>> queues_;
};

}  // namespace outrider
