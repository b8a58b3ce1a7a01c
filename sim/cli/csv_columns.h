// A CSV table as a list of columns: each a heading, what it means, and how it is read off a row.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "sim/cli/report_csv.h"

namespace outrider {

inline std::string yes_no(bool value) { return value ? "true" : "false"; }
inline std::string count_or_none(std::int64_t value) { return value > 0 ? std::to_string(value) : std::string(); }

template <class Row>
struct CsvColumn {
  std::string heading, meaning;
  std::function<std::string(const Row&)> field;
};

// Of claims.csv.
std::vector<CsvColumn<ClaimResult>> claim_columns(const RunReport& report);

template <class Row>
std::string csv_table(const std::vector<CsvColumn<Row>>& columns, const std::vector<Row>& rows) {
  std::vector<std::string> fields;
  for (const auto& column : columns) fields.push_back(column.heading);
  std::string result = csv_line(fields);
  for (const Row& row : rows) {
    fields.clear();
    for (const auto& column : columns) fields.push_back(column.field(row));
    result += csv_line(fields);
  }
  return result;
}

template <class Row>
std::vector<CsvColumnInfo> infos_of(const std::vector<CsvColumn<Row>>& columns) {
  std::vector<CsvColumnInfo> infos;
  for (const auto& column : columns) infos.push_back({column.heading, column.meaning});
  return infos;
}

}  // namespace outrider
