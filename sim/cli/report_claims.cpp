// Rows of the card.
#include "sim/cli/report_claims.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "sim/cli/csv_columns.h"
#include "sim/cli/format.h"
#include "sim/cli/report_intervals.h"
#include "sim/cli/report_json.h"
#include "sim/cli/report_rows.h"
#include "sim/cli/report_text.h"

namespace outrider {
namespace {

using Json = nlohmann::ordered_json;

const char* const kNone = "–";

// A claim with what was tried for it.
struct Line {
  const ClaimResult* result;
  const CardRow* row;

  const TriedAssumption* deciding() const { return row->deciding ? &row->tried[*row->deciding] : nullptr; }
};

std::vector<Line> lines_of(const ClaimCard& card) {
  std::vector<Line> lines;
  for (std::size_t i = 0; i < card.rows.size(); ++i) lines.push_back({&card.report.claims[i], &card.rows[i]});
  return lines;
}

double ratio_of(const ClaimResult& result) { return result.predicted / result.claim.value; }

bool is_not_simulated(const ClaimResult& result) { return result.claim.metric == "not_simulated"; }

std::string card_verdict(const ClaimResult& result) {
  return is_not_simulated(result) ? "not simulated" : verdict(result);
}

std::string figure(double value) { return significant(value, 3); }

std::string ratio_text(const ClaimResult& result) {
  return result.available && result.claim.value != 0.0 ? times(ratio_of(result)) : kNone;
}

std::string assumption_text(const TriedAssumption& tried) {
  return fmt::format("{} = {}: {}, {}", tried.assumption.path, tried.assumption.value, figure(tried.result.predicted),
                     verdict(tried.result));
}

// Why the prediction is where it is.
std::string basis_text(const Line& line) {
  std::vector<std::string> parts;
  if (line.row->range)
    parts.push_back(fmt::format("over unknowns {} to {}", figure(line.row->range->low), figure(line.row->range->high)));
  if (const TriedAssumption* deciding = line.deciding()) {
    parts.push_back("nearest with " + assumption_text(*deciding));
  } else if (!line.result->holds && !line.result->claim.input && !is_not_simulated(*line.result)) {
    parts.push_back(fmt::format("none of {} assumptions moves it nearer", line.row->tried.size()));
  }
  if (!line.result->available) parts.push_back(line.result->note);
  return join(parts, "; ");
}

std::string predicted_text(const ClaimResult& result) {
  return result.available ? with_interval(figure(result.predicted), result.interval, figure) : kNone;
}

Style style_of(const ClaimResult& result) {
  if (!result.available || result.claim.input) return Style::dim;
  return result.holds ? Style::good : Style::bad;
}

std::size_t count_of(const std::vector<ClaimCard>& cards, std::string_view wanted) {
  std::size_t count = 0;
  for (const ClaimCard& card : cards) {
    for (const ClaimResult& result : card.report.claims) count += card_verdict(result) == wanted ? 1 : 0;
  }
  return count;
}

std::string summary(const std::vector<ClaimCard>& cards) {
  std::size_t all = 0;
  for (const ClaimCard& card : cards) all += card.rows.size();
  return fmt::format(
      "{} claims of {} scenarios: {} hold, {} differ, {} have no prediction, {} set inputs, {} are not simulated. A "
      "claim without a bound holds where it is off by at most 20 %: of the claimed figure, or, where it is a ratio of "
      "speeds, of the claimed gain over 1. Assumptions are varied one at a time; assumptions.csv has all.",
      all, cards.size(), count_of(cards, "holds"), count_of(cards, "differs"), count_of(cards, "not available"),
      count_of(cards, "input"), count_of(cards, "not simulated"));
}

std::string predicted_heading(const std::vector<ClaimCard>& cards) {
  const bool drawn =
      std::any_of(cards.begin(), cards.end(), [](const ClaimCard& c) { return !c.report.draws.empty(); });
  return drawn ? "predicted (P5–P95)" : "predicted";
}

std::string in_markdown(std::string text) {
  text = printable(text);
  for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.insert(at, "\\");
  return text;
}

Json tried_json(const TriedAssumption& tried) {
  const ClaimResult& result = tried.result;
  return {{"path", tried.assumption.path},
          {"value", tried.assumption.value},
          {"why", tried.assumption.why},
          {"unknown", tried.assumption.unknown},
          {"predicted", result.available ? Json(result.predicted) : Json(nullptr)},
          {"verdict", verdict(result)},
          {"note", result.note}};
}

Json line_json(const Line& line) {
  Json json = claim_json(*line.result);
  const bool compared = line.result->available && line.result->claim.value != 0.0;
  json["ratio"] = compared ? Json(ratio_of(*line.result)) : Json(nullptr);
  json["unknown_range"] = line.row->range ? Json{line.row->range->low, line.row->range->high} : Json(nullptr);
  json["deciding"] = line.row->deciding ? Json(*line.row->deciding) : Json(nullptr);
  json["tried"] = Json::array();
  for (const TriedAssumption& tried : line.row->tried) json["tried"].push_back(tried_json(tried));
  return json;
}

using LineColumns = std::vector<CsvColumn<Line>>;

// Those of claims.csv, then the card's own.
LineColumns line_columns(const RunReport& report) {
  LineColumns columns;
  for (CsvColumn<ClaimResult>& column : claim_columns(report)) {
    columns.push_back(
        {column.heading, column.meaning, [read = column.field](const Line& l) { return read(*l.result); }});
  }
  const auto add = [&](const char* heading, const char* meaning, auto read) {
    columns.push_back({heading, meaning, read});
  };
  add("ratio", "predicted ÷ claimed", [](const Line& l) {
    return l.result->available && l.result->claim.value != 0.0 ? exact(ratio_of(*l.result)) : std::string();
  });
  add("unknown_low", "least of what is predicted over the conditions that the source leaves open; empty: none stated",
      [](const Line& l) { return l.row->range ? exact(l.row->range->low) : std::string(); });
  add("unknown_high", "greatest likewise",
      [](const Line& l) { return l.row->range ? exact(l.row->range->high) : std::string(); });
  add("assumptions_tried", "values tried in place of what the scenario takes, one at a time",
      [](const Line& l) { return fmt::format("{}", l.row->tried.size()); });
  const auto add_deciding = [&](const char* heading, const char* meaning, auto read) {
    add(heading, meaning,
        [read](const Line& l) { return l.deciding() == nullptr ? std::string() : read(*l.deciding()); });
  };
  using T = const TriedAssumption&;
  add_deciding("deciding_path",
               "of a claim that does not hold: the assumption that moves it most towards what is claimed",
               [](T t) { return t.assumption.path; });
  add_deciding("deciding_value", "its value", [](T t) { return t.assumption.value; });
  add_deciding("deciding_predicted", "what comes out with it", [](T t) { return exact(t.result.predicted); });
  add_deciding("deciding_verdict", "likewise", [](T t) { return verdict(t.result); });
  return columns;
}

// One row of assumptions.csv.
struct TriedLine {
  Line line;
  const TriedAssumption* tried;
};

std::vector<CsvColumn<TriedLine>> tried_columns(const RunReport& report) {
  std::vector<CsvColumn<TriedLine>> columns;
  const auto add = [&](const char* heading, const char* meaning, auto read) {
    columns.push_back({heading, meaning, read});
  };
  using T = const TriedLine&;
  add("scenario", "its name", [name = report.scenario](T) { return name; });
  add("id", "of the claim", [](T t) { return t.line.result->claim.id; });
  add("path", "of what is varied, as of --set", [](T t) { return t.tried->assumption.path; });
  add("value", "in place of what the scenario takes", [](T t) { return t.tried->assumption.value; });
  add("kind", "unknown: the source leaves it open; parameter: of a method, of certainty I or R",
      [](T t) { return std::string(t.tried->assumption.unknown ? "unknown" : "parameter"); });
  add("why", "it is plausible, or what the parameter is", [](T t) { return t.tried->assumption.why; });
  add("claimed", "the published figure", [](T t) { return exact(t.line.result->claim.value); });
  add("predicted", "with it; empty where not available",
      [](T t) { return t.tried->result.available ? exact(t.tried->result.predicted) : std::string(); });
  add("verdict", "with it", [](T t) { return verdict(t.tried->result); });
  add("deciding", "true: of all that were tried for the claim, it moves it most towards what is claimed",
      [](T t) { return std::string(t.line.deciding() == t.tried ? "true" : "false"); });
  add("note", "the rows that it was read from, or why there is no figure", [](T t) { return t.tried->result.note; });
  return columns;
}

std::vector<TriedLine> tried_lines(const ClaimCard& card) {
  std::vector<TriedLine> rows;
  for (const Line& line : lines_of(card)) {
    for (const TriedAssumption& tried : line.row->tried) rows.push_back({line, &tried});
  }
  return rows;
}

std::string without_header(const std::string& csv) { return csv.substr(csv.find('\n') + 1); }

// One table of all scenarios under one header.
template <class ColumnsOf, class RowsOf>
std::string joined_csv(const std::vector<ClaimCard>& cards, const ColumnsOf& columns_of, const RowsOf& rows_of) {
  using Row = typename decltype(rows_of(cards.front()))::value_type;
  std::string csv = csv_table<Row>(columns_of(RunReport{}), {});
  for (const ClaimCard& card : cards) csv += without_header(csv_table<Row>(columns_of(card.report), rows_of(card)));
  return csv;
}

}  // namespace

std::string card_text(const std::vector<ClaimCard>& cards, const TableLook& look) {
  std::string result;
  for (const ClaimCard& card : cards) {
    Table table({{"claim"},
                 {"claimed", Align::right},
                 {predicted_heading(cards), Align::right},
                 {"ratio", Align::right},
                 {"sure"},
                 {"verdict"},
                 {"what it rests on"}});
    for (const Line& line : lines_of(card)) {
      const ClaimResult& claim = *line.result;
      table.add_row({claim.claim.id, claimed_text(claim.claim), predicted_text(claim), ratio_text(claim),
                     claim.claim.certainty, Cell(card_verdict(claim), style_of(claim)), basis_text(line)});
    }
    result += provenance_text(card.report, look) + table.render(look) + "\n";
  }
  for (const std::string& text : wrapped(summary(cards), look.width == 0 ? std::string::npos : look.width))
    result += text + "\n";
  return result;
}

std::string card_markdown(const std::vector<ClaimCard>& cards) {
  std::string text = "# Reproduction card\n\n" + summary(cards) + "\n";
  for (const ClaimCard& card : cards) {
    const RunReport& about = card.report;
    text += fmt::format("\n## {}\n\n{} on {}, profile {} ({}), seed {}, outrider {}\n\n", in_markdown(about.scenario),
                        in_markdown(about.model), in_markdown(about.machine), in_markdown(about.profile),
                        about.profile_kind, about.seed, about.version);
    text += fmt::format("| claim | what is claimed | claimed | {} | ratio | sure | verdict | what it rests on |\n",
                        predicted_heading(cards));
    text += "|---|---|---|---|---|---|---|---|\n";
    for (const Line& line : lines_of(card)) {
      const ClaimResult& claim = *line.result;
      text += fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} |\n", in_markdown(claim.claim.id),
                          in_markdown(claim.claim.text), claimed_text(claim.claim), predicted_text(claim),
                          ratio_text(claim), claim.claim.certainty, card_verdict(claim), in_markdown(basis_text(line)));
    }
  }
  return text;
}

std::string card_csv(const std::vector<ClaimCard>& cards) { return joined_csv(cards, line_columns, lines_of); }

std::string assumptions_csv(const std::vector<ClaimCard>& cards) {
  return joined_csv(cards, tried_columns, tried_lines);
}

Json card_json(const std::vector<ClaimCard>& cards) {
  Json json = Json::array();
  for (const ClaimCard& card : cards) {
    Json& scenario = json.emplace_back(provenance_json(card.report));
    scenario["claims"] = Json::array();
    for (const Line& line : lines_of(card)) scenario["claims"].push_back(line_json(line));
  }
  return json;
}

std::vector<CsvColumnInfo> card_columns() { return infos_of(line_columns(RunReport{})); }
std::vector<CsvColumnInfo> assumptions_columns() { return infos_of(tried_columns(RunReport{})); }

}  // namespace outrider
