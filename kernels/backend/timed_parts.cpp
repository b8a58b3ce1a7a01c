// The median run, and every op of the GPU moved into it.
#include "kernels/backend/timed_parts.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "sim/base/check.h"
#include "sim/base/statistics.h"

namespace outrider {
namespace {

std::int64_t duration_of(const RunTimes& run) { return run.steps.back().end_ns - run.steps.front().begin_ns; }

const RunTimes& median_run(std::span<const RunTimes> runs) {
  std::vector<std::size_t> order(runs.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return duration_of(runs[a]) < duration_of(runs[b]); });
  return runs[order[nearest_rank(order.size(), 0.5)]];
}

// Instants of a step that every run knows, ascending: its begin, those of its ops on the CPU lane, its end.
std::vector<std::int64_t> marks_of(const Schedule& schedule, const RunTimes& run, std::size_t step) {
  std::vector<std::int64_t> marks{run.steps[step].begin_ns};
  const auto mark = [&](std::int64_t ns) { marks.push_back(std::max(ns, marks.back())); };
  for (OpIndex op = schedule.first_op[step]; op < schedule.first_op[step + 1]; ++op) {
    if (schedule.ops[op].runner != Runner::pool || !run.ops[op].measured) continue;
    mark(run.ops[op].start_ns);
    mark(run.ops[op].end_ns);
  }
  mark(run.steps[step].end_ns);
  return marks;
}

// From the stretch between two of `from` in which it lies to that of `to`; outside of the step, as far from it as it
// was. As many marks in both.
std::int64_t moved(std::int64_t ns, const std::vector<std::int64_t>& from, const std::vector<std::int64_t>& to) {
  if (ns <= from.front()) return to.front() - (from.front() - ns);
  if (ns >= from.back()) return to.back() + (ns - from.back());
  const auto above = std::upper_bound(from.begin() + 1, from.end() - 1, ns);
  const std::ptrdiff_t high = above - from.begin();
  const auto at = [high](const std::vector<std::int64_t>& marks, int back) {
    return marks[static_cast<std::size_t>(high - back)];
  };
  const std::int64_t length = at(from, 0) - at(from, 1);
  const double stretch = static_cast<double>(at(to, 0) - at(to, 1)) / static_cast<double>(length);
  return at(to, 1) + std::llround(static_cast<double>(ns - at(from, 1)) * stretch);
}

}  // namespace

RunTimes join_parts(const Schedule& schedule, std::span<const RunTimes> parts) {
  CHECK(!parts.empty(), "no runs to join");
  RunTimes joined = median_run(parts);
  for (std::size_t step = 0; step < schedule.steps(); ++step) {
    for (OpIndex op = schedule.first_op[step]; op < schedule.first_op[step + 1]; ++op) {
      if (on_gpu(schedule.ops[op].runner)) joined.ops[op] = {};
    }
    const std::vector<std::int64_t> to = marks_of(schedule, joined, step);
    for (const RunTimes& part : parts) {
      const std::vector<std::int64_t> from = marks_of(schedule, part, step);
      for (OpIndex op = schedule.first_op[step]; op < schedule.first_op[step + 1]; ++op) {
        const OpTimes& times = part.ops[op];
        if (!on_gpu(schedule.ops[op].runner) || !times.measured) continue;
        joined.ops[op] = {moved(times.start_ns, from, to), moved(times.end_ns, from, to), true};
      }
    }
  }
  return joined;
}

}  // namespace outrider
