// Trace to Chrome trace events.
#include "sim/io/perfetto.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

#include "sim/base/check.h"

namespace outrider {
namespace {

std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

// Picoseconds as microseconds, exactly.
std::string microseconds(std::int64_t ps) { return fmt::format("{}.{:06}", ps / 1000000, ps % 1000000); }
std::string microseconds(Duration duration) { return microseconds(duration.ps()); }

class Events {
 public:
  void add(const std::string& event) { text_ += (text_.empty() ? "\n" : ",\n") + event; }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

std::size_t replica_of(const Trace& trace, const Span& span) {
  return trace.steps[static_cast<std::size_t>(span.step)].replica;
}

std::size_t replicas_of(const Trace& trace) {
  return trace.steps.empty() ? 1 : trace.steps.back().replica + std::size_t{1};
}

// The number of a span's step among its replica's.
std::size_t step_of_replica(const Trace& trace, const Span& span) {
  const auto first =
      std::partition_point(trace.steps.begin(), trace.steps.end(),
                           [replica = replica_of(trace, span)](const Step& step) { return step.replica < replica; });
  return static_cast<std::size_t>(span.step) - static_cast<std::size_t>(first - trace.steps.begin());
}

// A track shows nested slices only, so spans of a lane that overlap go to rows of it: to the first that is free.
class Rows {
 public:
  explicit Rows(const Trace& trace)
      : lanes_(trace.lanes.size()), ends_(lanes_), replica_of_(lanes_), row_of_(trace.spans.size()) {
    std::vector<std::size_t> by_start(trace.spans.size());
    std::iota(by_start.begin(), by_start.end(), std::size_t{0});
    std::stable_sort(by_start.begin(), by_start.end(),
                     [&](std::size_t a, std::size_t b) { return trace.spans[a].start < trace.spans[b].start; });
    for (const std::size_t i : by_start) {
      row_of_[i] = place(trace.spans[i]);
      replica_of_[trace.spans[i].lane.index()] = replica_of(trace, trace.spans[i]);
    }
  }
  std::size_t rows(std::size_t lane) const { return ends_[lane].size(); }
  std::size_t replica(std::size_t lane) const { return replica_of_[lane]; }  // whose lane it is, if it has rows
  // As many at most, numbered from 1.
  std::size_t tracks() const {
    std::size_t most = 0;
    for (const std::vector<Instant>& rows : ends_) most = std::max(most, rows.size());
    return most * lanes_;
  }
  // The thread id of a row: rows of the same number follow one another lane by lane.
  std::size_t track(std::size_t lane, std::size_t row) const { return row * lanes_ + lane + 1; }
  std::size_t track_of(const Trace& trace, SpanId span) const {
    return track(trace.spans[span.index()].lane.index(), row_of_[span.index()]);
  }

 private:
  std::size_t place(const Span& span) {
    CHECK(span.lane.index() < lanes_, "a span on lane {} of {}", span.lane.value, lanes_);
    std::vector<Instant>& ends = ends_[span.lane.index()];
    std::size_t row = 0;
    while (row < ends.size() && ends[row] > span.start) ++row;
    if (row == ends.size()) ends.push_back(span.end);
    ends[row] = span.end;
    return row;
  }

  std::size_t lanes_;
  std::vector<std::vector<Instant>> ends_;  // by lane and row
  std::vector<std::size_t> replica_of_;     // by lane
  std::vector<std::size_t> row_of_;         // by span
};

// When each step of a trace is drawn. Instants before the first step move with it.
class Alignment {
 public:
  Alignment() = default;
  Alignment(const std::vector<Step>& steps, std::vector<Duration> shifts)
      : steps_(&steps), shifts_(std::move(shifts)) {}

  Instant start(const Span& span) const { return empty(span) ? end_of(span) : moved(span.start, step_at(span.start)); }
  // At the last instant of a step and not at the first of the next, which may be the same.
  Instant end(const Span& span) const { return empty(span) ? end_of(span) : std::max(start(span), end_of(span)); }
  Instant begin_of(std::size_t step) const { return moved((*steps_)[step].begin, step); }
  Instant at(Instant time) const { return moved(time, step_at(time)); }

 private:
  static bool empty(const Span& span) { return span.start == span.end; }
  Instant end_of(const Span& span) const { return moved(span.end, step_at(Instant::from_ps(span.end.ps() - 1))); }
  Instant moved(Instant time, std::size_t step) const { return shifts_.empty() ? time : time + shifts_[step]; }
  std::size_t step_at(Instant time) const {
    if (shifts_.empty()) return 0;
    const auto later = std::upper_bound(steps_->begin(), steps_->end(), time,
                                        [](Instant sought, const Step& step) { return sought < step.begin; });
    return later == steps_->begin() ? 0 : static_cast<std::size_t>(later - steps_->begin()) - 1;
  }

