// How much of the time the GPU computes, copies run and the CPU works, and two of these at once: of any backend's
// trace.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/trace/metrics.h"

namespace outrider {

// What can go on beside each other. An op is of one of them by its family, whatever its lane: a copy made by a kernel
// is a copy. Ops of the host thread and barriers are of none.
enum class Activity : std::uint8_t { gpu_compute, h2d, d2h, cpu };
inline constexpr int kActivities = 4;
const char* to_string(Activity activity);
std::optional<Activity> activity_of(std::string_view op_name);

// The one definition for simulated and executed traces. An op runs from its span's start to its end. Shares are of the
// range's elapsed time. busy: at least one op of the activity ran; an activity's idle share is 1 − busy. overlap: ops
// of two or more activities ran. `ledger` sums the ops of the range's steps, divided by their number.
struct ActivityShares {
  std::array<double, kActivities> busy{};
  double overlap = 0.0;
  std::array<double, kActivities> ops{};  // mean per step
  std::array<Ledger, kActivities> ledger{};

  double busy_of(Activity activity) const { return busy[static_cast<std::size_t>(activity)]; }
};
ActivityShares activity_shares(const Trace& trace, StepRange range);

// What runs of one point tell. CPU ops are timed in every run, ops of the GPU and copies only in runs for that: all
// that the GPU does is read off those, and what the CPU does off the others.
//
// Timing costs an op of the GPU or copy some µs, which count as the op's: where the GPU idles, its share may be too
// large by as much as ops · cost ÷ step time. Steps take little longer, since each run times a few ops only.
struct ActivityRuns {
  ActivityShares simulated{};
  std::vector<ActivityShares> untimed{}, timed{};  // of each run that timed steps only, and of those that timed ops
  std::size_t middle = 0;                          // the run in `timed` whose waiting is reported
};

// A share, simulated beside measured.
struct ActivityDiff {
  std::string name;  // of the activity, or "overlap"
  double simulated = 0.0;
  double measured = 0.0;  // median of the runs
  double spread = 0.0;    // largest − smallest of the runs
  double ops = 0.0;       // of the activity, mean per step; 0 of the overlap
  // Sums of an activity's ops per step; of the overlap, and where the ops were not timed, there are none. A real trace
  // tells from when to when an op waited and ran, but not why: its queue holds launch latencies and the watching of
  // flags beside waits for lanes, and how long an op would have run alone is unknown, so that contention is work.
  bool has_ledger = false;
  Ledger simulated_ledger{}, measured_ledger{};

  double difference() const { return simulated - measured; }
  bool within(double share) const { return std::abs(difference()) <= share; }
};
// The activities and, behind them, the overlap; the CPU alone where no run timed every op.
std::vector<ActivityDiff> compare_activities(const ActivityRuns& runs);

}  // namespace outrider
