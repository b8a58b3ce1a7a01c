// The chain of spans that explains how long a range of steps took, and its time by cause.
#include <algorithm>
#include <map>
#include <tuple>

#include "sim/base/check.h"
#include "sim/trace/metrics.h"

namespace outrider {
namespace {

// The span that ended last within a step without outliving it: the one that the step's end waited for.
SpanId closing_span(const Trace& trace, const Step& step) {
  SpanId closing;
  for (std::size_t i = step.first_span; i < step.first_span + step.spans; ++i) {
    if (trace.spans[i].end > step.end) continue;
    if (!closing.valid() || trace.spans[i].end >= trace.spans[closing.index()].end) closing = SpanId(i);
  }
  return closing;
}

// Walks from the end of the range to its begin; `cursor_` is the instant up to which time is still unexplained.
class PathWalk {
 public:
  PathWalk(const Trace& trace, StepRange range)
      : trace_(trace), begin_(trace.steps[range.first].begin), cursor_(trace.steps[range.last - 1].end) {}

  std::vector<PathItem> walk(SpanId from) {
    SpanId at = from;
    close_gap(at.valid() ? trace_.spans[at.index()].end : begin_, Instant::never(), false);
    while (at.valid()) at = step_over(at);
    std::reverse(items_.begin(), items_.end());
    return std::move(items_);
  }

 private:
  // Accounts for `id` up to the cursor and for the wait before it; returns the predecessor to go on with.
  SpanId step_over(SpanId id) {
    const Span& span = trace_.spans[id.index()];
    items_.push_back(
        {.span = id, .waiting_behind = {}, .running = {}, .contended = {}, .signalled = {}, .unexplained = {}});
    const Instant start = std::min(std::max(span.start, begin_), cursor_);
    items_.back().running = cursor_ - start;
    items_.back().contended = contended_share(span, cursor_ - start);
    cursor_ = start;
    const SpanId next = cursor_ > begin_ ? predecessor(id) : SpanId();
    close_gap(next.valid() ? trace_.spans[next.index()].end : begin_, span.ready,
              next.valid() && next == span.last_dependency);
    return next;
  }

  // Moves the cursor back to `to`: what lies after `ready` is queueing, what lies before is a signal on its way from
  // the last dependency, or has no known cause.
  void close_gap(Instant to, Instant ready, bool from_dependency) {
    to = std::max(to, begin_);
    if (to >= cursor_) return;
    if (items_.empty()) items_.push_back({});
    const Instant queued_from = std::min(std::max(to, ready), cursor_);
    items_.back().waiting_behind += cursor_ - queued_from;
    (from_dependency ? items_.back().signalled : items_.back().unexplained) += queued_from - to;
    cursor_ = to;
  }

  // What held the span back at the cursor: what it queued behind, else its last dependency, else the step before its
  // own.
  SpanId predecessor(SpanId id) const {
    const Span& span = trace_.spans[id.index()];
    if (span.start > span.ready && leads_back(span.queued_behind, id)) return span.queued_behind;
    if (span.ready > span.created && leads_back(span.last_dependency, id)) return span.last_dependency;
    const auto step = static_cast<std::size_t>(span.step);
    if (step > 0 && trace_.steps[step - 1].replica == trace_.steps[step].replica) {
      const SpanId before = closing_span(trace_, trace_.steps[step - 1]);
      if (leads_back(before, id)) return before;
    }
    return leads_back(span.last_dependency, id) ? span.last_dependency : SpanId();
  }

  // Every step of the walk goes to an earlier start or, among spans of no length, to an earlier span: so it ends.
  bool leads_back(SpanId to, SpanId from) const {
    if (!to.valid()) return false;
    const Instant start = trace_.spans[to.index()].start;
    return start < cursor_ || (start == cursor_ && to < from);
  }

  static Duration contended_share(const Span& span, Duration running) {
    const Duration whole = span.end - span.start;
    if (whole == Duration()) return {};
    const auto product = static_cast<__int128>((whole - span.work).ps()) * running.ps();
    return Duration::from_ps(static_cast<std::int64_t>(product / whole.ps()));
  }

  const Trace& trace_;
  Instant begin_;
  Instant cursor_;
  std::vector<PathItem> items_;
};

// Sums by (lane, name, bottleneck), which are ordered so that equal times come out in a fixed order.
class CauseTable {
 public:
  explicit CauseTable(const Trace& trace) : trace_(trace) {}

  void add(const PathItem& item) {
    add({"", kUnexplained, ""}, item.unexplained);
    if (!item.span.valid()) return;
    const Span& span = trace_.spans[item.span.index()];
    const std::string& lane = trace_.lanes[span.lane.index()];
    const std::string& name = trace_.names[span.name];
    const std::string bottleneck = span.bottleneck.valid() ? trace_.resources[span.bottleneck.index()].name : "";
    add({lane, kQueued + name, ""}, item.waiting_behind);
    add({lane, kSignalled + name, ""}, item.signalled);
    add({lane, name, bottleneck}, item.running);
  }

  std::vector<Cause> largest_first(Duration whole) const {
    std::vector<Cause> rows;
    for (const auto& [key, time] : times_) {
      const double share = static_cast<double>(time.ps()) / static_cast<double>(whole.ps());
      rows.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key), time, share});
    }
    std::stable_sort(rows.begin(), rows.end(), [](const Cause& a, const Cause& b) { return a.time > b.time; });
    return rows;
  }

 private:
  using Key = std::tuple<std::string, std::string, std::string>;
  void add(const Key& key, Duration time) {
    if (time > Duration()) times_[key] += time;
  }

  const Trace& trace_;
  std::map<Key, Duration> times_;
};

}  // namespace

std::vector<PathItem> critical_path(const Trace& trace, StepRange range) {
  CHECK(elapsed(trace, range) >= Duration(), "steps [{}, {}) end before they begin", range.first, range.last);
  return PathWalk(trace, range).walk(closing_span(trace, trace.steps[range.last - 1]));
}

std::vector<Cause> causes(const Trace& trace, StepRanges ranges) {
  CauseTable table(trace);
  Duration whole;
  for (const StepRange range : ranges) {
    for (const PathItem& item : critical_path(trace, range)) table.add(item);
    whole += elapsed(trace, range);
  }
  return table.largest_first(whole);
}

}  // namespace outrider