  const std::vector<Step>* steps_ = nullptr;
  std::vector<Duration> shifts_;  // of each step; empty: nothing moves
};

std::vector<Alignment> aligned(const std::vector<TimelineProcess>& processes) {
  std::vector<std::vector<Duration>> shifts(processes.size());
  const std::size_t steps = processes.empty() ? 0 : processes.front().trace->steps.size();
  for (std::size_t step = 0; step < steps; ++step) {
    Instant latest;
    for (std::size_t i = 0; i < processes.size(); ++i) {
      CHECK(processes[i].trace->steps.size() == steps, "timelines of {} and {} steps", steps,
            processes[i].trace->steps.size());
      const Instant begin = processes[i].trace->steps[step].begin;
      latest = std::max(latest, step == 0 ? Instant() : begin + shifts[i].back());
    }
    for (std::size_t i = 0; i < processes.size(); ++i)
      shifts[i].push_back(latest - processes[i].trace->steps[step].begin);
  }
  std::vector<Alignment> result;
  for (std::size_t i = 0; i < processes.size(); ++i)
    result.emplace_back(processes[i].trace->steps, std::move(shifts[i]));
  return result;
}

// `,"key":"the name of what it waited for"`, or nothing.
std::string waited_for(const Trace& trace, const char* key, SpanId cause) {
  if (!cause.valid()) return {};
  return fmt::format(R"(,"{}":{})", key, quoted(trace.names[trace.spans[cause.index()].name]));
}

// An arrow binds to the slice that encloses its end; half-way inside is inside, unless the slice is empty.
Instant middle(Instant start, Instant end) { return Instant::from_ps(start.ps() + (end - start).ps() / 2); }

bool can_bind(const Span& span) { return span.end > span.start; }

// One trace as a process; threads and arrows of several processes are numbered behind one another. A trace of several
// replicas is a process for each, with one more behind them for what all share: it stands alone in its file.
class Process {
 public:
  Process(Events& events, std::size_t pid, const TimelineProcess& process, Alignment alignment)
      : events_(events),
        pid_(pid),
        trace_(*process.trace),
        replicas_(replicas_of(trace_)),
        rows_(trace_),
        alignment_(std::move(alignment)) {
    name_processes(process.name);
  }

  void number_behind(const Process* previous) {
    if (previous == nullptr) return;
    first_track_ = previous->first_track_ + previous->rows_.tracks() + 1;
    first_arrow_ = previous->first_arrow_ + previous->trace_.edges.size();
  }

  void add_steps() {
    events_.add(
        fmt::format(R"({{"ph":"M","pid":{},"name":"process_sort_index","args":{{"sort_index":{}}}}})", pid_, pid_));
    const std::size_t track = first_track_ + rows_.tracks() + 1;
    name_track(pid_, track, "steps", -1);
    for (std::size_t i = 0; i < trace_.steps.size(); ++i) {
      const Step& step = trace_.steps[i];
      events_.add(fmt::format(R"({{"ph":"X","pid":{},"tid":{},"ts":{},"dur":{},"name":"step {}"}})", pid_, track,
                              microseconds(alignment_.begin_of(i).ps()), microseconds(step.end - step.begin), i));
    }
  }

  void add_lanes() {
    constexpr std::size_t kRowsToSort = 1000;
    for (std::size_t lane = 0; lane < trace_.lanes.size(); ++lane) {
      for (std::size_t row = 0; row < rows_.rows(lane); ++row) {
        const std::string name = row == 0 ? trace_.lanes[lane] : fmt::format("{} ({})", trace_.lanes[lane], row + 1);
        name_track(pid_ + rows_.replica(lane), first_track_ + rows_.track(lane, row), name,
                   static_cast<std::int64_t>(lane * kRowsToSort + row));
      }
    }
  }

  void add_spans() {
    for (const Span& span : trace_.spans) add_span(span);
  }

  void add_edges() {
    for (std::size_t i = 0; i < trace_.edges.size(); ++i) {
      const auto [from, to] = trace_.edges[i];
      const Span& first = trace_.spans[from.index()];
      const Span& second = trace_.spans[to.index()];
      const bool own_order = first.lane == second.lane;  // which needs no arrows
      if (own_order || !can_bind(first) || !can_bind(second)) continue;
      const auto end = [&](const char* phase, const Span& span, const char* binding) {
        events_.add(fmt::format(
            R"({{"ph":"{}","pid":{},"tid":{},"ts":{},"id":{},"cat":"dependency","name":"dependency"{}}})", phase,
            pid_of(span), track_of(span), microseconds(middle(alignment_.start(span), alignment_.end(span)).ps()),
            first_arrow_ + i, binding));
      };
      end("s", first, "");
      end("f", second, R"(,"bp":"e")");
    }
  }

