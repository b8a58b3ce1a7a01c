// Strict reading of small CSV files without quotes: comments on top, a header, then rows that know their lines.
#pragma once

#include <charconv>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
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
// Whether all of the text is a number.
template <class Number>
bool read_cell(std::string_view text, Number& number) {
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  return problem == std::errc() && end == text.data() + text.size();
}
// Nothing unless all of the text is a finite number.
std::optional<double> finite_number(std::string_view text);

// The file may have more columns than `columns`, which it must have, and `optional`, whose cells follow and are empty
// where it does not have them. Errors name file and line.
std::optional<CsvTable> read_csv_table(const std::filesystem::path& file, const std::vector<std::string>& columns,
                                       ConfigErrors& errors, const std::vector<std::string>& optional = {});

}  // namespace outrider
