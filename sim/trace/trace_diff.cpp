// Pairs the spans of two traces and sums what they differ by.
#include "sim/trace/trace_diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <stdexcept>
#include <utility>

namespace outrider {
namespace {

const std::string& name_of(const Trace& trace, const Span& span) { return trace.names[span.name]; }
const std::string& lane_of(const Trace& trace, const Span& span) { return trace.lanes[span.lane.index()]; }
Duration ran(const Span& span) { return span.end - span.start; }

void require_same(const Trace& predicted, const Trace& measured, StepRange range) {
  if (range.first >= range.last || range.last > predicted.steps.size() || range.last > measured.steps.size()) {
    throw std::invalid_argument(fmt::format("traces of {} and {} steps have no steps [{}, {}) in common",
                                            predicted.steps.size(), measured.steps.size(), range.first, range.last));
  }
  for (std::size_t step = range.first; step < range.last; ++step) {
    const auto left = predicted.spans_of(predicted.steps[step]), right = measured.spans_of(measured.steps[step]);
    if (left.size() != right.size()) {
      throw std::invalid_argument(
          fmt::format("step {} has {} ops in one trace and {} in the other", step, left.size(), right.size()));
    }
    for (std::size_t op = 0; op < left.size(); ++op) {
      if (name_of(predicted, left[op]) == name_of(measured, right[op])) continue;
      throw std::invalid_argument(fmt::format("op {} of step {} is {} in one trace and {} in the other", op, step,
                                              name_of(predicted, left[op]), name_of(measured, right[op])));
    }
  }
}

// Calls visit(step, op, predicted span, measured span) for all ops that were measured.
template <class Visit>
void each_pair(const Trace& predicted, const Trace& measured, StepRange range, Visit visit) {
  for (std::size_t step = range.first; step < range.last; ++step) {
    const auto left = predicted.spans_of(predicted.steps[step]), right = measured.spans_of(measured.steps[step]);
    for (std::size_t op = 0; op < left.size(); ++op) {
      if (ran(right[op]) > Duration()) visit(step, op, left[op], right[op]);
    }
  }
}

std::vector<FamilyDiff> family_diffs(const Trace& predicted, const Trace& measured, StepRange range) {
  std::vector<FamilyDiff> all(predicted.names.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i].name = predicted.names[i];
  each_pair(predicted, measured, range, [&](std::size_t, std::size_t, const Span& left, const Span& right) {
    FamilyDiff& family = all[left.name];
    ++family.ops;
    family.ran.predicted += ran(left);
    family.ran.measured += ran(right);
    family.queue.predicted += left.ledger().queue;
    family.queue.measured += right.ledger().queue;
    family.predicted_contention += left.ledger().contention;
  });
  std::erase_if(all, [](const FamilyDiff& family) { return family.ops == 0; });
  return all;
}

std::vector<OpDiff> worst_diffs(const Trace& predicted, const Trace& measured, StepRange range, std::size_t most) {
  std::vector<OpDiff> all;
  each_pair(predicted, measured, range, [&](std::size_t step, std::size_t op, const Span& left, const Span& right) {
    all.push_back({name_of(predicted, left),
                   lane_of(predicted, left),
                   left.layer,
                   static_cast<std::int32_t>(step),
                   static_cast<std::uint32_t>(op),
                   {ran(left), ran(right)}});
  });
  const auto off_by = [](const OpDiff& op) { return std::abs((op.ran.predicted - op.ran.measured).ps()); };
  std::stable_sort(all.begin(), all.end(), [&](const OpDiff& a, const OpDiff& b) { return off_by(a) > off_by(b); });
  all.resize(std::min(all.size(), most));
  return all;
}

// Lanes are matched by name: each trace numbers its own.
std::vector<LaneId> lanes_named(const Trace& trace, const std::string& name) {
  std::vector<LaneId> lanes;
  for (std::size_t i = 0; i < trace.lanes.size(); ++i) {
    if (trace.lanes[i] == name) lanes.emplace_back(i);
  }
  return lanes;
}
std::vector<LaneId> lanes_but(const Trace& trace, const std::string& name) {
  std::vector<LaneId> lanes;
  for (std::size_t i = 0; i < trace.lanes.size(); ++i) {
    if (trace.lanes[i] != name && !trace.lanes[i].empty()) lanes.emplace_back(i);
  }
  return lanes;
}

// Inclusion and exclusion: |A ∩ B| = |A| + |B| − |A ∪ B|.
double overlap_share(const Trace& trace, const std::string& name, StepRange range) {
  const std::vector<LaneId> own = lanes_named(trace, name), others = lanes_but(trace, name);
  std::vector<LaneId> all = own;
  all.insert(all.end(), others.begin(), others.end());
  const auto busy = [&](const std::vector<LaneId>& lanes) { return 1.0 - idle_share(trace, lanes, range); };
  return std::max(0.0, busy(own) + busy(others) - busy(all));
}

std::vector<LaneDiff> lane_diffs(const Trace& predicted, const Trace& measured, StepRange range) {
  std::vector<std::string> names;
  for (const Trace* trace : {&predicted, &measured}) {
    for (const std::string& lane : trace->lanes) {
      if (!lane.empty() && std::find(names.begin(), names.end(), lane) == names.end()) names.push_back(lane);
    }
  }
  std::vector<LaneDiff> rows;
  for (const std::string& name : names) {
    const LaneDiff row{.lane = name,
                       .predicted_idle = idle_share(predicted, lanes_named(predicted, name), range),
                       .measured_idle = idle_share(measured, lanes_named(measured, name), range),
                       .predicted_overlap = overlap_share(predicted, name, range),
                       .measured_overlap = overlap_share(measured, name, range)};
    if (row.predicted_idle < 1.0 || row.measured_idle < 1.0) rows.push_back(row);
  }
  return rows;
}

double us(Duration duration) { return duration.seconds().value() * 1e6; }

std::string pair_text(const DurationPair& pair) {
  return fmt::format("{:>12.2f} {:>12.2f} {:>+8.1f} %", us(pair.predicted), us(pair.measured), 100.0 * pair.error());
}

}  // namespace

double DurationPair::error() const {
  if (predicted == measured) return 0.0;
  if (measured == Duration()) return std::numeric_limits<double>::infinity();
  return static_cast<double>(predicted.ps()) / static_cast<double>(measured.ps()) - 1.0;
}

TraceDiff trace_diff(const Trace& predicted, const Trace& measured, StepRange range, std::size_t worst_ops) {
  require_same(predicted, measured, range);
  TraceDiff diff;
  diff.makespan = {elapsed(predicted, range), elapsed(measured, range)};
  for (std::size_t step = range.first; step < range.last; ++step) {
    const StepRange one{step, step + 1};
    diff.steps.push_back({elapsed(predicted, one), elapsed(measured, one)});
  }
  diff.families = family_diffs(predicted, measured, range);
  diff.lanes = lane_diffs(predicted, measured, range);
  diff.worst = worst_diffs(predicted, measured, range, worst_ops);
  return diff;
}

std::string to_text(const TraceDiff& diff) {
  std::string text = fmt::format("{:<26}{:>12} {:>12} {:>10}\n", "", "predicted us", "measured us", "error");
  text += fmt::format("{:<26}{}\n", "makespan", pair_text(diff.makespan));
  for (const FamilyDiff& family : diff.families) {
    text += fmt::format("{:<26}{}\n", fmt::format("{} x{}", family.name, family.ops), pair_text(family.ran));
    if (family.queue.predicted == family.queue.measured) continue;
    text += fmt::format("{:<26}{}\n", "  queued", pair_text(family.queue));
  }
  for (const LaneDiff& lane : diff.lanes) {
    text += fmt::format("{:<16} idle {:>5.1f} % predicted, {:>5.1f} % measured; overlap {:>5.1f} %, {:>5.1f} %\n",
                        lane.lane, 100.0 * lane.predicted_idle, 100.0 * lane.measured_idle,
                        100.0 * lane.predicted_overlap, 100.0 * lane.measured_overlap);
  }
  for (const OpDiff& op : diff.worst) {
    const std::string what = fmt::format("{}, layer {}, step {}", op.name, op.layer, op.step);
    text += fmt::format("{:<40}{}\n", what, pair_text(op.ran));
  }
  return text;
}

}  // namespace outrider
