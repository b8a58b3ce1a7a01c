// Completion scripts: complete, and valid for the shells that are installed here.
#include "sim/cli/completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "sim/cli/command_table.h"

namespace outrider {
namespace {

using testing::HasSubstr;

class Completion : public testing::TestWithParam<std::string> {};

TEST_P(Completion, MentionsEveryCommandFlagAndChoice) {
  const std::string script = completion_script(GetParam());
  const std::string dashes = GetParam() == "fish" ? "-l " : "--";
  for (const CommandSpec& command : command_table()) {
    EXPECT_THAT(script, HasSubstr(command.name));
    for (const FlagSpec& flag : command.flags) EXPECT_THAT(script, HasSubstr(dashes + flag.name)) << command.name;
    for (const std::string& choice : command.operand.choices) EXPECT_THAT(script, HasSubstr(choice));
  }
  for (const FlagSpec& flag : program_flags()) EXPECT_THAT(script, HasSubstr(dashes + flag.name));
}

// The section of one command mentions exactly that command's flags.
TEST(CompletionBash, ACommandOffersItsOwnFlagsOnly) {
  const std::string script = completion_script("bash");
  const std::size_t begin = script.find("    schema)\n");
  ASSERT_NE(begin, std::string::npos);
  const std::string section = script.substr(begin, script.find(";;\n    completion)", begin) - begin);
  EXPECT_THAT(section, HasSubstr("compgen -W \"--help -h\""));
  EXPECT_THAT(section, HasSubstr("compgen -W \"scenario machine profile\""));
}

TEST_P(Completion, IsValidForItsShell) {
  const std::string shell = GetParam();
  if (std::system(("command -v " + shell + " >/dev/null 2>&1").c_str()) != 0)
    GTEST_SKIP() << shell << " is not installed";
  const auto file = std::filesystem::temp_directory_path() / ("outrider_completion_test_" + shell);
  std::ofstream(file) << completion_script(shell);
  EXPECT_EQ(std::system((shell + " -n '" + file.string() + "'").c_str()), 0);
  std::filesystem::remove(file);
}

TEST(CompletionBash, OffersCommandsAndFlagsWhenRun) {
  if (std::system("command -v bash >/dev/null 2>&1") != 0) GTEST_SKIP() << "bash is not installed";
  const auto file = std::filesystem::temp_directory_path() / "outrider_completion_test_run";
  std::ofstream(file) << completion_script("bash");
  const auto offers = [&](const std::string& words, int index) {
    const std::string line = "bash -c \"source '" + file.string() + "'; COMP_WORDS=(" + words +
                             "); COMP_CWORD=" + std::to_string(index) + "; _outrider; echo \\${COMPREPLY[*]}\"";
    FILE* pipe = popen(line.c_str(), "r");
    std::string text;
    for (int letter = std::fgetc(pipe); letter != EOF; letter = std::fgetc(pipe)) text += static_cast<char>(letter);
    pclose(pipe);
    return text;
  };
  EXPECT_EQ(offers("outrider ex", 1), "explain\n");
  EXPECT_EQ(offers("outrider run --th", 2), "--threads\n");
  EXPECT_EQ(offers("outrider list mo", 2), "models\n");
  EXPECT_EQ(offers("outrider run --seed 1", 3), "\n");  // a seed cannot be guessed
  std::filesystem::remove(file);
}

INSTANTIATE_TEST_SUITE_P(Shells, Completion, testing::Values("bash", "zsh", "fish"));

}  // namespace
}  // namespace outrider
