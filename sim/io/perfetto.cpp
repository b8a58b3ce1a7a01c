// Trace to Chrome trace events.
#include "sim/io/perfetto.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

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
  void add(std::string event) { text_ += (text_.empty() ? "\n" : ",\n") + std::move(event); }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

void add_lanes(Events& events, const Trace& trace) {
  for (std::size_t lane = 0; lane < trace.lanes.size(); ++lane) {
    if (trace.lanes[lane].empty()) continue;
    events.add(fmt::format(R"({{"ph":"M","pid":1,"tid":{},"name":"thread_name","args":{{"name":{}}}}})", lane,
                           quoted(trace.lanes[lane])));
    events.add(
        fmt::format(R"({{"ph":"M","pid":1,"tid":{0},"name":"thread_sort_index","args":{{"sort_index":{0}}}}})", lane));
  }
}

void add_span(Events& events, const Trace& trace, const Span& span) {
  const Ledger ledger = span.ledger();
  const std::string bottleneck = span.bottleneck.valid() ? trace.resources[span.bottleneck.index()].name : "";
  events.add(fmt::format(
      R"({{"ph":"X","pid":1,"tid":{},"ts":{},"dur":{},"name":{},"args":{{"step":{},"layer":{},"dependency_us":{},)"
      R"("queue_us":{},"contention_us":{},"work_us":{},"bottleneck":{}}}}})",
      span.lane.value, microseconds(span.start.ps()), microseconds(span.end - span.start),
      quoted(trace.names[span.name]), span.step, span.layer, microseconds(ledger.dependency),
      microseconds(ledger.queue), microseconds(ledger.contention), microseconds(ledger.work), quoted(bottleneck)));
}

// An arrow binds to the slice that encloses its end; half-way inside is inside.
Instant middle(const Span& span) { return Instant::from_ps(span.start.ps() + (span.end - span.start).ps() / 2); }

void add_edges(Events& events, const Trace& trace) {
  for (std::size_t i = 0; i < trace.edges.size(); ++i) {
    const Span& from = trace.spans[trace.edges[i].first.index()];
    const Span& to = trace.spans[trace.edges[i].second.index()];
    if (from.lane == to.lane) continue;  // a lane's own order needs no arrows
    constexpr const char* kEnd =
        R"({{"ph":"{}","pid":1,"tid":{},"ts":{},"id":{},"cat":"dependency","name":"dependency"{}}})";
    events.add(fmt::format(fmt::runtime(kEnd), "s", from.lane.value, microseconds(middle(from).ps()), i, ""));
    events.add(fmt::format(fmt::runtime(kEnd), "f", to.lane.value, microseconds(middle(to).ps()), i, R"(,"bp":"e")"));
  }
}

void add_usage(Events& events, const Trace& trace) {
  for (const UsageSample& sample : trace.usage) {
    const ResourceInfo& resource = trace.resources[sample.resource.index()];
    events.add(fmt::format(R"({{"ph":"C","pid":1,"ts":{},"name":{},"args":{{{}:{}}}}})", microseconds(sample.at.ps()),
                           quoted(resource.name), quoted(resource.unit), sample.rate));
  }
}

}  // namespace

std::string perfetto_json(const Trace& trace, const std::map<std::string, std::string>& about) {
  Events events;
  events.add(R"({"ph":"M","pid":1,"name":"process_name","args":{"name":"simulated machine"}})");
  add_lanes(events, trace);
  for (const Span& span : trace.spans) add_span(events, trace, span);
  add_edges(events, trace);
  add_usage(events, trace);
  std::string metadata;
  for (const auto& [key, value] : about)
    metadata += fmt::format("{}{}:{}", metadata.empty() ? "" : ",", quoted(key), quoted(value));
  return fmt::format("{{\"displayTimeUnit\":\"ns\",\"otherData\":{{{}}},\"traceEvents\":[{}\n]}}\n", metadata,
                     events.text());
}

}  // namespace outrider
