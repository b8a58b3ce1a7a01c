// Figures read off a trace: step times, utilisation, idle shares, ledgers, critical path.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "sim/trace/trace.h"

namespace outrider {

// A half-open window of steps [first, last), all of one replica.
struct StepRange {
  std::size_t first = 0;
  std::size_t last = 0;
  std::size_t steps() const { return last - first; }
};
// Of several replicas, a range each.
using StepRanges = std::span<const StepRange>;
std::size_t steps_of(StepRanges ranges);

Duration elapsed(const Trace& trace, StepRange range);  // begin of the first step to end of the last
Seconds mean_step_time(const Trace& trace, StepRange range);

// Time within the range during which at least one span of the lane ran (overlaps counted once). Spans of earlier steps
// that reach into the range count, what lies outside of it does not.
Duration busy_time(const Trace& trace, LaneId lane, StepRange range);
// Share of the range in which none of `lanes` ran anything: with the GPU's stream lanes, the GPU's idle share.
double idle_share(const Trace& trace, const std::vector<LaneId>& lanes, StepRange range);

// Share of the range in which spans of at least `many` groups ran, a span counting as busy_time() counts it.
// `groups[name]` is the group of an op name (index = Trace::names index), kNoGroup where it belongs to none. One group
// and many = 1 is that group's utilisation; many = 2 is the overlap of groups.
inline constexpr int kNoGroup = -1;
double concurrent_share(const Trace& trace, const std::vector<int>& groups, int many, StepRange range);

// Sum of ledgers of the range's spans by op name (index = Trace::names index).
std::vector<Ledger> ledger_by_name(const Trace& trace, StepRange range);

// Why time passed on the critical path: walked back from the last span of the range through what each span waited for.
// The pieces are in order of time and partition the range exactly: each piece is unexplained or signalled, then
// waiting_behind, then running, and their sum over all pieces is elapsed(trace, range).
struct PathItem {
  SpanId span;              // invalid: time that belongs to no span (all of it unexplained)
  Duration waiting_behind;  // queueing before it, after what it queued behind had ended
  Duration running;         // its start to its end (or to where the successor started)
  Duration contended;       // share of `running` lost to contention
  Duration signalled;       // from the end of its last dependency until it knew
  Duration unexplained;     // time before it for which the trace names no cause
};
std::vector<PathItem> critical_path(const Trace& trace, StepRange range);

// The critical path's time by cause, largest first: "gemm on HBM" style rows. Queueing and signals have rows of their
// own, named after the op that waited with kQueued or kSignalled before it; unexplained time is one row named
// kUnexplained. Shares sum to 1.
inline constexpr const char* kQueued = "queued: ";
inline constexpr const char* kSignalled = "signalled: ";
inline constexpr const char* kUnexplained = "unexplained";
struct Cause {
  std::string lane;
  std::string name;
  std::string bottleneck;  // resource that slowed it most, or empty
  Duration time;
  double share = 0.0;  // of the ranges' elapsed time
};
std::vector<Cause> causes(const Trace& trace, StepRanges ranges);  // summed over them
inline std::vector<Cause> causes(const Trace& trace, StepRange range) { return causes(trace, StepRanges(&range, 1)); }

// A fingerprint of order and time: equal traces give equal values on every platform (FNV-1a over integers: the spans'
// and steps' instants and ids; names, amounts and usage are not part of it).
std::uint64_t fingerprint(const Trace& trace);

// A fingerprint of order alone: which span starts after which, on which lane. Times are no part of it.
std::uint64_t order_fingerprint(const Trace& trace);

}  // namespace outrider
