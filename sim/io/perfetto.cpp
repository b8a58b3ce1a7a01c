// Trace to Chrome trace events.
#include "sim/io/perfetto.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

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

// A track shows nested slices only, so spans of a lane that overlap go to rows of it: to the first that is free.
class Rows {
 public:
  explicit Rows(const Trace& trace) : lanes_(trace.lanes.size()), ends_(lanes_), row_of_(trace.spans.size()) {
    std::vector<std::size_t> by_start(trace.spans.size());
    std::iota(by_start.begin(), by_start.end(), std::size_t{0});
    std::stable_sort(by_start.begin(), by_start.end(),
                     [&](std::size_t a, std::size_t b) { return trace.spans[a].start < trace.spans[b].start; });
    for (const std::size_t i : by_start) row_of_[i] = place(trace.spans[i]);
  }
  std::size_t rows(std::size_t lane) const { return ends_[lane].size(); }
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
  std::vector<std::size_t> row_of_;         // by span
};

void add_tracks(Events& events, const Trace& trace, const Rows& rows) {
  constexpr std::size_t kRowsToSort = 1000;
  for (std::size_t lane = 0; lane < trace.lanes.size(); ++lane) {
    for (std::size_t row = 0; row < rows.rows(lane); ++row) {
      const std::size_t track = rows.track(lane, row);
      const std::string name = row == 0 ? trace.lanes[lane] : fmt::format("{} ({})", trace.lanes[lane], row + 1);
      events.add(fmt::format(R"({{"ph":"M","pid":1,"tid":{},"name":"thread_name","args":{{"name":{}}}}})", track,
                             quoted(name)));
      events.add(fmt::format(R"({{"ph":"M","pid":1,"tid":{},"name":"thread_sort_index","args":{{"sort_index":{}}}}})",
                             track, lane * kRowsToSort + row));
    }
  }
}

// `,"key":"the name of what it waited for"`, or nothing.
std::string waited_for(const Trace& trace, const char* key, SpanId cause) {
  if (!cause.valid()) return {};
  return fmt::format(R"(,"{}":{})", key, quoted(trace.names[trace.spans[cause.index()].name]));
}

void add_span(Events& events, const Trace& trace, SpanId id, std::size_t track) {
  const Span& span = trace.spans[id.index()];
  const Ledger ledger = span.ledger();
  const std::string bottleneck = span.bottleneck.valid() ? trace.resources[span.bottleneck.index()].name : "";
  events.add(fmt::format(
      R"({{"ph":"X","pid":1,"tid":{},"ts":{},"dur":{},"name":{},"args":{{"step":{},"layer":{},"dependency_us":{},)"
      R"("queue_us":{},"contention_us":{},"work_us":{},"bottleneck":{}{}{}}}}})",
      track, microseconds(span.start.ps()), microseconds(span.end - span.start), quoted(trace.names[span.name]),
      span.step, span.layer, microseconds(ledger.dependency), microseconds(ledger.queue),
      microseconds(ledger.contention), microseconds(ledger.work), quoted(bottleneck),
      waited_for(trace, "waited_for", span.last_dependency), waited_for(trace, "queued_behind", span.queued_behind)));
}

// An arrow binds to the slice that encloses its end; half-way inside is inside, unless the slice is empty.
Instant middle(const Span& span) { return Instant::from_ps(span.start.ps() + (span.end - span.start).ps() / 2); }

bool can_bind(const Span& span) { return span.end > span.start; }

void add_edges(Events& events, const Trace& trace, const Rows& rows) {
  for (std::size_t i = 0; i < trace.edges.size(); ++i) {
    const auto [from, to] = trace.edges[i];
    const Span& first = trace.spans[from.index()];
    const Span& second = trace.spans[to.index()];
    const bool own_order = first.lane == second.lane;  // which needs no arrows
    if (own_order || !can_bind(first) || !can_bind(second)) continue;
    const auto end = [&](const char* phase, SpanId span, const char* binding) {
      events.add(fmt::format(
          R"({{"ph":"{}","pid":1,"tid":{},"ts":{},"id":{},"cat":"dependency","name":"dependency"{}}})", phase,
          rows.track_of(trace, span), microseconds(middle(trace.spans[span.index()]).ps()), i, binding));
    };
    end("s", from, "");
    end("f", to, R"(,"bp":"e")");
  }
}

void add_usage(Events& events, const Trace& trace) {
  for (const UsageSample& sample : trace.usage) {
    CHECK(std::isfinite(sample.rate), "usage of resource {} is {}", sample.resource.value, sample.rate);
    const ResourceInfo& resource = trace.resources[sample.resource.index()];
    events.add(fmt::format(R"({{"ph":"C","pid":1,"ts":{},"name":{},"args":{{{}:{}}}}})", microseconds(sample.at.ps()),
                           quoted(resource.name), quoted(resource.unit), sample.rate));
  }
}

}  // namespace

std::string perfetto_json(const Trace& trace, const std::map<std::string, std::string>& about) {
  Events events;
  events.add(R"({"ph":"M","pid":1,"name":"process_name","args":{"name":"simulated machine"}})");
  const Rows rows(trace);
  add_tracks(events, trace, rows);
  for (std::size_t i = 0; i < trace.spans.size(); ++i) {
    add_span(events, trace, SpanId(i), rows.track_of(trace, SpanId(i)));
  }
  add_edges(events, trace, rows);
  add_usage(events, trace);
  std::string metadata;
  for (const auto& [key, value] : about) {
    metadata += fmt::format("{}{}:{}", metadata.empty() ? "" : ",", quoted(key), quoted(value));
  }
  return fmt::format("{{\"displayTimeUnit\":\"ns\",\"otherData\":{{{}}},\"traceEvents\":[{}\n]}}\n", metadata,
                     events.text());
}

}  // namespace outrider
