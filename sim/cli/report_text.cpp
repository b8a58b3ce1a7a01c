// Layout of a run's tables.
#include "sim/cli/report_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/cli/format.h"
#include "sim/cli/report_extrapolation.h"
#include "sim/cli/report_intervals.h"
#include "sim/cli/report_rows.h"

namespace outrider {
namespace {

const char* const kNone = "–";

std::string heading(const std::string& text, const TableLook& look) {
  return styled(printable(text), Style::bold, look.colour) + "\n";
}

std::string paragraph(const std::string& text, const TableLook& look) {
  const std::size_t width = look.width == 0 ? std::string::npos : std::max<std::size_t>(look.width, 40);
  std::string result;
  for (const std::string& line : wrapped(printable(text), width)) result += line + "\n";
  return result;
}

std::string batch_text(const PointResult& point) {
  return point.automatic_batch ? fmt::format("{} ({})", point.batch, point.limit) : fmt::format("{}", point.batch);
}

std::string versus_text(const RunReport& report, const PointResult& point) {
  const PointResult* baseline = baseline_of(report, point);
  if (baseline == &point) return "baseline";
  return baseline == nullptr ? kNone : times(versus_baseline(report, point));
}

// With the row's notes, so that no figure stands without them.
std::string with_notes(const std::string& text, const PointResult& point) {
  std::vector<std::string> notes = point.notes;
  if (std::string mark = extrapolation_mark(point); !mark.empty()) notes.push_back(std::move(mark));
  return notes.empty() ? text : fmt::format("{} [{}]", text, join(notes, "; "));
}

// A cell of a figure that has an interval where there are draws.
struct Figure {
  std::string_view name;
  std::string text;
  std::function<std::string(double)> written = [](double value) { return significant(value, 3); };
};
std::string with_draws(const RunReport& report, const PointResult& point, const Figure& figure) {
  if (report.draws.empty()) return figure.text;
  return with_interval(figure.text, interval_named(report, point, figure.name), figure.written);
}

std::string speedup_text(const RunReport& report, const PointResult& point) {
  const bool compared = baseline_of(report, point) != nullptr && baseline_of(report, point) != &point;
  const std::string text = versus_text(report, point);
  return compared ? with_draws(report, point, {"versus_baseline", text}) : text;
}

std::string tpot_text(const RunReport& report, const PointResult& point) {
  return with_draws(report, point, {"step_s", significant(point.tpot.value() * 1e3, 3), [](double seconds) {
                                      return significant(seconds * 1e3, 3);
                                    }});
}

std::string ttft_text(const RunReport& report, const PointResult& point) {
  if (point.ttft.value() <= 0.0) return kNone;
  return with_draws(report, point, {"ttft_s", significant(point.ttft.value(), 3)});
}

std::string idle_text(const RunReport& report, const PointResult& point) {
  return with_draws(report, point, {"gpu_idle", percent(point.gpu_idle), [](double share) {
                                      return fmt::format("{:.1f}", 100.0 * share);
                                    }});
}

std::string tokens_text(const PointResult& point) {
  const std::string all = significant(point.tokens_per_s, 4);
  return point.gpus == 1 ? all
                         : fmt::format("{} ({} × {})", all, point.gpus, significant(point.tokens_per_s_per_gpu(), 4));
}

std::vector<Cell> fitting_row(const RunReport& report, const PointResult& point) {
  const bool on_cpu = point.facts.cpu_ratio > 0.0;
  return {point.label,
          token_count(point.context),
          batch_text(point),
          with_draws(report, point, {"tokens_per_s", tokens_text(point)}),
          speedup_text(report, point),
          tpot_text(report, point),
          ttft_text(report, point),
          idle_text(report, point),
          on_cpu ? percent(point.facts.cpu_ratio) : kNone,
          with_notes(plain_causes(point.causes), point)};
}

std::vector<Cell> unfitting_row(const PointResult& point) {
  const std::string batch = point.given_batch > 0 ? fmt::format("{}", point.given_batch) : kNone;
  const Cell none(kNone, Style::dim);
  return {point.label, token_count(point.context),
          batch,       none,
          none,        none,
          none,        none,
          none,        Cell(with_notes("does not fit: " + point.limit, point), Style::bad)};
}

// Behind the speed-up, where there are draws.
constexpr int kRankPlace = 5;

Table table_of(std::vector<Column> columns, bool ranked) {
  if (ranked) columns.insert(columns.begin() + kRankPlace, Column{"rank"});
  return Table(std::move(columns));
}

Table points_table(bool ranked) {
  return table_of({{"method"},
                   {"context", Align::right},
                   {"batch"},
                   {"tokens/s", Align::right},
                   {"speed-up", Align::right},
                   {"TPOT ms", Align::right},
                   {"TTFT s", Align::right},
                   {"GPU idle", Align::right},
                   {"CPU ratio", Align::right},
                   {"limited by"}},
                  ranked);
}

std::string parts_text(const PointResult& point) {
  return point.parts.empty() ? kNone
                             : fmt::format("{} {}", point.parts.front().name, percent(point.parts.front().share));
}

std::vector<Cell> training_row(const RunReport& report, const PointResult& point) {
  const std::string sequences =
      point.micro_batches == 1 ? batch_text(point) : fmt::format("{} × {}", point.micro_batches, batch_text(point));
  return {point.label,
          token_count(point.context),
          sequences,
          with_draws(report, point, {"tokens_per_s", tokens_text(point)}),
          speedup_text(report, point),
          tpot_text(report, point),
          fmt::format("{:.1f} %", 100.0 * point.facts.training.cost),
          idle_text(report, point),
          parts_text(point),
          with_notes(plain_causes(point.causes), point)};
}

// What a step of training costs is its arithmetic beside that of 16 bits.
Table training_table(bool ranked) {
  return table_of({{"method"},
                   {"tokens", Align::right},
                   {"batch"},
                   {"tokens/s", Align::right},
                   {"speed-up", Align::right},
                   {"step ms", Align::right},
                   {"FLOP cost", Align::right},
                   {"GPU idle", Align::right},
                   {"bound by"},
                   {"limited by"}},
                  ranked);
}

Cell verdict_cell(const ClaimResult& claim) {
  const Style style = !claim.available || claim.claim.input ? Style::dim : claim.holds ? Style::good : Style::bad;
  return {verdict(claim), style};
}

// What is held against the 20 %.
std::string tested_text(const ClaimResult& result) {
  if (!result.available) return kNone;
  return signed_percent(result.tested_difference) + (result.of_gain ? " of gain" : "");
}

std::string predicted_text(const ClaimResult& result) {
  if (!result.available) return kNone;
  const auto written = [](double value) { return significant(value, 3); };
  return with_interval(written(result.predicted), result.interval, written);
}

std::vector<Cell> claim_row(const ClaimResult& result) {
  const std::string note = result.note.empty() ? "" : fmt::format(" ({})", result.note);
  return {result.claim.id,      predicted_text(result), claimed_text(result.claim), tested_text(result),
          verdict_cell(result), result.claim.certainty, result.claim.text + note};
}

// The meanings of the certainty letters that occur, in order of first occurrence.
std::string certainty_legend(const RunReport& report) {
  std::vector<std::string> seen, meanings;
  for (const ClaimResult& result : report.claims) {
    const std::string& letter = result.claim.certainty;
    if (std::find(seen.begin(), seen.end(), letter) != seen.end()) continue;
    seen.push_back(letter);
    const std::string meaning = certainty_meaning(letter);
    if (meaning != letter) meanings.push_back(fmt::format("{} {}", letter, meaning));
  }
  return meanings.empty() ? "" : "How sure the claimed figure is: " + join(meanings, ", ") + ".";
}

std::string claims_summary(const RunReport& report) {
  const auto count = [&](std::string_view word) {
    return std::count_if(report.claims.begin(), report.claims.end(),
                         [&](const ClaimResult& result) { return verdict(result) == word; });
  };
  const auto inputs = count("input");
  return fmt::format(
      "{} of {} claims hold, {} differ, {} not available{}. A claim without a bound holds where it is off by at most "
      "20 %: of the claimed figure, or, where it is a ratio of speeds, of the claimed gain over 1.",
      count("holds"), report.claims.size(), count("differs"), count("not available"),
      inputs > 0 ? fmt::format(", {} set inputs", inputs) : "");
}

}  // namespace

std::string provenance_text(const RunReport& report, const TableLook& look) {
  return heading(report.scenario, look) +
         paragraph(fmt::format("{} on {}{}", report.model, report.machine,
                               report.machine_changes.empty() ? "" : " (altered)"),
                   look) +
         paragraph(fmt::format("profile {} ({}), seed {}, outrider {}", report.profile, report.profile_kind,
                               report.seed, report.version),
                   look);
}

std::string caveats_text(const RunReport& report, const TableLook& look) {
  std::string result;
  for (const std::string& caveat : report.caveats) result += paragraph("Note: " + caveat, look);
  const std::string beyond = extrapolations_caveat(report);
  return beyond.empty() ? result : result + paragraph("Note: " + beyond, look);
}

std::string points_text(const RunReport& report, const TableLook& look) {
  std::string result;
  for (std::size_t i = 0; i < report.points.size();) {
    const std::string& workload = report.points[i].workload;
    const bool trains = report.points[i].kind == WorkloadKind::training;
    const bool ranked = !report.draws.empty();
    Table table = trains ? training_table(ranked) : points_table(ranked);
    result += (i == 0 ? "" : "\n") + heading(workload_title(report.points[i]), look);
    for (; i < report.points.size() && report.points[i].workload == workload; ++i) {
      const PointResult& point = report.points[i];
      std::vector<Cell> row = !point.fits ? unfitting_row(point)
                              : trains    ? training_row(report, point)
                                          : fitting_row(report, point);
      if (ranked) row.insert(row.begin() + kRankPlace, point.fits ? rank_text(rank_in_workload(report, point)) : kNone);
      table.add_row(std::move(row));
    }
    result += table.render(look);
  }
  return result;
}

std::string claims_text(const RunReport& report, const TableLook& look) {
  if (report.claims.empty()) return "";
  Table table({{"claim"},
               {"predicted", Align::right},
               {"paper", Align::right},
               {"off by"},
               {"verdict"},
               {"sure"},
               {"what is claimed"}});
  for (const ClaimResult& claim : report.claims) table.add_row(claim_row(claim));
  std::string result = heading("claims", look) + table.render(look) + paragraph(claims_summary(report), look);
  const std::string legend = certainty_legend(report);
  return legend.empty() ? result : result + paragraph(legend, look);
}

std::string report_text(const RunReport& report, const TableLook& look) {
  std::string result = provenance_text(report, look);
  for (const std::string& part : {points_text(report, look), claims_text(report, look), caveats_text(report, look)}) {
    if (!part.empty()) result += "\n" + part;
  }
  return result;
}

}  // namespace outrider
