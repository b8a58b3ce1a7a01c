// Aligned tables of text for a terminal, aware of UTF-8 widths; colour and wrapping are the caller's choice.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace outrider {

enum class Align { left, right };
enum class Style { plain, bold, dim, good, bad };

struct Column {
  std::string heading;
  Align align = Align::left;
};

struct Cell {
  std::string text;
  Style style = Style::plain;

  Cell(std::string content) : text(std::move(content)) {}  // NOLINT: rows are written as lists of texts
  Cell(const char* content) : text(content) {}             // NOLINT
  Cell(std::string content, Style look) : text(std::move(content)), style(look) {}
};

struct TableLook {
  bool colour = false;    // ANSI styles
  std::size_t width = 0;  // the last column wraps so that lines stay within it; 0: never
  std::string indent{};
};

// Cells are made printable (see printable()), columns are two spaces apart, lines have no trailing blanks.
class Table {
 public:
  explicit Table(std::vector<Column> columns);

  void add_row(std::vector<Cell> cells);  // CHECKs one cell per column
  bool empty() const { return rows_.empty(); }
  std::string render(const TableLook& look) const;

 private:
  std::vector<std::size_t> widths() const;

  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

// `text` between the ANSI codes of the style; unchanged without colour or in the plain style.
std::string styled(const std::string& text, Style style, bool colour);

// `text` broken at blanks into lines of at most `width` columns; a longer word gets its own line.
std::vector<std::string> wrapped(const std::string& text, std::size_t width);

}  // namespace outrider
