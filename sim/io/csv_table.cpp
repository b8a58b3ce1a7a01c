// Reading of small CSV files.
#include "sim/io/csv_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <fstream>

namespace outrider {
namespace {

// Where each of `columns` stands in the header; nothing if one is missing.
std::optional<std::vector<std::size_t>> places_of(const std::vector<std::string>& columns,
                                                  const std::vector<std::string>& header) {
  std::vector<std::size_t> places;
  for (const std::string& column : columns) {
    const auto found = std::find(header.begin(), header.end(), column);
    if (found == header.end()) return std::nullopt;
    places.push_back(static_cast<std::size_t>(found - header.begin()));
  }
  return places;
}

bool next_line(std::ifstream& stream, std::string& line, int& number) {
  if (!std::getline(stream, line)) return false;
  if (!line.empty() && line.back() == '\r') line.pop_back();
  ++number;
  return true;
}

}  // namespace

std::vector<std::string> split_cells(std::string_view text, char separator) {
  std::vector<std::string> cells;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(separator, at), text.size());
    cells.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return cells;
}

std::optional<double> finite_number(std::string_view text) {
  double value = 0.0;
  return read_cell(text, value) && std::isfinite(value) ? std::optional(value) : std::nullopt;
}

std::optional<CsvTable> read_csv_table(const std::filesystem::path& file, const std::vector<std::string>& columns,
                                       ConfigErrors& errors, const std::vector<std::string>& optional) {
  const std::size_t before = errors.size();
  const auto refuse = [&](int line, std::string expected, const std::string& got) {
    errors.add({.file = file.string(), .line = line, .column = 1, .expected = std::move(expected), .got = got});
  };
  std::error_code ignored;
  std::ifstream stream(file);
  if (!std::filesystem::is_regular_file(file, ignored) || !stream) {
    errors.add({.file = file.string(), .expected = "a CSV file that can be read", .got = "none"});
    return std::nullopt;
  }
  CsvTable table;
  std::string line;
  int number = 0;
  bool more = next_line(stream, line, number);
  for (; more && line.starts_with('#'); more = next_line(stream, line, number)) table.comments.push_back(line);
  const std::vector<std::string> header = split_cells(more ? line : "", ',');
  const auto places = places_of(columns, header);
  if (!places) {
    refuse(std::max(number, 1), fmt::format("a header with the columns {}", fmt::join(columns, ", ")),
           more ? shortened(line) : "the end of the file");
    return std::nullopt;
  }
  while (next_line(stream, line, number)) {
    const std::vector<std::string> cells = split_cells(line, ',');
    if (cells.size() != header.size()) {
      refuse(number, fmt::format("{} columns as in the header", header.size()), shortened(line));
      continue;
    }
    CsvRow row{.line = number, .cells = {}};
    for (const std::size_t place : *places) row.cells.push_back(cells[place]);
    for (const std::string& column : optional) {
      const auto place = places_of({column}, header);
      row.cells.push_back(place ? cells[place->front()] : std::string());
    }
    table.rows.push_back(std::move(row));
  }
  if (errors.size() != before) return std::nullopt;
  return table;
}

}  // namespace outrider
