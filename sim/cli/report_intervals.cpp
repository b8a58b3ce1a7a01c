// The table of figures, and wording.
#include "sim/cli/report_intervals.h"

#include <fmt/format.h>

#include "sim/base/check.h"
#include "sim/cli/report_rows.h"

namespace outrider {
namespace {

std::size_t place_of(const RunReport& report, const PointResult& point) {
  const std::ptrdiff_t place = &point - report.points.data();
  CHECK(place >= 0 && static_cast<std::size_t>(place) < report.points.size(), "a row of another report");
  return static_cast<std::size_t>(place);
}

}  // namespace

const std::vector<FigureWithInterval>& figures_with_intervals() {
  using R = const RunReport&;
  using P = const PointResult&;
  static const std::vector<FigureWithInterval> figures = {
      {"tokens_per_s", [](R, P p) { return p.tokens_per_s; }},
      {"tokens_per_s_per_gpu", [](R, P p) { return p.tokens_per_s_per_gpu(); }},
      {"versus_baseline", [](R r, P p) { return versus_baseline(r, p); }},
      {"step_s", [](R, P p) { return p.tpot.value(); }},
      {"tpot_slowest_s", [](R, P p) { return p.tpot_slowest.value(); }},
      {"step_p5_s", [](R, P p) { return p.step_p5.value(); }},
      {"step_p95_s", [](R, P p) { return p.step_p95.value(); }},
      {"step_trend", [](R, P p) { return p.step_trend; }},
      {"ttft_s", [](R, P p) { return p.ttft.value(); }},
      {"gpu_idle", [](R, P p) { return p.gpu_idle; }},
  };
  return figures;
}

std::string with_interval(const std::string& figure, const std::optional<Interval>& interval,
                          const std::function<std::string(double)>& written) {
  return interval ? fmt::format("{} ({}–{})", figure, written(interval->low), written(interval->high)) : figure;
}

std::optional<Interval> interval_named(const RunReport& report, const PointResult& point, std::string_view figure) {
  for (const FigureWithInterval& each : figures_with_intervals()) {
    if (each.name == figure) return interval_of(report, place_of(report, point), each.read);
  }
  CHECK(false, "no figure '{}' with an interval", figure);
  return std::nullopt;
}

Rank rank_in_workload(const RunReport& report, const PointResult& point) {
  const PointResult* baseline = baseline_of(report, point);
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < report.points.size(); ++i) {
    if (report.points[i].fits && baseline_of(report, report.points[i]) == baseline) rows.push_back(i);
  }
  return rank_of(report, place_of(report, point), rows);
}

std::string rank_text(const Rank& rank) {
  return rank.tied() ? fmt::format("{}–{}, tie", rank.best, rank.worst) : fmt::format("{}", rank.best);
}

}  // namespace outrider
