// Spans in op order, since dependencies point backwards.
#include "kernels/backend/trace_builder.h"

#include <algorithm>
#include <array>

#include "sim/base/check.h"

namespace outrider {
namespace {

constexpr std::int64_t kPsPerNs = 1000;

class TraceOfRun {
 public:
  TraceOfRun(const Schedule& schedule, std::span<const OpTimes> ops, std::span<const StepTimes> steps)
      : schedule_(schedule), ops_(ops), steps_(steps) {
    previous_on_.fill(SpanId());
    for (int family = 0; family < kFamilies; ++family)
      trace_.names.emplace_back(to_string(static_cast<Family>(family)));
    for (int lane = 0; lane < kLanesPerDevice; ++lane) {
      const auto each = static_cast<Lane>(lane);
      trace_.lanes.emplace_back(each == Lane::none ? std::string_view() : to_string(each));
    }
  }

  Trace take() {
    for (std::size_t step = 0; step < steps_.size(); ++step) {
      const OpIndex first = schedule_.first_op[step], last = schedule_.first_op[step + 1];
      trace_.steps.push_back({at(steps_[step].begin_ns), at(steps_[step].end_ns), first, last - first});
      for (OpIndex op = first; op < last; ++op) add(op);
    }
    return std::move(trace_);
  }

 private:
  Instant at(std::int64_t ns) const { return Instant::from_ps((ns - steps_.front().begin_ns) * kPsPerNs); }

  void add(OpIndex index) {
    const ScheduledOp& op = schedule_.ops[index];
    Span span;
    span.created = trace_.steps.back().begin;
    span.name = static_cast<std::uint16_t>(op.op->family);
    span.lane = op.op->lane;
    span.layer = op.op->layer;
    span.step = static_cast<std::int32_t>(op.step);
    span.last_dependency = last_dependency(index);
    const bool waited = span.last_dependency.valid();
    span.ready = waited ? std::max(span.created, end_of(span.last_dependency)) : span.created;
    set_times(span, op, ops_[index]);
    span.work = span.end - span.start;
    if (op.runner != Runner::barrier) queue_up(span, SpanId(index));
    trace_.spans.push_back(span);
  }

  static bool is_synchronize(const ScheduledOp& op) { return op.op->family == Family::synchronize; }

  void set_times(Span& span, const ScheduledOp& op, const OpTimes& times) const {
    if (op.runner == Runner::barrier) {
      span.start = span.end = span.ready;
    } else if (!times.measured) {
      span.ready = span.start = span.end = span.created;
    } else {
      span.end = std::max(at(times.end_ns), span.created);
      span.start = std::clamp(at(times.start_ns), span.created, span.end);
      if (is_synchronize(op)) span.start = std::clamp(span.ready, span.start, span.end);
      span.ready = std::min(span.ready, span.start);
    }
  }

  // Of those that ended last, the last one named, as in the simulation.
  SpanId last_dependency(OpIndex index) const {
    SpanId last;
    for (const OpIndex dependency : schedule_.dependencies[index]) {
      const SpanId id(dependency);
      if (!last.valid() || end_of(id) >= end_of(last)) last = id;
    }
    return last;
  }

  void queue_up(Span& span, SpanId id) {
    SpanId& previous = previous_on_[span.lane.index()];
    if (previous.valid() && span.start > span.ready && end_of(previous) > span.ready) span.queued_behind = previous;
    previous = id;
  }

  Instant end_of(SpanId id) const { return trace_.spans[id.index()].end; }

  const Schedule& schedule_;
  std::span<const OpTimes> ops_;
  std::span<const StepTimes> steps_;
  std::array<SpanId, kLanesPerDevice> previous_on_;
  Trace trace_;
};

}  // namespace

Trace build_trace(const Schedule& schedule, std::span<const OpTimes> ops, std::span<const StepTimes> steps,
                  bool edges) {
  CHECK(ops.size() == schedule.ops.size() && steps.size() == schedule.steps(),
        "times of {} ops and {} steps for {}, {}", ops.size(), steps.size(), schedule.ops.size(), schedule.steps());
  Trace trace = TraceOfRun(schedule, ops, steps).take();
  for (OpIndex op = 0; edges && op < schedule.ops.size(); ++op) {
    for (const OpIndex on : schedule.dependencies[op]) trace.edges.emplace_back(SpanId(on), SpanId(op));
  }
  return trace;
}

}  // namespace outrider
