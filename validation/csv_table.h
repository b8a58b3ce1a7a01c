// Strict reading of small CSV files without quotes: comments on top, a header, then rows that know their lines.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/io/errors.h"

namespace outrider {

struct CsvRow {
  int line = 0;
  std::vector<std::string> cells;  // of the columns asked for, in that order
};

struct CsvTable {
  std::vector<std::string> comments;  // lines above the header that begin with '#'; the first is line 1
  std::vector<CsvRow> rows;
};

std::vector<std::string> split_cells(std::string_view text, char separator);
// Nothing unless all of the text is a finite number.
std::optional<double> finite_number(std::string_view text);

// The file may have more columns than `columns`. Errors name file and line.
std::optional<CsvTable> read_csv_table(const std::filesystem::path& file, const std::vector<std::string>& columns,
                                       ConfigErrors& errors);

}  // namespace outrider
