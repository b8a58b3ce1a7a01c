// Rows travel as fields between control characters; only here do they become CSV and SQL.
#include "sim/cli/report_sweep.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <set>

#include "sim/base/check.h"
#include "sim/cli/format.h"
#include "sim/cli/point_columns.h"
#include "sim/io/atomic_file.h"
#include "sim/io/csv_table.h"
#include "sim/io/quantities.h"
#include "sim/study/simulate.h"
#include "sim/study/sqlite.h"

namespace outrider {
namespace {

constexpr char kUseEnd = '\x1d';  // between the uses of resources, which are one field

// Whose values are texts; all others are numbers.
bool is_text(std::string_view heading) {
  constexpr std::array<std::string_view, 17> kTexts = {
      "model",    "machine",    "profile", "profile_kind",    "workload",   "kind",
      "label",    "method",     "preset",  "automatic_batch", "fits",       "limit",
      "bound_by", "limited_by", "notes",   "extrapolated",    "fingerprint"};
  return std::find(kTexts.begin(), kTexts.end(), heading) != kTexts.end();
}

const PointColumns& identity_columns() {
  static const PointColumns columns = [] {
    PointColumns made;
    add_identity(made);
    return made;
  }();
  return columns;
}

const PointColumns& figure_columns() {
  static const PointColumns columns = [] {
    PointColumns made;
    for (const auto add : {add_throughput, add_times, add_facts, add_training, add_ledger, add_memory, add_remarks})
      add(made);
    return made;
  }();
  return columns;
}

const std::vector<CsvColumnInfo>& provenance_columns() {
  static const std::vector<CsvColumnInfo> columns = {
      {"model", "its name"},
      {"machine", "its name; what was varied in it is among the axes"},
      {"profile", "name of the coefficient profile"},
      {"profile_kind", "assumed, fitted (on this machine) or transferred (from another, or before it was altered)"},
      {"seed", "of all random choices"}};
  return columns;
}

// A field of a row: without what ends fields, rows and lines.
std::string field_of(std::string text) {
  for (char& letter : text) letter = static_cast<unsigned char>(letter) < 0x20 ? ' ' : letter;
  return text;
}

std::string fields_of(const PointColumns& columns, const PointResult& result) {
  std::string fields;
  for (const auto& column : columns) {
    if (!fields.empty() || &column != &columns.front()) fields += kFieldEnd;
    fields += field_of(column.field(result));
  }
  return fields;
}

struct Axis {
  std::string name;
  bool is_number = false;
  std::function<std::string(const std::string&)> shown;
};

std::optional<std::string> base_units(const std::string& text, Dimension dimension) {
  const std::optional<double> value = parse_quantity(text, dimension);
  return value ? std::optional(exact(*value)) : std::nullopt;
}

std::optional<std::string> plain_number(const std::string& text) {
  if (parse_number(text)) return text;
  const std::optional<std::int64_t> tokens = parse_token_count(text);
  return tokens ? std::optional(fmt::format("{}", *tokens)) : std::nullopt;
}

// The first way to read numbers that suits all values of an axis.
Axis axis_of(const StudyBlock& block, std::size_t column) {
  using Reading = std::function<std::optional<std::string>(const std::string&)>;
  std::vector<Reading> readings = {plain_number};
  for (const Dimension dimension : {Dimension::bytes, Dimension::bytes_per_second, Dimension::flops_per_second,
                                    Dimension::seconds, Dimension::hertz})
    readings.push_back([dimension](const std::string& text) { return base_units(text, dimension); });
  const std::string& name = block.axes[column].name;
  for (const Reading& reading : readings) {
    bool all = true;
    for (std::size_t row = 0; row < block.rows() && all; ++row)
      all = reading(block.cells[row * block.axes.size() + column]).has_value();
    if (all) return {name, true, [reading](const std::string& text) { return *reading(text); }};
  }
  return {name, false, [](const std::string& text) { return text; }};
}

// All rows of a sweep in the order of the design, field by field.
class SweepRows {
 public:
  explicit SweepRows(const SweepTables& tables);

