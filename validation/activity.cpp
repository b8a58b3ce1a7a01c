// Op families to activities, and their shares by the trace's metrics.
#include "validation/activity.h"

#include <algorithm>

#include "sim/base/check.h"
#include "sim/base/statistics.h"
#include "sim/graph/op.h"

namespace outrider {
namespace {

std::optional<Activity> activity_of(Family family) {
  switch (kind_of(family)) {
    case OpKind::gpu_kernel:
      return Activity::gpu_compute;
    case OpKind::copy:
      return family == Family::copy_d2h ? Activity::d2h : Activity::h2d;
    case OpKind::cpu_kernel:
      return Activity::cpu;
    case OpKind::host_step:
    case OpKind::barrier:
      break;
  }
  return std::nullopt;
}

Duration mean(Duration sum, std::size_t steps) {
  return Duration::from_ps(sum.ps() / static_cast<std::int64_t>(steps));
}

Ledger mean(const Ledger& sum, std::size_t steps) {
  return {.dependency = mean(sum.dependency, steps),
          .queue = mean(sum.queue, steps),
          .contention = mean(sum.contention, steps),
          .work = mean(sum.work, steps)};
}

template <class Read>
ActivityDiff diff_of(const char* name, const ActivityRuns& runs, const std::vector<ActivityShares>& measured,
                     Read read) {
  std::vector<double> shares;
  for (const ActivityShares& each : measured) shares.push_back(read(each));
  ActivityDiff diff{.name = name, .simulated = read(runs.simulated)};
  diff.measured = nearest_quantile(shares, 0.5);
  const auto [least, most] = std::minmax_element(shares.begin(), shares.end());
  diff.spread = *most - *least;
  return diff;
}

}  // namespace

const char* to_string(Activity activity) {
  constexpr std::array<const char*, kActivities> kNames = {"gpu_compute", "copies_h2d", "copies_d2h", "cpu"};
  return kNames[static_cast<std::size_t>(activity)];
}

std::optional<Activity> activity_of(std::string_view op_name) {
  for (int i = 0; i < kFamilies; ++i) {
    if (to_string(static_cast<Family>(i)) == op_name) return activity_of(static_cast<Family>(i));
  }
  return std::nullopt;
}

ActivityShares activity_shares(const Trace& trace, StepRange range) {
  std::vector<int> groups;
  for (const std::string& name : trace.names) {
    const std::optional<Activity> activity = activity_of(name);
    groups.push_back(activity ? static_cast<int>(*activity) : kNoGroup);
  }
  ActivityShares shares;
  shares.overlap = concurrent_share(trace, groups, 2, range);
  const std::vector<Ledger> ledgers = ledger_by_name(trace, range);
  const double steps = static_cast<double>(range.last - range.first);
  for (std::size_t step = range.first; step < range.last; ++step) {
    for (const Span& span : trace.spans_of(trace.steps[step])) {
      if (groups[span.name] != kNoGroup) shares.ops[static_cast<std::size_t>(groups[span.name])] += 1.0 / steps;
    }
  }
  for (int activity = 0; activity < kActivities; ++activity) {
    const auto place = static_cast<std::size_t>(activity);
    std::vector<int> own = groups;
    for (std::size_t name = 0; name < own.size(); ++name) {
      if (own[name] == activity) {
        shares.ledger[place] += ledgers[name];
      } else {
        own[name] = kNoGroup;
      }
    }
    shares.busy[place] = concurrent_share(trace, own, 1, range);
    shares.ledger[place] = mean(shares.ledger[place], range.last - range.first);
  }
  return shares;
}

std::vector<ActivityDiff> compare_activities(const ActivityRuns& runs) {
  CHECK(!runs.untimed.empty() && (runs.timed.empty() || runs.middle < runs.timed.size()),
        "{} untimed and {} timed runs, the middle one {}", runs.untimed.size(), runs.timed.size(), runs.middle);
  std::vector<ActivityDiff> diffs;
  const bool timed = !runs.timed.empty();
  for (int i = 0; i < kActivities; ++i) {
    const auto activity = static_cast<Activity>(i);
    const bool of_cpu = activity == Activity::cpu;
    if (!timed && !of_cpu) continue;
    diffs.push_back(diff_of(to_string(activity), runs, of_cpu ? runs.untimed : runs.timed,
                            [&](const ActivityShares& shares) { return shares.busy_of(activity); }));
    diffs.back().ops = runs.simulated.ops[static_cast<std::size_t>(i)];
    diffs.back().has_ledger = timed;
    diffs.back().simulated_ledger = runs.simulated.ledger[static_cast<std::size_t>(i)];
    if (timed) diffs.back().measured_ledger = runs.timed[runs.middle].ledger[static_cast<std::size_t>(i)];
  }
  if (timed)
    diffs.push_back(diff_of("overlap", runs, runs.timed, [](const ActivityShares& shares) { return shares.overlap; }));
  return diffs;
}

}  // namespace outrider
