// The figures of a row that have intervals, under the names that CSV and JSON give them, and their intervals in words.
#pragma once

#include <string>
#include <vector>

#include "sim/study/intervals.h"

namespace outrider {

struct FigureWithInterval {
  std::string name;  // of its column in results.csv
  PointFigure read;
};
// What the profile has a say in: speeds, times, and shares of time.
const std::vector<FigureWithInterval>& figures_with_intervals();

// "1066 (980–1150)", the figure as `written`; alone where there is no interval.
std::string with_interval(const std::string& figure, const std::optional<Interval>& interval,
                          const std::function<std::string(double)>& written);
// Of a row of the report itself.
std::optional<Interval> interval_named(const RunReport& report, const PointResult& point, std::string_view figure);

// Among the rows that share its baseline: "1", or of a tie "2–3, tie".
Rank rank_in_workload(const RunReport& report, const PointResult& point);
std::string rank_text(const Rank& rank);

}  // namespace outrider
