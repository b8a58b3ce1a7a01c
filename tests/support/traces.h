// Traces written by hand for tests of metrics; all times in picoseconds.
#pragma once

#include <cstdint>
#include <utility>

#include "sim/trace/trace.h"

namespace outrider {

// Lanes 0 to 2, names "gemm" and "copy", resource 0 "HBM".
class TraceBuilder {
 public:
  struct SpanTimes {
    int lane = 0;
    int name = 0;
    std::int64_t created = 0, ready = 0, start = 0, end = 0, work = 0;
    int last_dependency = -1, queued_behind = -1, bottleneck = -1;
  };

  TraceBuilder() {
    trace_.names = {"gemm", "copy"};
    trace_.lanes = {"compute", "h2d", "host"};
    trace_.resources = {{"HBM", "B/s", 1e12}};
  }

  TraceBuilder& step(std::int64_t begin, std::int64_t end) {
    trace_.steps.push_back(
        {Instant::from_ps(begin), Instant::from_ps(end), static_cast<std::uint32_t>(trace_.spans.size()), 0});
    return *this;
  }

  TraceBuilder& add(const SpanTimes& times) {
    Span span;
    span.created = Instant::from_ps(times.created);
    span.ready = Instant::from_ps(times.ready);
    span.start = Instant::from_ps(times.start);
    span.end = Instant::from_ps(times.end);
    span.work = Duration::from_ps(times.work);
    span.name = static_cast<std::uint16_t>(times.name);
    span.lane = LaneId(static_cast<std::size_t>(times.lane));
    span.step = static_cast<std::int32_t>(trace_.steps.size() - 1);
    if (times.last_dependency >= 0) span.last_dependency = SpanId(static_cast<std::size_t>(times.last_dependency));
    if (times.queued_behind >= 0) span.queued_behind = SpanId(static_cast<std::size_t>(times.queued_behind));
    if (times.bottleneck >= 0) span.bottleneck = ResourceId(static_cast<std::size_t>(times.bottleneck));
    trace_.spans.push_back(span);
    ++trace_.steps.back().spans;
    return *this;
  }

  // Ready at the step's begin and started when it could; without contention.
  TraceBuilder& span(int lane, std::int64_t start, std::int64_t end) {
    const std::int64_t created = trace_.steps.back().begin.ps();
    return add({.lane = lane, .created = created, .ready = start, .start = start, .end = end, .work = end - start});
  }

  Trace trace() const { return trace_; }

 private:
  Trace trace_;
};

}  // namespace outrider
