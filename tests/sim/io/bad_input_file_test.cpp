// Files that are no documents: missing, empty, binary, too large, too deep, or bombs.
#include <gtest/gtest.h>

#include "sim/io/machine_reader.h"
#include "sim/io/scenario_reader.h"
#include "tests/sim/io/documents.h"

namespace outrider {
namespace {

struct BadFile {
  const char* name;
  std::string content;
  const char* message;
};
void PrintTo(const BadFile& file, std::ostream* out) { *out << file.name; }

std::string repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

// Ten lists of ten references each to the list before: 10^10 values, if anyone expanded them.
std::string alias_bomb() {
  std::string text = "a0: &a0 [x]\n";
  for (int i = 1; i <= 10; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    const std::string name = "a" + std::to_string(i);
    text += name + ": &" + name + " [" + before + repeated(", " + before, 9) + "]\n";
  }
  return text;
}

const BadFile kFiles[] = {
    {"Empty", "", "f.yaml:1:1: expected a mapping, got an empty document"},
    {"OnlyAComment", "# nothing\n", "f.yaml:1:1: expected a mapping, got an empty document"},
    {"RootIsAList", "- a\n- b\n", "f.yaml:1:1: expected a mapping, got a list"},
    {"RootIsAText", "hello\n", "f.yaml:1:1: expected a mapping, got 'hello'"},
    {"NulByte", std::string("name: a\0b\n", 10), "f.yaml:1:8: expected text, got a NUL byte"},
    {"Latin1", "name: caf\xe9\n", "f.yaml:1:10: expected UTF-8 text, got the byte 0xe9"},
    {"OverlongUtf8", "name: \xc0\xaf\n", "f.yaml:1:7: expected UTF-8 text, got the byte 0xc0"},
    {"Surrogate", "name: \xed\xa0\x80\n", "f.yaml:1:7: expected UTF-8 text, got the byte 0xed"},
    {"UnclosedText", "name: 'a\n", "f.yaml: ~ "},
    {"AliasBomb", alias_bomb(), "f.yaml:1:5: a0: expected a document without anchors, got an anchor"},
    {"AliasToNothing", "name: *nobody\n", "f.yaml:1: ~ "},
    {"DeepBrackets", repeated("[", 40), "f.yaml:1:33: expected at most 32 levels, got deeper nesting"},
    {"DeepIndentation", repeated("- ", 40) + "1\n", "f.yaml: ~ expected at most 32 levels, got deeper nesting"},
    {"ManyBrackets", repeated("[", 1 << 20), "f.yaml:1:33: expected at most 32 levels, got deeper nesting"},
    {"TenMegabytesOfBrackets", repeated("[", 10'000'000), "f.yaml: expected at most 1048576 bytes, got more"},
    {"OneByteTooMany", "#" + repeated("x", 1 << 20), "f.yaml: expected at most 1048576 bytes, got more"},
    {"TooManyValues", "a: [" + repeated("1,", 100'001) + "1]\n", "f.yaml: ~ expected at most 100000 values, got more"},
};

class BadFileTest : public testing::TestWithParam<BadFile> {};

TEST_P(BadFileTest, IsRefusedAtOnceByEveryReader) {
  const Scratch scratch;
  const auto file = scratch.write("f.yaml", GetParam().content);
  ConfigErrors machine, scenario;
  EXPECT_FALSE(read_machine(file, machine).has_value());
  EXPECT_FALSE(read_scenario({.file = file, .library = shipped_scenarios()}, {}, scenario).has_value());
  for (const ConfigErrors* errors : {&machine, &scenario}) {
    const std::vector<std::string> lines = scratch.messages(*errors);
    ASSERT_FALSE(lines.empty());
    EXPECT_TRUE(fits(lines.front(), GetParam().message)) << lines.front() << "\nexpected: " << GetParam().message;
  }
}

std::string name_of(const testing::TestParamInfo<BadFile>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(All, BadFileTest, testing::ValuesIn(kFiles), name_of);

TEST(BadPath, AMissingFileIsNamed) {
  const Scratch scratch;
  ConfigErrors errors;
  EXPECT_FALSE(read_machine(scratch.folder() / "none.yaml", errors).has_value());
  expect_messages(scratch.messages(errors), {"none.yaml: expected a file, got nothing at that path"});
}

TEST(BadPath, AFolderIsNoFile) {
  const Scratch scratch;
  std::filesystem::create_directory(scratch.folder() / "f.yaml");
  ConfigErrors errors;
  EXPECT_FALSE(read_machine(scratch.folder() / "f.yaml", errors).has_value());
  expect_messages(scratch.messages(errors), {"f.yaml: expected a file, got a folder"});
}

TEST(BadPath, ADeviceIsNoFile) {
  ConfigErrors errors;
  EXPECT_FALSE(read_machine("/dev/zero", errors).has_value());
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(to_string(errors.all()[0]), "/dev/zero: expected a file, got a device, pipe or socket");
}

// A file of nonsense: as many mistakes as lines, of which the first 200 are shown and the rest counted.
TEST(BadPath, ThousandsOfMistakesAreCountedRatherThanListed) {
  const Scratch scratch;
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "key" + std::to_string(i) + ": 1\n";
  ConfigErrors errors;
  EXPECT_FALSE(read_machine(scratch.write("f.yaml", text), errors).has_value());
  EXPECT_GE(errors.size(), 5000u);
  EXPECT_EQ(errors.all().size(), kMaxErrorsKept + 1);
  EXPECT_EQ(errors.all().back().expected, "at most 200 mistakes");
}

}  // namespace
}  // namespace outrider
