// Colour and width follow the terminal, the flag and NO_COLOR; progress appears only where it helps.
#include "sim/cli/console.h"

#include <gtest/gtest.h>

#include "sim/cli/progress.h"

namespace outrider {
namespace {

Console terminal(std::optional<std::string> no_color) {
  Console console;
  console.out_is_terminal = true;
  console.width = 80;
  console.variable = [no_color](const std::string& name) { return name == "NO_COLOR" ? no_color : std::nullopt; };
  return console;
}

TEST(Look, IsColouredAndWrappedOnATerminal) {
  const TableLook look = look_of(terminal(std::nullopt), false);
  EXPECT_TRUE(look.colour);
  EXPECT_EQ(look.width, 80U);
}

TEST(Look, IsPlainAndUnwrappedElsewhere) {
  Console console = terminal(std::nullopt);
  console.out_is_terminal = false;
  EXPECT_FALSE(look_of(console, false).colour);
  EXPECT_EQ(look_of(console, false).width, 0U);
}

TEST(Look, ColourIsRefusedByFlagAndByNoColor) {
  EXPECT_FALSE(look_of(terminal(std::nullopt), true).colour);
  EXPECT_FALSE(look_of(terminal("1"), false).colour);
  EXPECT_TRUE(look_of(terminal(""), false).colour);  // no-color.org: only where it is not empty
}

TEST(Progress, IsSilentInTheFirstSecondAndOffATerminal) {
  for (const bool is_terminal : {false, true}) {
    Console console = terminal(std::nullopt);
    std::string text;
    console.error_is_terminal = is_terminal;
    console.error = [&text](std::string_view part) { text += part; };
    {
      Progress progress(console);
      progress.show(1, 2);
    }
    EXPECT_EQ(text, "");
  }
}

}  // namespace
}  // namespace outrider
