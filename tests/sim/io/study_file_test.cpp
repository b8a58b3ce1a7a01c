// Studies as files: what each way to vary means, and what is refused where.
#include "sim/io/study_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "sim/io/study_ranges.h"
#include "tests/sim/io/config_messages.h"
#include "tests/sim/io/documents.h"

namespace outrider {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Cells = std::vector<std::string>;

StudyFile read(const std::string& text) {
  const Scratch scratch;
  ConfigErrors errors;
  auto study = read_study(scratch.write("study.yaml", "name: s\nscenario: x\n" + text), errors);
  EXPECT_THAT(messages(errors), testing::IsEmpty());
  return study.value_or(StudyFile());
}

std::vector<std::string> refusals(const std::string& text) {
  const Scratch scratch;
  ConfigErrors errors;
  EXPECT_FALSE(read_study(scratch.write("study.yaml", "name: s\nscenario: x\n" + text), errors));
  std::vector<std::string> lines = messages(errors);
  for (std::string& line : lines) line.erase(0, line.find("study.yaml"));
  return lines;
}

TEST(StudyRanges, StepsIncludeBothEnds) {
  EXPECT_EQ(values_of(*parse_range("8..32 step 8")), (Cells{"8", "16", "24", "32"}));
  EXPECT_EQ(values_of(*parse_range("0.1..0.4 step 0.1")), (Cells{"0.1", "0.2", "0.3", "0.4"}));
  EXPECT_EQ(values_of(*parse_range("1 GB/s..2 GB/s step 0.5 GB/s")), (Cells{"1 GB/s", "1.5 GB/s", "2 GB/s"}));
  EXPECT_EQ(values_of(*parse_range("8..31 step 8")), (Cells{"8", "16", "24"}));
}

TEST(StudyRanges, RefuseWhatIsNone) {
  for (const char* text : {"8", "8..", "..8", "8..8", "9..8", "1 GB/s..2", "1 GB/s..2 MB/s", "8..16 step 0",
                           "8..16 step 1 GB/s", "8..16 step", "0..8 log", "1..8 step 2 log", "a..b"})
    EXPECT_FALSE(parse_range(text)) << text;
}

TEST(StudyRanges, SharesReachFromLowToHigh) {
  const ValueRange whole = *parse_range("8..11"), ratio = *parse_range("1 GB/s..16 GB/s log");
  EXPECT_EQ(value_at(whole, 0.0), "8");
  EXPECT_EQ(value_at(whole, 0.74), "10");  // four whole numbers, each a quarter
  EXPECT_EQ(value_at(whole, 0.999), "11");
  EXPECT_EQ(value_at(ratio, 0.5), "4 GB/s");
}

TEST(Study, AGridIsABlockForEachAxis) {
  const StudyFile study = read("grid: {a.b: [1, x], c: 8..16 step 8}\n");
  ASSERT_EQ(study.blocks.size(), 2u);
  EXPECT_EQ(study.blocks[0].axes[0].name, "a.b");
  EXPECT_EQ(study.blocks[0].cells, (Cells{"1", "x"}));
  EXPECT_EQ(study.blocks[1].cells, (Cells{"8", "16"}));
}

TEST(Study, LevelsSetWhatTheyList) {
  const StudyFile study = read("grid:\n  link:\n    slow: {m.a: 1, m.b: [2, 3]}\n    fast: {m.a: 4}\n");
  const auto slow = settings_of(study, study.blocks[0], 0);
  ASSERT_EQ(slow.size(), 2u);
  EXPECT_EQ(slow[1].path, "m.b");
  EXPECT_EQ(slow[1].value, "[2, 3]");
  EXPECT_THAT(slow[1].origin, HasSubstr("study.yaml:5"));
  EXPECT_EQ(study.blocks[0].cells, (Cells{"slow", "fast"}));
}

TEST(Study, ZippedAxesMoveTogetherAndListsArePoints) {
  const StudyFile study = read("zip: {a: [1, 2], b: [x, y]}\nlist: [{c: 1, d: 2}, {d: 4, c: 3}]\n");
  EXPECT_EQ(study.blocks[0].cells, (Cells{"1", "x", "2", "y"}));
  EXPECT_EQ(study.blocks[1].cells, (Cells{"1", "2", "3", "4"}));
}

TEST(Study, ALatinHypercubeHasOnePointInEachPartOfEachAxis) {
  const StudyFile study = read("latin_hypercube: {points: 16, seed: 3, over: {a: 0..15, b: 1.0..17.0}}\n");
  std::set<std::string> a;
  std::set<int> b;
  for (std::size_t row = 0; row < 16; ++row) {
    a.insert(study.blocks[0].cells[2 * row]);
    b.insert(static_cast<int>(std::stod(study.blocks[0].cells[2 * row + 1])));
  }
  EXPECT_EQ(a.size(), 16u);
  EXPECT_EQ(b.size(), 16u);
}

TEST(Study, SamplesDependOnTheSeedAndThePathOnly) {
  const auto cells = [](const std::string& over, int seed) {
    return read("random: {points: 3, seed: " + std::to_string(seed) + ", over: {" + over + "}}\n").blocks[0].cells;
  };
  const Cells alone = cells("a: 0.5..9", 1), beside = cells("b: 0.5..9, a: 0.5..9", 1);
  EXPECT_THAT(alone, ElementsAre(beside[1], beside[3], beside[5]));
  EXPECT_NE(alone, cells("a: 0.5..9", 2));
  EXPECT_NE(alone, cells("b: 0.5..9", 1));
}

TEST(Study, MistakesNameTheirPlace) {
  EXPECT_THAT(refusals(""), ElementsAre(HasSubstr("expected something to vary: grid, zip, list")));
  EXPECT_THAT(refusals("gird: {a: [1]}\ngrid: {a: [1]}\n"), ElementsAre(HasSubstr("study.yaml:3:1: gird: expected")))
      << "a typo";
  EXPECT_THAT(refusals("grid:\n  a: 8..16\n"),
              ElementsAre(HasSubstr("study.yaml:4:6: grid.a: expected a list of values, a range with a step")));
  EXPECT_THAT(refusals("zip: {a: [1, 2], b: [1]}\n"),
              ElementsAre(HasSubstr("zip.b: expected as many values as 'a': 2")));
  EXPECT_THAT(refusals("grid: {a: [1]}\nzip: {a: [1]}\n"), ElementsAre(HasSubstr("zip.a: expected each axis once")));
  EXPECT_THAT(refusals("list: [{a: 1}, {b: 1}]\n"), ElementsAre(HasSubstr("list[1]: expected 'a', as in list[0]")));
  EXPECT_THAT(refusals("random: {points: 0, over: {a: 1..2}}\n"), ElementsAre(HasSubstr("random.points: expected")));
  EXPECT_THAT(refusals("random: {points: 2, over: {a: [1, 2]}}\n"),
              ElementsAre(HasSubstr("random.over.a: expected a range without a step")));
  EXPECT_THAT(refusals("grid: {a: [1]}\nwhere: [[1]]\n"), ElementsAre(HasSubstr("where[0]: expected a condition")));
}

TEST(FlowText, ReadsBackAsTheSameTree) {
  for (const char* text : {"[1, -2, a b, 25 GB/s]", "{a: {value: 1, source: \"x: y, 'z'\"}, b: [], c: {}}", "-0.5",
                           "\"8\"", "\"\"", "~", "a-b", "\"- a\"", "\"line\\nnext \\\\ \\\"quoted\\\"\"", "8K"}) {
    ConfigErrors errors;
    const auto tree = parse_yaml(text, "t", errors);
    ASSERT_TRUE(tree) << text;
    const auto again = parse_yaml(flow_text(*tree), "t", errors);
    ASSERT_TRUE(again) << flow_text(*tree);
    EXPECT_EQ(flow_text(*again), flow_text(*tree));
    EXPECT_EQ(again->text, tree->text);
    EXPECT_EQ(again->quoted, tree->quoted) << text;
    EXPECT_EQ(again->items.size(), tree->items.size());
  }
}

}  // namespace
}  // namespace outrider