  const std::vector<std::string>& headings() const { return headings_; }
  bool is_number(std::size_t column) const { return is_number_[column]; }
  template <class Take>
  void each(const Take& take) const;

 private:
  void split(const std::string& row, std::vector<std::string>& fields) const;

  const SweepTables& tables_;
  std::vector<Axis> axes_;
  std::vector<std::string> headings_;
  std::vector<bool> is_number_;
  std::map<std::string, std::size_t, std::less<>> uses_;  // places of the columns of resources
};

// Of each row of each record.
template <class Take>
void each_record_row(const SweepTables& tables, const Take& take) {
  for (std::size_t point = 0; point < tables.space.size(); ++point) {
    for (const std::string& row : split_cells(tables.journal.record(point), kRowEnd)) take(point, row);
  }
}

std::string_view uses_in(std::string_view row) { return row.substr(row.rfind(kFieldEnd) + 1); }

SweepRows::SweepRows(const SweepTables& tables) : tables_(tables) {
  const auto add = [this](std::string heading, bool number) {
    headings_.push_back(std::move(heading));
    is_number_.push_back(number);
  };
  add("point", true);
  for (const StudyBlock& block : tables.study.blocks) {
    for (std::size_t column = 0; column < block.axes.size(); ++column) {
      axes_.push_back(axis_of(block, column));
      add(axes_.back().name, axes_.back().is_number);
    }
  }
  for (const CsvColumnInfo& column : sweep_columns()) {
    if (column.heading != "point") add(column.heading, !is_text(column.heading));
  }
  std::set<std::string, std::less<>> resources;
  each_record_row(tables, [&](std::size_t, const std::string& row) {
    for (const std::string& use : split_cells(uses_in(row), kUseEnd)) {
      if (!use.empty()) resources.insert(use.substr(0, use.find('=')));
    }
  });
  for (const std::string& heading : resources) {
    uses_[heading] = headings_.size();
    add(heading, true);
  }
}

void SweepRows::split(const std::string& row, std::vector<std::string>& fields) const {
  std::vector<std::string> given = split_cells(row, kFieldEnd);
  const std::string uses = std::move(given.back());
  given.pop_back();
  std::move(given.begin(), given.end(), std::back_inserter(fields));
  CHECK(fields.size() + uses_.size() == headings_.size(), "{} fields and {} uses for {} columns", fields.size(),
        uses_.size(), headings_.size());
  fields.resize(headings_.size());
  for (const std::string& use : split_cells(uses, kUseEnd)) {
    if (!use.empty()) fields[uses_.at(use.substr(0, use.find('=')))] = use.substr(use.find('=') + 1);
  }
}

template <class Take>
void SweepRows::each(const Take& take) const {
  std::vector<std::string> fields;
  each_record_row(tables_, [&](std::size_t point, const std::string& row) {
    fields = {fmt::format("{}", point + 1)};
    const std::vector<std::string> values = tables_.space.values(point);
    for (std::size_t axis = 0; axis < axes_.size(); ++axis) fields.push_back(axes_[axis].shown(values[axis]));
    split(row, fields);
    take(fields);
  });
}

std::string quoted(const std::string& name) {
  std::string text = "\"";
  for (const char letter : name) text += letter == '"' ? std::string("\"\"") : std::string(1, letter);
  return text + "\"";
}

void write_rows(const SweepRows& rows, SqliteDatabase& database) {
  std::string columns, places;
  for (std::size_t i = 0; i < rows.headings().size(); ++i) {
    columns +=
        fmt::format("{}{} {}", i == 0 ? "" : ", ", quoted(rows.headings()[i]), rows.is_number(i) ? "NUMERIC" : "TEXT");
    places += i == 0 ? "?" : ", ?";
  }
  database.execute(fmt::format("CREATE TABLE rows({})", columns));
  SqliteStatement insert(database, fmt::format("INSERT INTO rows VALUES({})", places));
  rows.each([&](const std::vector<std::string>& fields) {
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const int parameter = static_cast<int>(i) + 1;
      fields[i].empty() ? insert.bind_null(parameter) : insert.bind_text(parameter, fields[i]);
    }
    insert.step();
    insert.reset();
  });
}

void write_meanings(const SweepTables& tables, const SweepRows& rows, SqliteDatabase& database) {
  std::map<std::string, std::string> meanings;
  for (const CsvColumnInfo& column : sweep_columns()) meanings[column.heading] = column.meaning;
  for (const std::string& axis : tables.space.axes()) meanings[axis] = "varied by the study, in base units";
  database.execute("CREATE TABLE columns(name TEXT, meaning TEXT)");
  SqliteStatement insert(database, "INSERT INTO columns VALUES(?, ?)");
  for (const std::string& heading : rows.headings()) {
    const auto meaning = meanings.find(heading);
    insert.bind_text(1, heading);
    insert.bind_text(2, meaning == meanings.end() ? "share of what the resource achieves" : meaning->second);
    insert.step();
    insert.reset();
  }
  database.execute("CREATE TABLE study(name TEXT, description TEXT, design_points INTEGER, version TEXT)");
  SqliteStatement about(database, "INSERT INTO study VALUES(?, ?, ?, ?)");
  about.bind_text(1, tables.study.name);
  about.bind_text(2, tables.study.description);
  about.bind_integer(3, static_cast<std::int64_t>(tables.space.size()));
  about.bind_text(4, tables.version);
  about.step();
}

}  // namespace

