// Step times, busy and idle time, ledgers by name and the fingerprint of a trace.
#include "sim/trace/metrics.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "sim/base/check.h"

namespace outrider {
namespace {

void check_range(const Trace& trace, StepRange range) {
  CHECK(range.first < range.last && range.last <= trace.steps.size(), "steps [{}, {}) of a trace of {} steps",
        range.first, range.last, trace.steps.size());
}

// Length of the union of the half-open intervals, which are sorted here.
Duration covered(std::vector<std::pair<Instant, Instant>>& intervals) {
  std::sort(intervals.begin(), intervals.end());
  Duration total;
  Instant reached = intervals.empty() ? Instant() : intervals.front().first;
  for (const auto& [begin, end] : intervals) {
    const Instant from = std::max(begin, reached);
    if (end <= from) continue;
    total += end - from;
    reached = end;
  }
  return total;
}

Duration busy_time_of(const Trace& trace, const std::vector<LaneId>& lanes, StepRange range) {
  check_range(trace, range);
  const Instant begin = trace.steps[range.first].begin;
  const Instant end = trace.steps[range.last - 1].end;
  const Step& last = trace.steps[range.last - 1];
  std::vector<std::pair<Instant, Instant>> intervals;
  for (std::size_t i = 0; i < last.first_span + last.spans; ++i) {
    const Span& span = trace.spans[i];
    if (std::find(lanes.begin(), lanes.end(), span.lane) == lanes.end()) continue;
    const Instant from = std::max(span.start, begin);
    const Instant to = std::min(span.end, end);
    if (from < to) intervals.emplace_back(from, to);
  }
  return covered(intervals);
}

// FNV-1a, 64 bits, over the bytes of integers from the least significant up.
class Fnv1a {
 public:
  template <class Integer>
  void add(Integer value) {
    auto bits = static_cast<std::uint64_t>(value);
    for (std::size_t byte = 0; byte < sizeof(Integer); ++byte) {
      hash_ = (hash_ ^ (bits & 0xff)) * 0x100000001b3ull;
      bits >>= 8;
    }
  }
  std::uint64_t value() const { return hash_; }

 private:
  std::uint64_t hash_ = 0xcbf29ce484222325ull;
};

}  // namespace

Duration elapsed(const Trace& trace, StepRange range) {
  check_range(trace, range);
  return trace.steps[range.last - 1].end - trace.steps[range.first].begin;
}

Seconds mean_step_time(const Trace& trace, StepRange range) {
  return elapsed(trace, range).seconds() / static_cast<double>(range.last - range.first);
}

Duration busy_time(const Trace& trace, LaneId lane, StepRange range) { return busy_time_of(trace, {lane}, range); }

double idle_share(const Trace& trace, const std::vector<LaneId>& lanes, StepRange range) {
  const Duration whole = elapsed(trace, range);
  if (whole == Duration()) return 0.0;
  return static_cast<double>((whole - busy_time_of(trace, lanes, range)).ps()) / static_cast<double>(whole.ps());
}

std::vector<Ledger> ledger_by_name(const Trace& trace, StepRange range) {
  check_range(trace, range);
  std::vector<Ledger> sums(trace.names.size());
  for (std::size_t step = range.first; step < range.last; ++step) {
    for (const Span& span : trace.spans_of(trace.steps[step])) sums[span.name] += span.ledger();
  }
  return sums;
}

std::uint64_t fingerprint(const Trace& trace) {
  Fnv1a hash;
  for (const Step& step : trace.steps) {
    hash.add(step.begin.ps());
    hash.add(step.end.ps());
    hash.add(step.first_span);
    hash.add(step.spans);
  }
  for (const Span& span : trace.spans) {
    for (const Instant at : {span.created, span.ready, span.start, span.end}) hash.add(at.ps());
    hash.add(span.work.ps());
    hash.add(span.name);
    hash.add(span.lane.value);
    hash.add(span.layer);
    hash.add(span.step);
    hash.add(span.last_dependency.value);
    hash.add(span.queued_behind.value);
    hash.add(span.bottleneck.value);
  }
  return hash.value();
}

std::uint64_t order_fingerprint(const Trace& trace) {
  std::vector<std::size_t> order(trace.spans.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return trace.spans[a].start < trace.spans[b].start; });
  Fnv1a hash;
  for (const std::size_t i : order) {
    const Span& span = trace.spans[i];
    hash.add(static_cast<std::uint64_t>(i));
    hash.add(span.name);
    hash.add(span.lane.value);
    hash.add(span.step);
  }
  return hash.value();
}

}  // namespace outrider
