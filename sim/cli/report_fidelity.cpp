// Layout of the tables and columns of `fidelity`.
#include "sim/cli/report_fidelity.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/cli/csv_columns.h"
#include "sim/cli/format.h"

namespace outrider {
namespace {

const char* const kNone = "–";

std::vector<std::string> head_names(const FidelityReport& report) {
  std::vector<std::string> names;
  for (const HeadRow& row : report.heads) {
    if (std::find(names.begin(), names.end(), row.asked.name) == names.end()) names.push_back(row.asked.name);
  }
  return names;
}

std::string title(const FidelityReport& report, const TableLook& look) {
  const std::string text = fmt::format("Synthetic heads, no model: study {}, {} of each class, {} steps, seed {}",
                                       report.study, report.seeds, report.steps, report.seed);
  return styled(printable(text), Style::bold, look.colour) + "\n";
}

std::string heads_table(const FidelityReport& report, const TableLook& look) {
  Table table({{"head"},
               {"context", Align::right},
               {"sinks", Align::right},
               {"recent", Align::right},
               {"top 20 %", Align::right},
               {"entropy", Align::right},
               {"step cosine", Align::right},
               {"turnover", Align::right}});
  for (const HeadRow& row : report.heads) {
    table.add_row({row.asked.name, token_count(row.context),
                   fmt::format("{} ({})", percent(row.shown.sink_share), percent(row.asked.sink_share)),
                   fmt::format("{} ({})", percent(row.shown.recent_share), percent(row.asked.recent_share)),
                   percent(row.shown.top_20_percent), significant(row.shown.entropy, 2),
                   significant(row.shown.step_cosine, 2), percent(row.shown.block_turnover)});
  }
  return table.render(look) +
         "Shares of attention as drawn (as asked for): on sinks, of the rest on the last 256 tokens, on the fifth with "
         "most; entropy 1 is\nuniform; turnover of the 1/16 of the blocks with most mass.\n";
}

std::string spread_text(const Spread& spread) {
  return fmt::format("{} ±{}", significant(100.0 * spread.mean, 3),
                     significant(50.0 * (spread.most - spread.least), 2));
}

// Rows of one method and budget stand together: by context, then method, then budget, then head.
std::vector<const FidelityRow*> of_same(const FidelityReport& report, const FidelityRow& first) {
  std::vector<const FidelityRow*> rows;
  for (const FidelityRow& row : report.rows) {
    if (row.label == first.label && row.context == first.context && row.budget == first.budget) rows.push_back(&row);
  }
  return rows;
}

std::string errors_table(const FidelityReport& report, std::int64_t context, const TableLook& look) {
  const std::vector<std::string> names = head_names(report);
  std::vector<Column> columns = {
      {"method"}, {"budget", Align::right}, {"KV read", Align::right}, {"index read", Align::right}};
  for (const std::string& name : names) columns.push_back({name, Align::right});
  for (const std::string& name : names) columns.push_back({name, Align::right});
  Table table(columns);
  for (const FidelityRow& row : report.rows) {
    if (row.context != context || row.head != names.front()) continue;
    const std::vector<const FidelityRow*> same = of_same(report, row);
    double kv = 0.0, index = 0.0;
    for (const FidelityRow* each : same) {
      kv += (each->kv_bytes + each->state_bytes) / static_cast<double>(same.size());
      index += each->index_bytes / static_cast<double>(same.size());
    }
    std::vector<Cell> cells = {row.label, token_count(row.budget), byte_count(Bytes(kv)), byte_count(Bytes(index))};
    for (const FidelityRow* each : same) cells.emplace_back(spread_text(each->error));
    for (const FidelityRow* each : same) cells.emplace_back(significant(100.0 * each->mass.mean, 3));
    table.add_row(std::move(cells));
  }
  return styled(fmt::format("Context {}", token_count(context)), Style::bold, look.colour) + "\n" + table.render(look);
}

using Rows = std::vector<CsvColumn<FidelityRow>>;

void add_provenance(auto& columns, const FidelityReport& report) {
  columns.push_back({"data", "synthetic: no model was run", [](const auto&) { return std::string("synthetic"); }});
  columns.push_back({"study", "name of the study", [name = report.study](const auto&) { return name; }});
  columns.push_back(
      {"seed", "of all random streams", [seed = report.seed](const auto&) { return fmt::format("{}", seed); }});
  columns.push_back({"seeds", "heads of each class and context",
                     [seeds = report.seeds](const auto&) { return fmt::format("{}", seeds); }});
  columns.push_back({"cpu_path", "of the kernels", [path = report.path](const auto&) { return path; }});
}

Rows columns_of_rows(const FidelityReport& report) {
  Rows columns;
  add_provenance(columns, report);
  const auto number = [&columns](const char* heading, const char* meaning, auto read) {
    columns.push_back({heading, meaning, [read](const FidelityRow& row) { return exact(read(row)); }});
  };
  columns.push_back({"label", "of the study's method", [](const FidelityRow& row) { return row.label; }});
  columns.push_back({"method", "the approximation", [](const FidelityRow& row) { return row.method; }});
  columns.push_back({"head", "class of heads", [](const FidelityRow& row) { return row.head; }});
  columns.push_back({"context", "tokens", [](const FidelityRow& row) { return fmt::format("{}", row.context); }});
  columns.push_back({"budget", "tokens; the context where every token is read",
                     [](const FidelityRow& row) { return fmt::format("{}", row.budget); }});
  number("error", "‖output − exact‖ ÷ ‖exact‖, mean over seeds, steps and query heads",
         [](const FidelityRow& row) { return row.error.mean; });
  number("error_least", "that of the seed with the least", [](const FidelityRow& row) { return row.error.least; });
  number("error_most", "that of the seed with the most", [](const FidelityRow& row) { return row.error.most; });
  number("mass", "attention on tokens attended with their own K and V, mean",
         [](const FidelityRow& row) { return row.mass.mean; });
  number("mass_least", "that of the seed with the least", [](const FidelityRow& row) { return row.mass.least; });
  number("mass_most", "that of the seed with the most", [](const FidelityRow& row) { return row.mass.most; });
  number("tokens", "attended for a KV head, by any of its query heads",
         [](const FidelityRow& row) { return row.tokens; });
  number("kv_bytes", "read of chosen tokens, per step and KV head",
         [](const FidelityRow& row) { return row.kv_bytes; });
  number("state_bytes", "read of summaries and estimates, within the budget",
         [](const FidelityRow& row) { return row.state_bytes; });
  number("index_bytes", "read to choose", [](const FidelityRow& row) { return row.index_bytes; });
  number("predicted_share", "of the chosen tokens, attended with a predicted query",
         [](const FidelityRow& row) { return row.predicted_share; });
  return columns;
}

std::vector<CsvColumn<HeadRow>> columns_of_heads(const FidelityReport& report) {
  std::vector<CsvColumn<HeadRow>> columns;
  add_provenance(columns, report);
  columns.push_back({"head", "class of heads", [](const HeadRow& row) { return row.asked.name; }});
  columns.push_back({"context", "tokens", [](const HeadRow& row) { return fmt::format("{}", row.context); }});
  const auto asked = [&columns](const char* heading, const char* meaning, double HeadClass::*value) {
    columns.push_back({heading, meaning, [value](const HeadRow& row) { return exact(row.asked.*value); }});
  };
  const auto shown = [&columns](const char* heading, const char* meaning, double HeadStatistics::*value) {
    columns.push_back({heading, meaning, [value](const HeadRow& row) { return exact(row.shown.*value); }});
  };
  asked("asked_sink_share", "of the attention, on the first four tokens", &HeadClass::sink_share);
  asked("asked_recent_share", "of the rest, on the last 256 tokens", &HeadClass::recent_share);
  asked("spread", "standard deviation of logits from content", &HeadClass::spread);
  shown("sink_share", "as drawn, mean over seeds, steps and query heads", &HeadStatistics::sink_share);
  shown("recent_share", "likewise", &HeadStatistics::recent_share);
  shown("top_20_percent", "attention on the fifth of the tokens with most", &HeadStatistics::top_20_percent);
  shown("below_percent_of_most", "share of tokens below 1 % of the largest probability",
        &HeadStatistics::below_percent_of_most);
  shown("entropy", "÷ ln context: 1 is uniform", &HeadStatistics::entropy);
  shown("step_cosine", "of queries of adjacent steps", &HeadStatistics::step_cosine);
  shown("block_turnover", "of the 1/16 of the blocks of 32 with most attention, new since the step before",
        &HeadStatistics::block_turnover);
  columns.push_back({"source", "of what was asked for", [](const HeadRow& row) { return row.asked.source; }});
  return columns;
}

// A point and one head class; `figures` is null where there are none.
struct SpeedLine {
  const PointResult* point = nullptr;
  const FidelityRow* figures = nullptr;
};

std::vector<CsvColumn<SpeedLine>> columns_of_speed(const FidelityReport& report) {
  std::vector<CsvColumn<SpeedLine>> columns;
  add_provenance(columns, report);
  columns.push_back({"label", "as in the scenario", [](const SpeedLine& line) { return line.point->label; }});
  columns.push_back({"method", "likewise", [](const SpeedLine& line) { return line.point->method; }});
  columns.push_back({"workload", "likewise", [](const SpeedLine& line) { return line.point->workload; }});
  columns.push_back(
      {"context", "tokens", [](const SpeedLine& line) { return fmt::format("{}", line.point->context); }});
  columns.push_back(
      {"batch", "of each GPU", [](const SpeedLine& line) { return fmt::format("{}", line.point->batch); }});
  columns.push_back(
      {"tokens_per_s", "predicted, of all GPUs; empty where the point does not fit",
       [](const SpeedLine& line) { return line.point->fits ? exact(line.point->tokens_per_s) : std::string(); }});
  const auto figure = [&columns](const char* heading, const char* meaning, auto read) {
    columns.push_back({heading, meaning, [read](const SpeedLine& line) {
                         return line.figures == nullptr ? std::string() : read(*line.figures);
                       }});
  };
  figure("head", "class of synthetic heads; empty where the method has no approximation here",
         [](const FidelityRow& row) { return row.head; });
  figure("budget", "tokens", [](const FidelityRow& row) { return fmt::format("{}", row.budget); });
  figure("error", "as in fidelity.csv", [](const FidelityRow& row) { return exact(row.error.mean); });
  figure("error_least", "likewise", [](const FidelityRow& row) { return exact(row.error.least); });
  figure("error_most", "likewise", [](const FidelityRow& row) { return exact(row.error.most); });
  figure("mass", "likewise", [](const FidelityRow& row) { return exact(row.mass.mean); });
  figure("bytes", "read per step and KV head, index included",
         [](const FidelityRow& row) { return exact(row.bytes()); });
  return columns;
}

}  // namespace

std::string fidelity_text(const FidelityReport& report, const TableLook& look) {
  std::string result = title(report, look) + heads_table(report, look);
  std::vector<std::int64_t> contexts;
  for (const HeadRow& row : report.heads) {
    if (contexts.empty() || contexts.back() != row.context) contexts.push_back(row.context);
  }
  for (const std::int64_t context : contexts) result += "\n" + errors_table(report, context, look);
  return result +
         "By head class: first the relative output error in percent, ± half the range over seeds; then the percent of "
         "the attention's mass on\ntokens attended with their own K and V. Bytes per step, KV head and sequence. "
         "Synthetic data: compare methods, predict no accuracy.\n";
}

std::string speed_text(const std::vector<SpeedRow>& rows, const FidelityReport& report, const TableLook& look) {
  const std::vector<std::string> names = head_names(report);
  std::vector<Column> columns = {{"method"},
                                 {"context", Align::right},
                                 {"batch", Align::right},
                                 {"tokens/s", Align::right},
                                 {"budget", Align::right}};
  for (const std::string& name : names) columns.push_back({name, Align::right});
  Table table(columns);
  for (const SpeedRow& row : rows) {
    std::vector<Cell> cells = {row.point.label, token_count(row.point.context), fmt::format("{}", row.point.batch),
                               row.point.fits ? significant(row.point.tokens_per_s, 4) : "does not fit",
                               row.fidelity.empty() ? kNone : token_count(row.fidelity.front().budget)};
    for (std::size_t i = 0; i < names.size(); ++i)
      cells.emplace_back(i < row.fidelity.size() ? spread_text(row.fidelity[i].error) : kNone);
    table.add_row(std::move(cells));
  }
  return title(report, look) + table.render(look) +
         "Predicted tokens per second, and by head class the relative output error in percent, ± half the range over "
         "seeds, on synthetic heads\nof that context and the budget in tokens of the scenario's method; – where "
         "fidelity has no such method.\n";
}

std::string fidelity_csv(const FidelityReport& report) { return csv_table(columns_of_rows(report), report.rows); }
std::string heads_csv(const FidelityReport& report) { return csv_table(columns_of_heads(report), report.heads); }

std::string speed_csv(const std::vector<SpeedRow>& rows, const FidelityReport& report) {
  std::vector<SpeedLine> lines;
  for (const SpeedRow& row : rows) {
    if (row.fidelity.empty()) lines.push_back({.point = &row.point});
    for (const FidelityRow& each : row.fidelity) lines.push_back({.point = &row.point, .figures = &each});
  }
  return csv_table(columns_of_speed(report), lines);
}

std::vector<CsvColumnInfo> fidelity_columns() { return infos_of(columns_of_rows({})); }
std::vector<CsvColumnInfo> heads_columns() { return infos_of(columns_of_heads({})); }
std::vector<CsvColumnInfo> speed_columns() { return infos_of(columns_of_speed({})); }

}  // namespace outrider