std::string sweep_identity(const DesignPoint& point, const PlannedPoint& plan) {
  const Scenario& scenario = point.scenario;
  std::string fields;
  for (const std::string& text : {scenario.model.name, scenario.machine.name, point.profile.name,
                                  std::string(to_string(point.profile.kind)), fmt::format("{}", scenario.seed)})
    fields += field_of(text) + kFieldEnd;
  return fields + fields_of(identity_columns(), row_of(plan, scenario));
}

std::string sweep_figures(const PointResult& result) {
  std::string fields = fields_of(figure_columns(), result) + kFieldEnd;
  for (const Utilisation& use : result.utilisations) {
    if (&use != &result.utilisations.front()) fields += kUseEnd;
    fields += use_heading(use.resource) + "=" + exact(use.share);
  }
  return fields;
}

void write_sweep_csv(const SweepTables& tables, const std::filesystem::path& file) {
  const SweepRows rows(tables);
  AtomicFile atomic(file);
  std::ofstream stream(atomic.temporary(), std::ios::binary);
  stream << csv_line(rows.headings());
  rows.each([&](const std::vector<std::string>& fields) { stream << csv_line(fields); });
  stream.close();
  if (!stream) throw std::runtime_error(fmt::format("cannot write {}: {}", file.string(), std::strerror(errno)));
  atomic.commit();
}

void write_sweep_sqlite(const SweepTables& tables, const std::filesystem::path& file) {
  const SweepRows rows(tables);
  AtomicFile atomic(file);
  std::filesystem::remove(atomic.temporary());  // of a killed process of that number
  {
    SqliteDatabase database(atomic.temporary().string());
    database.execute("PRAGMA journal_mode=OFF");
    database.execute("PRAGMA synchronous=OFF");
    database.execute("BEGIN");
    write_rows(rows, database);
    write_meanings(tables, rows, database);
    database.execute("COMMIT");
  }
  atomic.commit();
}

std::vector<CsvColumnInfo> sweep_columns() {
  std::vector<CsvColumnInfo> columns = {{"point", "number of the design point; its rows have the same axes"}};
  const auto add = [&columns](const std::vector<CsvColumnInfo>& more) {
    columns.insert(columns.end(), more.begin(), more.end());
  };
  add(provenance_columns());
  add(infos_of(identity_columns()));
  add(infos_of(figure_columns()));
  return columns;
}

}  // namespace outrider
