// Sums of time ledgers.
#include "sim/trace/trace.h"

namespace outrider {

Ledger& Ledger::operator+=(const Ledger& other) {
  dependency += other.dependency;
  queue += other.queue;
  contention += other.contention;
  work += other.work;
  return *this;
}

Trace of_replica(const Trace& trace, std::size_t replica) {
  Trace own{.spans = {},
            .steps = {},
            .names = trace.names,
            .lanes = trace.lanes,
            .resources = trace.resources,
            .amounts = trace.amounts,
            .usage = trace.usage,
            .edges = {}};
  std::vector<SpanId> moved(trace.spans.size());
  for (Step step : trace.steps) {
    if (step.replica != replica) continue;
    const std::size_t from = step.first_span;
    step.first_span = static_cast<std::uint32_t>(own.spans.size());
    step.replica = 0;
    for (std::size_t i = from; i < from + step.spans; ++i) {
      moved[i] = SpanId(own.spans.size());
      own.spans.push_back(trace.spans[i]);
      own.spans.back().step = static_cast<std::int32_t>(own.steps.size());
    }
    own.steps.push_back(step);
  }
  for (Span& span : own.spans) {
    for (SpanId* cause : {&span.last_dependency, &span.queued_behind}) {
      if (cause->valid()) *cause = moved[cause->index()];
    }
  }
  for (const auto& [from, to] : trace.edges) {
    if (moved[to.index()].valid()) own.edges.emplace_back(moved[from.index()], moved[to.index()]);
  }
  return own;
}

}  // namespace outrider
