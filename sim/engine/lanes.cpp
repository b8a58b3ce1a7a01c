// Joining and leaving of FIFO lanes.
#include "sim/engine/lanes.h"

#include "sim/base/check.h"

namespace outrider {

bool Lanes::join(LaneId lane, SpanId span) {
  if (!is_fifo(lane)) return true;
  Fifo<SpanId>& queue = queues_[lane.index()];
  queue.push(span);
  return queue.size() == 1;
}

bool Lanes::heads(LaneId lane, SpanId span) const { return !is_fifo(lane) || queues_[lane.index()].front() == span; }

SpanId Lanes::leave(LaneId lane, SpanId span) {
  if (!is_fifo(lane)) return {};
  Fifo<SpanId>& queue = queues_[lane.index()];
  CHECK(!queue.empty() && queue.front() == span, "span {} leaves lane {}, which it does not head", span.value,
        lane.value);
  queue.pop();
  return queue.empty() ? SpanId() : queue.front();
}

}  // namespace outrider
