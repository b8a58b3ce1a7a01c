// The other side of the waist: what ran when, and why each span waited. Made by the simulator and by real machines.
// Replicas run side by side, each its own steps one after another; all but the resources that they share is their own.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "sim/base/ids.h"
#include "sim/base/ticks.h"

namespace outrider {

// The exact time ledger of one span, or a sum of such: dependency + queue + contention + work = end − created.
struct Ledger {
  Duration dependency;   // waiting for predecessors
  Duration queue;        // ready, but its lane or pool had no room
  Duration contention;   // running slower than alone on the machine
  Duration work;         // what it takes alone

  Duration total() const { return dependency + queue + contention + work; }
  Ledger& operator+=(const Ledger& other);
};

struct Span {
  Instant created, ready, start, end;
  Duration work;                 // duration when alone on the machine, ≤ end − start
  std::uint16_t name = 0;        // index into Trace::names
  LaneId lane;                   // index into Trace::lanes
  std::int16_t layer = -1;
  std::int32_t step = 0;
  SpanId last_dependency;        // the predecessor of whose end it learned last; invalid if none
  SpanId queued_behind;          // the span whose end (or release of slots) let it start; invalid if it did not queue
  ResourceId bottleneck;         // limited it for longest: full, or its share is the cap; invalid: a cap of its own

  Ledger ledger() const {
    return {.dependency = ready - created, .queue = start - ready, .contention = (end - start) - work, .work = work};
  }
};

struct ResourceInfo {
  std::string name;              // "HBM", "PCIe h2d", …
  std::string unit;              // "B/s", "FLOP/s", "s/s" of an engine's time
  double capacity = 0.0;
  std::int16_t replica = -1;     // that it belongs to; −1: all share it
};

// Usage of a resource from `at` until the next sample of it, in the resource's unit.
struct UsageSample {
  Instant at;
  ResourceId resource;
  double rate = 0.0;
};

struct Step {
  Instant begin, end;            // of the step's submission and of its last op
  std::uint32_t first_span = 0;  // spans [first_span, first_span + spans) belong to this step
  std::uint32_t spans = 0;
  std::uint16_t replica = 0;     // whose step it is

  Duration time() const { return end - begin; }
};

struct Trace {
  std::vector<Span> spans;                  // by submission: op i of step s is spans[steps[s].first_span + i]
  std::vector<Step> steps;                  // by replica, then in order of time
  std::vector<std::string> names;           // op families
  std::vector<std::string> lanes;           // empty name: a lane never used
  std::vector<ResourceInfo> resources;
  std::vector<double> amounts;              // per resource: bytes or FLOPs moved in the whole run
  std::vector<UsageSample> usage;           // empty unless recorded
  // Dependencies as flat edges (from, to), for timelines; empty unless recorded.
  std::vector<std::pair<SpanId, SpanId>> edges;

  std::span<const Span> spans_of(const Step& step) const { return {spans.data() + step.first_span, step.spans}; }
};

// What one replica ran, as a trace of its own: lanes, resources and their usage stay as they are, and what a span
// queued behind is forgotten where that is another replica's.
Trace of_replica(const Trace& trace, std::size_t replica);

}  // namespace outrider
