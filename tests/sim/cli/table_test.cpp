// Aligned tables.
#include "sim/cli/table.h"

#include <gtest/gtest.h>

namespace outrider {
namespace {

TEST(Table, ColumnsAlignByDisplayWidth) {
  Table table({{"name"}, {"ratio", Align::right}, {"note"}});
  table.add_row({"scout", "5.10×", "a"});
  table.add_row({"模型", "1×", "b"});
  // Widths: name 5 ("scout"), ratio 5 ("ratio" and "5.10×": × is one column), two blanks between columns.
  EXPECT_EQ(table.render({}),
            "name   ratio  note\n"
            "scout  5.10×  a\n"
            "模型      1×  b\n");
}

TEST(Table, LinesHaveNoTrailingBlanks) {
  Table table({{"a"}, {"long heading"}});
  table.add_row({"x", ""});
  EXPECT_EQ(table.render({}), "a  long heading\nx\n");
}

TEST(Table, CellsCannotBreakTheLayout) {
  Table table({{"name"}, {"x"}});
  table.add_row({"evil\n\x1b[2J", "1"});
  // \n becomes 2 columns and ESC 4: "evil\n\x1b[2J" is 4 + 2 + 4 + 3 = 13 wide.
  EXPECT_EQ(table.render({}), "name           x\nevil\\n\\x1b[2J  1\n");
}

TEST(Table, TheLastColumnWrapsToTheWidth) {
  Table table({{"k"}, {"text"}});
  table.add_row({"a", "one two three four five six seven"});
  // The last column starts at 3 and has 27 − 3 = 24 columns: "one two three four five" is 23, adding " six" overflows.
  EXPECT_EQ(table.render({.width = 27}),
            "k  text\n"
            "a  one two three four five\n"
            "   six seven\n");
}

TEST(Table, TooNarrowATerminalDoesNotWrap) {
  Table table({{"k"}, {"text"}});
  table.add_row({"a", "one two three four five six seven"});
  EXPECT_EQ(table.render({.width = 20}), "k  text\na  one two three four five six seven\n");
}

TEST(Table, ColourDoesNotChangeTheAlignment) {
  Table table({{"a"}, {"b"}});
  table.add_row({Cell("x", Style::good), "y"});
  table.add_row({"long", "z"});
  EXPECT_EQ(table.render({.colour = true}),
            "\x1b[1ma\x1b[0m     \x1b[1mb\x1b[0m\n"
            "\x1b[32mx\x1b[0m     y\n"
            "long  z\n");
}

TEST(TableDeathTest, ARowOfAnotherLengthIsOurBug) {
  Table table({{"a"}, {"b"}});
  EXPECT_DEATH(table.add_row({"x"}), "a row of 1 cells in a table of 2 columns");
}

TEST(Wrapped, AWordLongerThanTheWidthGetsItsOwnLine) {
  EXPECT_EQ(wrapped("a verylongword b", 5), (std::vector<std::string>{"a", "verylongword", "b"}));
}

}  // namespace
}  // namespace outrider
