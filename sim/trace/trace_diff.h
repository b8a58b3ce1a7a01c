// Two traces of the same graphs side by side: what was predicted and what was measured, with signed errors.
#pragma once

#include <string>
#include <vector>

#include "sim/trace/metrics.h"
#include "sim/trace/trace.h"

namespace outrider {

// Errors are predicted ÷ measured − 1, so that a positive one is a prediction too slow; 0 where both are 0, infinite
// where only the measured one is.
struct DurationPair {
  Duration predicted, measured;
  double error() const;
};

// Sums over all spans of one name, in the order of the predicted trace's names.
struct FamilyDiff {
  std::string name;
  std::size_t ops = 0;
  DurationPair ran;               // start to end
  DurationPair queue;             // ready, but its lane or pool had no room
  Duration predicted_contention;  // of what was predicted to run; a real trace does not tell its own
};

// Shares of the range. Overlap: this lane ran something, and so did at least one other lane.
struct LaneDiff {
  std::string lane;
  double predicted_idle = 0.0, measured_idle = 0.0;
  double predicted_overlap = 0.0, measured_overlap = 0.0;
};

struct OpDiff {
  std::string name, lane;
  std::int16_t layer = -1;
  std::int32_t step = 0;
  std::uint32_t op = 0;  // within its step
  DurationPair ran;
};

struct TraceDiff {
  DurationPair makespan;             // begin of the first step to end of the last
  std::vector<DurationPair> steps;   // each step's time
  std::vector<FamilyDiff> families;  // of those with ops in the range
  std::vector<LaneDiff> lanes;       // of those with spans in the range that take time, in either trace
  std::vector<OpDiff> worst;         // largest |predicted − measured| first, at most `worst_ops`
};

// Requires both traces to have the same steps, ops and names in the range; std::invalid_argument names the first
// difference. Spans of no length in `measured` (a trace with timing of steps only) are left out of families and ops.
TraceDiff trace_diff(const Trace& predicted, const Trace& measured, StepRange range, std::size_t worst_ops = 10);

// A few tables for people: times in µs, errors in percent.
std::string to_text(const TraceDiff& diff);

}  // namespace outrider
