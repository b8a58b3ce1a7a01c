// The list of knobs, and the page about them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>

#include "sim/cli/commands.h"

namespace outrider {
namespace {

using testing::HasSubstr;

std::string printed(const ListRequest& request) {
  std::string text;
  Console console;
  console.out = [&](std::string_view part) { text += part; };
  console.variable = [](const std::string&) { return std::optional<std::string>(); };
  EXPECT_EQ(list_command(request, console), 0);
  return text;
}

TEST(ListKnobs, ThePageOnComposingNamesThemAll) {
  std::ifstream file(std::filesystem::path(OUTRIDER_SOURCE_DIR) / "COMPOSING.md");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  const std::string table = printed({.what = "knobs", .no_colour = true});
  const auto json = nlohmann::json::parse(printed({.what = "knobs", .json = true}));
  EXPECT_GT(json.size(), 20u);
  for (const auto& knob : json) {
    const auto name = knob["name"].get<std::string>();
    EXPECT_THAT(table, HasSubstr("\n" + name + " "));
    EXPECT_THAT(page, HasSubstr("`" + name + "`"));
    for (const auto& choice : knob["choices"])
      EXPECT_THAT(page, HasSubstr("`" + choice.get<std::string>() + "`")) << name;
  }
}

TEST(ListKnobs, TheMethodBehindThemIsNoSystem) {
  EXPECT_EQ(printed({.what = "methods", .names = true}).find("composed"), std::string::npos);
  EXPECT_THAT(printed({.what = "methods", .no_colour = true}), HasSubstr("outrider list knobs"));
}

}  // namespace
}  // namespace outrider