  void add_usage() {
    for (const UsageSample& sample : trace_.usage) {
      CHECK(std::isfinite(sample.rate), "usage of resource {} is {}", sample.resource.value, sample.rate);
      const ResourceInfo& resource = trace_.resources[sample.resource.index()];
      events_.add(fmt::format(R"({{"ph":"C","pid":{},"ts":{},"name":{},"args":{{{}:{}}}}})", pid_of(resource),
                              microseconds(alignment_.at(sample.at).ps()), quoted(resource.name), quoted(resource.unit),
                              sample.rate));
    }
  }

 private:
  std::size_t pid_of(const Span& span) const { return pid_ + replica_of(trace_, span); }
  std::size_t pid_of(const ResourceInfo& resource) const {
    if (replicas_ == 1) return pid_;
    return pid_ + (resource.replica < 0 ? replicas_ : static_cast<std::size_t>(resource.replica));
  }

  void name_processes(const std::string& name) {
    if (replicas_ == 1) return name_process(pid_, name);
    for (std::size_t i = 0; i < replicas_; ++i) name_process(pid_ + i, fmt::format("GPU {}", i));
    name_process(pid_ + replicas_, "shared by all GPUs");
  }

  void name_process(std::size_t pid, const std::string& name) {
    events_.add(fmt::format(R"({{"ph":"M","pid":{},"name":"process_name","args":{{"name":{}}}}})", pid, quoted(name)));
  }

  void name_track(std::size_t pid, std::size_t track, const std::string& name, std::int64_t place) {
    events_.add(fmt::format(R"({{"ph":"M","pid":{},"tid":{},"name":"thread_name","args":{{"name":{}}}}})", pid, track,
                            quoted(name)));
    events_.add(fmt::format(R"({{"ph":"M","pid":{},"tid":{},"name":"thread_sort_index","args":{{"sort_index":{}}}}})",
                            pid, track, place));
  }

  void add_span(const Span& span) {
    const Ledger ledger = span.ledger();
    const std::string bottleneck = span.bottleneck.valid() ? trace_.resources[span.bottleneck.index()].name : "";
    const Instant start = alignment_.start(span);
    events_.add(fmt::format(
        R"({{"ph":"X","pid":{},"tid":{},"ts":{},"dur":{},"name":{},"args":{{"step":{},"layer":{},"dependency_us":{},)"
        R"("queue_us":{},"contention_us":{},"work_us":{},"bottleneck":{}{}{}}}}})",
        pid_of(span), track_of(span), microseconds(start.ps()), microseconds(alignment_.end(span) - start),
        quoted(trace_.names[span.name]), step_of_replica(trace_, span), span.layer, microseconds(ledger.dependency),
        microseconds(ledger.queue), microseconds(ledger.contention), microseconds(ledger.work), quoted(bottleneck),
        waited_for(trace_, "waited_for", span.last_dependency),
        waited_for(trace_, "queued_behind", span.queued_behind)));
  }

  std::size_t track_of(const Span& span) const {
    return first_track_ + rows_.track_of(trace_, SpanId(static_cast<std::size_t>(&span - trace_.spans.data())));
  }

  Events& events_;
  std::size_t pid_;
  const Trace& trace_;
  std::size_t replicas_;
  Rows rows_;
  Alignment alignment_;
  std::size_t first_track_ = 0, first_arrow_ = 0;
};

std::string file_text(const Events& events, const std::map<std::string, std::string>& about) {
  std::string metadata;
  for (const auto& [key, value] : about)
    metadata += fmt::format("{}{}:{}", metadata.empty() ? "" : ",", quoted(key), quoted(value));
  return fmt::format("{{\"displayTimeUnit\":\"ns\",\"otherData\":{{{}}},\"traceEvents\":[{}\n]}}\n", metadata,
                     events.text());
}

}  // namespace

std::string perfetto_json(const Trace& trace, const std::map<std::string, std::string>& about) {
  Events events;
  Process process(events, 1, {.name = "simulated machine", .trace = &trace}, {});
  process.add_lanes();
  process.add_spans();
  process.add_edges();
  process.add_usage();
  return file_text(events, about);
}

std::string perfetto_json(const std::vector<TimelineProcess>& processes,
                          const std::map<std::string, std::string>& about) {
  Events events;
  std::vector<Alignment> alignments = aligned(processes);
  std::vector<std::unique_ptr<Process>> written;
  for (std::size_t i = 0; i < processes.size(); ++i) {
    const Process* previous = written.empty() ? nullptr : written.back().get();
    written.push_back(std::make_unique<Process>(events, i + 1, processes[i], std::move(alignments[i])));
    written.back()->number_behind(previous);
    written.back()->add_steps();
    written.back()->add_lanes();
    written.back()->add_spans();
    written.back()->add_edges();
    written.back()->add_usage();
  }
  return file_text(events, about);
}

}  // namespace outrider
