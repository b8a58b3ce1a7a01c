// Layout of tables: measure every column, pad by display width, wrap the last column.
#include "sim/cli/table.h"

#include <algorithm>
#include <utility>

#include "sim/base/check.h"
#include "sim/cli/format.h"

namespace outrider {
namespace {

constexpr std::size_t kGap = 2;
// Below this many columns a wrapped last column is harder to read than a long line.
constexpr std::size_t kNarrowest = 24;

std::string_view ansi_code(Style style) {
  switch (style) {
    case Style::plain:
      return "";
    case Style::bold:
      return "\x1b[1m";
    case Style::dim:
      return "\x1b[2m";
    case Style::good:
      return "\x1b[32m";
    case Style::bad:
      return "\x1b[31m";
  }
  return "";
}

struct Layout {
  const std::vector<Column>& columns;
  const std::vector<std::size_t>& widths;
  const TableLook& look;
  std::size_t last_starts = 0;  // display column at which the last cell starts
  std::size_t last_wraps = 0;   // its width before wrapping; 0: never
};

Layout lay_out(const std::vector<Column>& columns, const std::vector<std::size_t>& widths, const TableLook& look) {
  Layout layout{.columns = columns, .widths = widths, .look = look};
  layout.last_starts = display_width(look.indent);
  for (std::size_t i = 0; i + 1 < columns.size(); ++i) layout.last_starts += widths[i] + kGap;
  const bool wraps = columns.back().align == Align::left && look.width >= layout.last_starts + kNarrowest;
  if (wraps) layout.last_wraps = look.width - layout.last_starts;
  return layout;
}

std::string padded(const Layout& layout, std::size_t column, const std::string& text, Style style) {
  const std::size_t width = display_width(text);
  const std::string blanks(layout.widths[column] - std::min(width, layout.widths[column]), ' ');
  const std::string shown = styled(text, style, layout.look.colour);
  if (layout.columns[column].align == Align::right) return blanks + shown;
  return column + 1 == layout.columns.size() ? shown : shown + blanks;
}

std::string without_trailing_blanks(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

std::string render_row(const Layout& layout, const std::vector<Cell>& cells) {
  std::string line = layout.look.indent;
  for (std::size_t i = 0; i + 1 < cells.size(); ++i) {
    line += padded(layout, i, printable(cells[i].text), cells[i].style) + std::string(kGap, ' ');
  }
  const Cell& last = cells.back();
  const std::string text = printable(last.text);
  std::vector<std::string> parts{text};
  if (layout.last_wraps > 0) parts = wrapped(text, layout.last_wraps);
  std::string result;
  for (const std::string& part : parts) {
    result += without_trailing_blanks(line + padded(layout, cells.size() - 1, part, last.style)) + "\n";
    line.assign(layout.last_starts, ' ');
  }
  return result;
}

}  // namespace

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {
  CHECK(!columns_.empty(), "a table needs a column");
}

void Table::add_row(std::vector<Cell> cells) {
  CHECK(cells.size() == columns_.size(), "a row of {} cells in a table of {} columns", cells.size(), columns_.size());
  rows_.push_back(std::move(cells));
}

std::vector<std::size_t> Table::widths() const {
  std::vector<std::size_t> result;
  for (const Column& column : columns_) result.push_back(display_width(column.heading));
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) result[i] = std::max(result[i], display_width(printable(row[i].text)));
  }
  return result;
}

std::string Table::render(const TableLook& look) const {
  const std::vector<std::size_t> measured = widths();
  const Layout layout = lay_out(columns_, measured, look);
  std::vector<Cell> headings;
  for (const Column& column : columns_) headings.emplace_back(column.heading, Style::bold);
  std::string result = render_row(layout, headings);
  for (const auto& row : rows_) result += render_row(layout, row);
  return result;
}

std::string styled(const std::string& text, Style style, bool colour) {
  if (!colour || style == Style::plain || text.empty()) return text;
  return fmt::format("{}{}\x1b[0m", ansi_code(style), text);
}

std::vector<std::string> wrapped(const std::string& text, std::size_t width) {
  std::vector<std::string> lines{""};
  std::size_t at = 0;
  while (at <= text.size()) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string word = text.substr(at, end - at);
    const bool fits = lines.back().empty() || display_width(lines.back()) + 1 + display_width(word) <= width;
    if (!fits) lines.emplace_back();
    lines.back() += (lines.back().empty() ? "" : " ") + word;
    at = end + 1;
  }
  return lines;
}

}  // namespace outrider
