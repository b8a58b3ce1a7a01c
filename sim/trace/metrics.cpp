// Step times, busy and idle time, ledgers by name and the fingerprint of a trace.
#include "sim/trace/metrics.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <set>
#include <utility>

#include "sim/base/check.h"

namespace outrider {
namespace {

void check_range(const Trace& trace, StepRange range) {
  CHECK(range.first < range.last && range.last <= trace.steps.size(), "steps [{}, {}) of a trace of {} steps",
        range.first, range.last, trace.steps.size());
}

using Intervals = std::vector<std::pair<Instant, Instant>>;  // half-open

// Of the spans that `counts`, clipped to the range.
template <class Counts>
Intervals intervals_of(const Trace& trace, StepRange range, Counts counts) {
  check_range(trace, range);
  const Step& last = trace.steps[range.last - 1];
  const Instant begin = trace.steps[range.first].begin, end = last.end;
  Intervals intervals;
  for (std::size_t step = 0; step < range.last; ++step) {
    if (trace.steps[step].replica != last.replica) continue;
    for (const Span& span : trace.spans_of(trace.steps[step])) {
      if (!counts(span)) continue;
      const Instant from = std::max(span.start, begin), to = std::min(span.end, end);
      if (from < to) intervals.emplace_back(from, to);
    }
  }
  return intervals;
}

// The same instants in disjoint intervals, in order.
Intervals united(Intervals intervals) {
  std::sort(intervals.begin(), intervals.end());
  Intervals all;
  for (const auto& [from, to] : intervals) {
    if (!all.empty() && from <= all.back().second) {
      all.back().second = std::max(all.back().second, to);
    } else {
      all.emplace_back(from, to);
    }
  }
  return all;
}

Duration busy_time_of(const Trace& trace, const std::vector<LaneId>& lanes, StepRange range) {
  Duration total;
  const auto counts = [&](const Span& span) { return std::find(lanes.begin(), lanes.end(), span.lane) != lanes.end(); };
  for (const auto& [from, to] : united(intervals_of(trace, range, counts))) total += to - from;
  return total;
}

double share_of(Duration part, Duration whole) {
  return whole == Duration() ? 0.0 : static_cast<double>(part.ps()) / static_cast<double>(whole.ps());
}

// FNV-1a, 64 bits, over the bytes of integers from the least significant up.
class Fnv1a {
 public:
  template <class Integer>
  void add(Integer value) {
    auto bits = static_cast<std::uint64_t>(value);
    std::size_t byte = 0;
    for (; byte < sizeof(Integer) && bits != 0; ++byte) {
      hash_ = (hash_ ^ (bits & 0xff)) * kPrime;
      bits >>= 8;
    }
    hash_ *= kPowers[sizeof(Integer) - byte];  // bytes of 0 change nothing but by the prime
  }
  std::uint64_t value() const { return hash_; }

 private:
  static constexpr std::uint64_t kPrime = 0x100000001b3ull;
  static constexpr std::array<std::uint64_t, 9> kPowers = [] {
    std::array<std::uint64_t, 9> powers{1};
    for (std::size_t i = 1; i < powers.size(); ++i) powers[i] = powers[i - 1] * kPrime;
    return powers;
  }();
  std::uint64_t hash_ = 0xcbf29ce484222325ull;
};

}  // namespace

std::size_t steps_of(StepRanges ranges) {
  std::size_t steps = 0;
  for (const StepRange range : ranges) steps += range.steps();
  return steps;
}

Duration elapsed(const Trace& trace, StepRange range) {
  check_range(trace, range);
  return trace.steps[range.last - 1].end - trace.steps[range.first].begin;
}

Seconds mean_step_time(const Trace& trace, StepRange range) {
  return elapsed(trace, range).seconds() / static_cast<double>(range.steps());
}

Duration busy_time(const Trace& trace, LaneId lane, StepRange range) { return busy_time_of(trace, {lane}, range); }

double idle_share(const Trace& trace, const std::vector<LaneId>& lanes, StepRange range) {
  const Duration whole = elapsed(trace, range);
  return share_of(whole - busy_time_of(trace, lanes, range), whole);
}

double concurrent_share(const Trace& trace, const std::vector<int>& groups, int many, StepRange range) {
  CHECK(groups.size() == trace.names.size() && many > 0, "groups of {} names for {}, at least {} of them",
        groups.size(), trace.names.size(), many);
  std::vector<std::pair<Instant, int>> changes;  // of how many groups run
  for (const int group : std::set<int>(groups.begin(), groups.end())) {
    if (group == kNoGroup) continue;
    const auto counts = [&](const Span& span) { return groups[span.name] == group; };
    for (const auto& [from, to] : united(intervals_of(trace, range, counts))) {
      changes.emplace_back(from, 1);
      changes.emplace_back(to, -1);
    }
  }
  std::sort(changes.begin(), changes.end());
  Duration total;
  int running = 0;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    if (running >= many) total += changes[i].first - changes[i - 1].first;
    running += changes[i].second;
  }
  return share_of(total, elapsed(trace, range));
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
