// CSV tables: a list of columns, each a heading, what it means and how it is read off a row.
#include "sim/cli/report_csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "sim/cli/csv_columns.h"
#include "sim/cli/format.h"
#include "sim/cli/point_columns.h"
#include "sim/cli/report_intervals.h"
#include "sim/cli/report_rows.h"

namespace outrider {
namespace {

template <class Row>
void add_provenance(std::vector<CsvColumn<Row>>& columns, const RunReport& report) {
  const auto add = [&columns](const char* heading, const char* meaning, const std::string& text) {
    columns.push_back({heading, meaning, [text](const Row&) { return text; }});
  };
  add("scenario", "its name", report.scenario);
  add("model", "its name", report.model);
  add("machine", "its name", report.machine);
  add("machine_changes", "figures in which it differs from the machine of that name, separated by bars; empty: none",
      join(report.machine_changes, " | "));
  add("profile", "name of the coefficient profile", report.profile);
  add("profile_kind", "assumed, fitted (on this machine) or transferred (from another, or before it was altered)",
      report.profile_kind);
  add("seed", "of all random choices", fmt::format("{}", report.seed));
  add("version", "of the program", report.version);
}

template <class Row>
void add_caveats(std::vector<CsvColumn<Row>>& columns, const RunReport& report) {
  const std::string text = join(report.caveats, " | ");
  columns.push_back(
      {"caveats", "what to bear in mind with every row, separated by bars", [text](const Row&) { return text; }});
}

using Point = PointResult;

// Resources in the order in which the rows first name them.
std::vector<std::string> resources_of(const RunReport& report) {
  std::vector<std::string> names;
  for (const Point& point : report.points) {
    for (const Utilisation& use : point.utilisations) {
      if (std::find(names.begin(), names.end(), use.resource) == names.end()) names.push_back(use.resource);
    }
  }
  return names;
}

void add_versus(PointColumns& columns, const RunReport& report) {
  columns.push_back({"baseline", "label of the row compared with: full_kv if it fits, else the first that fits",
                     [&report](const Point& p) {
                       const Point* baseline = baseline_of(report, p);
                       return baseline == nullptr ? std::string() : baseline->label;
                     }});
  columns.push_back({"versus_baseline", "ratio of tokens_per_s",
                     [&report](const Point& p) { return p.fits ? exact(versus_baseline(report, p)) : std::string(); }});
}

void add_utilisations(PointColumns& columns, const RunReport& report) {
  for (const std::string& name : resources_of(report)) {
    columns.push_back({use_heading(name), "", [name](const Point& p) {
                         const auto found = std::find_if(p.utilisations.begin(), p.utilisations.end(),
                                                         [&](const Utilisation& use) { return use.resource == name; });
                         return found == p.utilisations.end() ? std::string() : exact(found->share);
                       }});
  }
}

// Two columns for each figure, and two of the rank; none without draws.
void add_intervals(PointColumns& columns, const RunReport& report) {
  if (report.draws.empty()) return;
  const auto add = [&columns](const std::string& heading, auto read) {
    columns.push_back({heading, "", [read](const Point& p) { return p.fits ? read(p) : std::string(); }});
  };
  for (const FigureWithInterval& figure : figures_with_intervals()) {
    for (const auto& [end, side] : {std::pair{"_low", &Interval::low}, std::pair{"_high", &Interval::high}}) {
      add(figure.name + end, [&report, name = figure.name, member = side](const Point& p) {
        const std::optional<Interval> interval = interval_named(report, p, name);
        return interval ? exact((*interval).*member) : std::string();
      });
    }
  }
  add("rank_best", [&report](const Point& p) { return fmt::format("{}", rank_in_workload(report, p).best); });
  add("rank_worst", [&report](const Point& p) { return fmt::format("{}", rank_in_workload(report, p).worst); });
}

PointColumns fixed_columns(const RunReport& report) {
  PointColumns columns;
  add_provenance(columns, report);
  add_identity(columns);
  add_throughput(columns);
  add_versus(columns, report);
  add_times(columns);
  add_facts(columns);
  add_training(columns);
  add_ledger(columns);
  add_memory(columns);
  add_remarks(columns);
  add_caveats(columns, report);
  return columns;
}

using ClaimColumns = std::vector<CsvColumn<ClaimResult>>;

void add_claim(ClaimColumns& columns) {
  columns.push_back({"id", "as in the scenario", [](const ClaimResult& c) { return c.claim.id; }});
  columns.push_back({"claim", "what is claimed, in our words", [](const ClaimResult& c) { return c.claim.text; }});
  columns.push_back({"metric", "what is read off the rows", [](const ClaimResult& c) { return c.claim.metric; }});
  columns.push_back({"method", "label that it is about", [](const ClaimResult& c) { return c.claim.method; }});
  columns.push_back({"baseline", "label compared with", [](const ClaimResult& c) { return c.claim.baseline; }});
  columns.push_back({"workload", "that it is read from", [](const ClaimResult& c) { return c.claim.workload; }});
  columns.push_back({"context", "that it is read at; empty: any",
                     [](const ClaimResult& c) { return count_or_none(c.claim.context); }});
  columns.push_back({"batch", "that it is read at; empty: what memory holds",
                     [](const ClaimResult& c) { return count_or_none(c.claim.batch); }});
  columns.push_back({"relation", "equals, at_most or at_least", [](const ClaimResult& c) { return c.claim.relation; }});
  columns.push_back({"claimed", "the published figure", [](const ClaimResult& c) { return exact(c.claim.value); }});
}

void add_judgement(ClaimColumns& columns) {
  const auto figure = [](double ClaimResult::*value) {
    return [value](const ClaimResult& c) { return c.available ? exact(c.*value) : std::string(); };
  };
  columns.push_back(
      {"predicted", "the simulator's figure; empty where not available", figure(&ClaimResult::predicted)});
  columns.push_back({"predicted_low", "P5 of it over draws of the profile; empty without --uncertainty",
                     [](const ClaimResult& c) { return c.interval ? exact(c.interval->low) : std::string(); }});
  columns.push_back({"predicted_high", "P95 likewise",
                     [](const ClaimResult& c) { return c.interval ? exact(c.interval->high) : std::string(); }});
  columns.push_back({"holding_share", "share of those draws in which the claim holds",
                     [](const ClaimResult& c) { return c.holding_share ? exact(*c.holding_share) : std::string(); }});
  columns.push_back({"difference", "predicted ÷ claimed − 1", figure(&ClaimResult::difference)});
  columns.push_back({"tested_difference",
                     "what is held against 20 % where the relation is equals: difference, or of a ratio of speeds the "
                     "difference of the gains over 1, (predicted − 1) ÷ (claimed − 1) − 1",
                     figure(&ClaimResult::tested_difference)});
  columns.push_back({"verdict", "holds, differs, not available, or input (sets something: no test)",
                     [](const ClaimResult& c) { return verdict(c); }});
  columns.push_back({"rests_on_trend", "true where a row that it is read from has step times that trend",
                     [](const ClaimResult& c) { return yes_no(c.rests_on_trend); }});
  columns.push_back({"certainty", "of the claimed figure: P read in the source, S secondary, I inferred, R recalled",
                     [](const ClaimResult& c) { return c.claim.certainty; }});
  columns.push_back({"source", "where it is published", [](const ClaimResult& c) { return c.claim.source; }});
  columns.push_back({"conditions", "what the source says, and leaves unsaid, about them",
                     [](const ClaimResult& c) { return c.claim.conditions; }});
  columns.push_back({"note", "the rows that it was read from, or why there is no figure",
                     [](const ClaimResult& c) { return c.note; }});
}

}  // namespace

std::string csv_field(std::string_view text) {
  const bool blank_end = !text.empty() && (text.front() == ' ' || text.back() == ' ');
  if (!blank_end && text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string result = "\"";
  for (const char letter : text) {
    if (letter == '"') result += '"';
    result += letter;
  }
  return result + "\"";
}

std::string csv_line(const std::vector<std::string>& fields) {
  std::string result;
  for (std::size_t i = 0; i < fields.size(); ++i) result += (i == 0 ? "" : ",") + csv_field(fields[i]);
  return result + "\n";
}

std::string results_csv(const RunReport& report) {
  PointColumns columns = fixed_columns(report);
  add_utilisations(columns, report);
  add_intervals(columns, report);
  return csv_table(columns, report.points);
}

std::vector<CsvColumn<ClaimResult>> claim_columns(const RunReport& report) {
  ClaimColumns columns;
  add_provenance(columns, report);
  add_claim(columns);
  add_judgement(columns);
  add_caveats(columns, report);
  return columns;
}

std::string claims_csv(const RunReport& report) { return csv_table(claim_columns(report), report.claims); }

std::vector<CsvColumnInfo> results_columns() { return infos_of(fixed_columns({})); }

std::vector<CsvColumnInfo> claims_columns() { return infos_of(claim_columns({})); }

}  // namespace outrider
