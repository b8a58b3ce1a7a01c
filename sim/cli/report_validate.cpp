// Tables for people: step times, shares of the time, families of operations.
#include "sim/cli/report_validate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "sim/base/statistics.h"
#include "sim/cli/format.h"

namespace outrider {
namespace {

using Points = std::vector<MeasuredPoint>;

constexpr double kShareGoal = 0.05;  // overlap and idle shares: within 5 points of the measured ones

std::string milliseconds(Seconds time) { return fmt::format("{:.4g}", time.value() * 1e3); }
std::string milliseconds(Duration time) { return milliseconds(time.seconds()); }

std::vector<Column> with_point(std::vector<Column> more) {
  std::vector<Column> columns{{"method"}, {"workload"}, {"context", Align::right}, {"batch", Align::right}};
  columns.insert(columns.end(), more.begin(), more.end());
  return columns;
}

std::vector<Cell> point_cells(const PointResult& point) {
  const std::string gpus = point.gpus == 1 ? "" : fmt::format("{} × ", point.gpus);
  return {point.label, point.workload, token_count(point.context), fmt::format("{}{}", gpus, point.batch)};
}

std::string steps_text(const Points& points, const TableLook& look) {
  Table table(with_point({{"measured ms", Align::right},
                          {"spread", Align::right},
                          {"simulated ms", Align::right},
                          {"error", Align::right},
                          {"not executed, since"}}));
  for (const MeasuredPoint& each : points) {
    const PointResult& point = each.predicted;
    const auto if_ran = [&](const std::string& text) { return each.ran() ? text : std::string("–"); };
    std::vector<Cell> row = point_cells(point);
    row.insert(row.end(), {if_ran(milliseconds(each.measured)), if_ran(percent(each.spread)),
                           point.fits ? milliseconds(point.tpot) : "–",
                           if_ran(signed_percent(each.ran() ? each.error() : 0.0)), printable(each.impossible)});
    table.add_row(row);
  }
  return table.render(look);
}

std::string steps_summary(const Points& points) {
  std::vector<double> errors, noise;
  std::size_t within_noise = 0;
  for (const MeasuredPoint& each : points) {
    if (!each.ran()) continue;
    errors.push_back(std::abs(each.error()));
    noise.push_back(each.spread);
    if (errors.back() <= noise.back()) ++within_noise;
  }
  if (errors.empty()) return "\nNothing was executed.\n";
  return fmt::format(
      "\n{} of {} points executed: error {} in the median, {} at P90, {} at worst; repeats spread by {} in the "
      "median,\nand {} errors are no larger than the spread of their own repeats.\n",
      errors.size(), points.size(), percent(nearest_quantile(errors, 0.5)), percent(nearest_quantile(errors, 0.9)),
      percent(nearest_quantile(errors, 1.0)), percent(nearest_quantile(noise, 0.5)), within_noise);
}

// "41.2 % −3.1": the measured share, and by how many points the simulated one differs.
Cell share_cell(const MeasuredPoint& point, const std::string& name) {
  for (const ActivityDiff& each : point.activities) {
    if (each.name != name) continue;
    return {fmt::format("{} {:+.1f}", percent(each.measured), 100.0 * each.difference()),
            each.within(kShareGoal) ? Style::plain : Style::bad};
  }
  return "–";
}

std::string queued_text(const MeasuredPoint& point) {
  Duration measured, simulated;
  bool timed = false;
  for (const ActivityDiff& each : point.activities) {
    timed = timed || each.has_ledger;
    measured += each.measured_ledger.queue;
    simulated += each.simulated_ledger.queue;
  }
  return timed ? fmt::format("{} / {}", milliseconds(measured), milliseconds(simulated)) : "–";
}

std::string worst_text(const MeasuredPoint& point) {
  if (point.operations.worst.empty()) return "–";
  const OpDiff& op = point.operations.worst.front();
  const double us = (op.ran.predicted - op.ran.measured).seconds().value() * 1e6;
  return fmt::format("{} {:+.0f} us, layer {}, step {}", op.name, us, op.layer, op.step);
}

std::string shares_table(const Points& points, const TableLook& look) {
  Table table(with_point({{"overlap", Align::right},
                          {"GPU", Align::right},
                          {"to GPU", Align::right},
                          {"from GPU", Align::right},
                          {"CPU", Align::right},
                          {"timing", Align::right},
                          {"queued ms", Align::right},
                          {"worst operation"}}));
  for (const MeasuredPoint& each : points) {
    if (!each.ran()) continue;
    std::vector<Cell> row = point_cells(each.predicted);
    for (const char* name : {"overlap", "gpu_compute", "copies_h2d", "copies_d2h", "cpu"})
      row.push_back(share_cell(each, name));
    row.insert(row.end(), {each.timed.value() > 0.0 ? signed_percent(each.lengthened()) : "–", queued_text(each),
                           worst_text(each)});
    table.add_row(row);
  }
  return table.empty() ? "" : table.render(look);
}

// An idle share differs by as much as the busy one.
std::string goal_text(const Points& points) {
  std::size_t timed = 0, kept = 0;
  std::map<std::string, std::size_t> by_name;
  for (const MeasuredPoint& each : points) {
    if (each.timed.value() <= 0.0) continue;
    ++timed;
    bool keeps = true;
    for (const ActivityDiff& diff : each.activities) {
      by_name[diff.name] += diff.within(kShareGoal) ? 1 : 0;
      keeps = keeps && diff.within(kShareGoal);
    }
    if (keeps) ++kept;
  }
  if (timed == 0) return "";
  std::vector<std::string> parts;
  for (const auto& [name, count] : by_name) parts.push_back(fmt::format("{} at {}", name, count));
  return fmt::format(
      "\nOverlap and idle shares are all within {} points of the measured ones at {} of {} points; each for itself: "
      "{}.\n",
      kShareGoal * 100.0, kept, timed, join(parts, ", "));
}

std::string shares_text(const Points& points, const TableLook& look) {
  const std::string table = shares_table(points, look);
  if (table.empty()) return "";
  return "\nshares of the time in which each ran, or two at once, as measured; behind it by how many points the "
         "simulated share\nis larger. Idle is the rest. The CPU's are of the runs above; the others are put together "
         "from runs that time one operation\nin eight each, whose steps take longer by 'timing'. Queued: summed over a "
         "step's operations, measured / simulated\n" +
         table + goal_text(points);
}

// Sums of a family over all points of a method.
struct FamilySum {
  Duration ran_simulated, ran_measured, queue_simulated, queue_measured, contention;
};

std::string families_text(const Points& points, const TableLook& look) {
  std::map<std::pair<std::string, std::string>, FamilySum> sums;
  for (const MeasuredPoint& each : points) {
    for (const FamilyDiff& family : each.operations.families) {
      FamilySum& sum = sums[{each.predicted.label, family.name}];
      sum.ran_simulated += family.ran.predicted;
      sum.ran_measured += family.ran.measured;
      sum.queue_simulated += family.queue.predicted;
      sum.queue_measured += family.queue.measured;
      sum.contention += family.predicted_contention;
    }
  }
  Table table({{"method"},
               {"operation"},
               {"measured ms", Align::right},
               {"simulated ms", Align::right},
               {"error", Align::right},
               {"of it contention", Align::right},
               {"queued ms", Align::right},
               {"simulated ms", Align::right}});
  for (const auto& [key, sum] : sums) {
    const DurationPair ran{sum.ran_simulated, sum.ran_measured};
    table.add_row({key.first, key.second, milliseconds(ran.measured), milliseconds(ran.predicted),
                   signed_percent(ran.error()), milliseconds(sum.contention), milliseconds(sum.queue_measured),
                   milliseconds(sum.queue_simulated)});
  }
  if (table.empty()) return "";
  return "\nsums over all points, each operation timed, which takes it 3 to 7 us; a real trace does not tell "
         "contention, and what it shows as "
         "queued\nholds launch latencies and the watching of flags too\n" +
         table.render(look);
}

// How near to its bound, or how far beyond; of what is wrong otherwise, or not a number, infinitely.
double share_of_bound(const ResultCheck& check) {
  return check.wrong.empty() && !std::isnan(check.error) ? check.error / check.bound : HUGE_VAL;
}

std::string where(const CheckedResult& result) {
  return fmt::format("{} at {}, {} of {} blocks, {} by the CPU{}", result.label, token_count(result.context),
                     result.shape.selected, result.shape.blocks, result.shape.offloaded,
                     result.check.wrong.empty() ? "" : ": " + result.check.wrong);
}

std::string results_text(const std::vector<CheckedResult>& results, const TableLook& look) {
  std::map<std::pair<std::string, std::string>, std::vector<const CheckedResult*>> by_check;
  std::size_t failing = 0;
  for (const CheckedResult& each : results) {
    by_check[{each.check.kernels, each.check.what}].push_back(&each);
    if (!each.check.passes()) ++failing;
  }
  if (results.empty()) return "";
  Table table({{"kernels"},
               {"check"},
               {"shapes", Align::right},
               {"error", Align::right},
               {"bound", Align::right},
               {"nearest to its bound"}});
  for (const auto& [key, all] : by_check) {
    const CheckedResult& worst = **std::max_element(all.begin(), all.end(), [](const auto* a, const auto* b) {
      return share_of_bound(a->check) < share_of_bound(b->check);
    });
    const Style style = worst.check.passes() ? Style::plain : Style::bad;
    table.add_row({key.first,
                   key.second,
                   fmt::format("{}", all.size()),
                   {fmt::format("{:.2g}", worst.check.error), style},
                   fmt::format("{:.2g}", worst.check.bound),
                   {where(worst), style}});
  }
  const std::string verdict = failing == 0
                                  ? fmt::format("All {} results are within their bounds.\n", results.size())
                                  : fmt::format("WRONG RESULTS: {} of {} checks fail.\n", failing, results.size());
  return "\nresults of attention, each dealt out as points of the scenario do; errors relative to exact arithmetic\n" +
         table.render(look) + verdict;
}

// Which ceiling of DRAM points are simulated with.
std::string dram_text(const Points& points) {
  double least = HUGE_VAL, most = 0.0;
  for (const MeasuredPoint& each : points) {
    if (each.host.dram_read.value() <= 0.0) continue;
    least = std::min(least, each.host.dram_read.value());
    most = std::max(most, each.host.dram_read.value());
  }
  if (most == 0.0) return "";
  return fmt::format(
      "\nDRAM gave {:.1f} to {:.1f} GB/s to all processors just before points with work for the CPU, which "
      "are simulated with that\n",
      least * 1e-9, most * 1e-9);
}

}  // namespace

std::string validation_text(const ValidationReport& report, const TableLook& look) {
  const std::int64_t gpus = report.points.empty() ? 1 : report.points.front().predicted.gpus;
  return fmt::format("{} on this machine beside {} (profile {})\n\n", printable(report.about.model),
                     printable(report.about.machine), printable(report.about.profile)) +
         (gpus == 1 ? ""
                    : fmt::format("{} GPUs at once, each with that batch: step times are means over them, shares and "
                                  "operations are the first one's\n\n",
                                  gpus)) +
         steps_text(report.points, look) + steps_summary(report.points) + dram_text(report.points) +
         shares_text(report.points, look) + families_text(report.points, look) + results_text(report.results, look);
}

}  // namespace outrider
