// Which design points a study has, and in which order.
#include "sim/study/sweep_space.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace outrider {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Values = std::vector<std::string>;

StudyBlock axis(const std::string& name, Values values) {
  return {.axes = {{.name = name}}, .cells = std::move(values)};
}

StudyFile study_of(std::vector<StudyBlock> blocks, const Values& conditions = {}) {
  StudyFile study;
  study.file = "s.yaml";
  study.blocks = std::move(blocks);
  for (const std::string& text : conditions) study.conditions.push_back({.text = text, .line = 7, .column = 3});
  return study;
}

std::vector<Values> points_of(const StudyFile& study) {
  ConfigErrors errors;
  const auto space = SweepSpace::of(study, errors);
  std::vector<Values> points;
  for (std::size_t i = 0; space && i < space->size(); ++i) points.push_back(space->values(i));
  return points;
}

std::string refusal(const StudyFile& study) {
  ConfigErrors errors;
  EXPECT_FALSE(SweepSpace::of(study, errors));
  return errors.empty() ? "" : to_string(errors.all().front());
}

TEST(SweepSpace, TheLastBlockChangesFastest) {
  const StudyFile study = study_of({axis("a", {"1", "2"}), axis("b", {"x", "y"})});
  EXPECT_THAT(points_of(study), ElementsAre(Values{"1", "x"}, Values{"1", "y"}, Values{"2", "x"}, Values{"2", "y"}));
}

TEST(SweepSpace, ConditionsChooseByNameOrLastWord) {
  const StudyFile study = study_of({axis("m.cpu.cores", {"8", "16", "32"}), axis("m.rate", {"100 GB/s", "200 GB/s"})},
                                   {"cores < 32 && m.cpu.cores * 10e9 <= rate"});
  EXPECT_THAT(points_of(study),
              ElementsAre(Values{"8", "100 GB/s"}, Values{"8", "200 GB/s"}, Values{"16", "200 GB/s"}));
}

TEST(SweepSpace, AWordThatSeveralPathsEndInNamesNone) {
  const auto blocks = std::vector<StudyBlock>{axis("a.x", {"1"}), axis("b.x", {"2"})};
  EXPECT_THAT(refusal(study_of(blocks, {"x > 0"})),
              HasSubstr("s.yaml:7:3: where[0]: expected a condition over a.x, b.x"));
  EXPECT_EQ(points_of(study_of(blocks, {"a.x < b.x"})).size(), 1u);
}

TEST(SweepSpace, RefusesConditionsThatCannotBeTold) {
  const auto blocks = std::vector<StudyBlock>{axis("a", {"1", "text"}), axis("b", {"2"})};
  EXPECT_THAT(refusal(study_of(blocks, {"a > 0"})),
              HasSubstr("expected a condition over numbers and quantities, got 'text'"));
  EXPECT_THAT(refusal(study_of(blocks, {"b >"})), HasSubstr("where[0]: expected a condition over a, b, got 'b >': "));
  EXPECT_THAT(refusal(study_of(blocks, {"b = 3"})), HasSubstr("where[0]"));
  EXPECT_THAT(refusal(study_of(blocks, {"b > 2"})), HasSubstr("conditions that some point fulfils"));
}

TEST(SweepSpace, RefusesMoreThanItCanNumber) {
  const Values thousand(1000, "1");
  EXPECT_THAT(refusal(study_of({axis("a", thousand), axis("b", thousand), axis("c", thousand)})),
              HasSubstr("at most 100000000 combinations"));
}

TEST(SweepSpace, RepresentativesHoldEveryValueThatSomePointHolds) {
  const StudyFile study = study_of({axis("a", {"1", "2", "3"}), axis("b", {"1", "2"})}, {"a + b < 5"});
  ConfigErrors errors;
  const auto space = SweepSpace::of(study, errors);
  ASSERT_TRUE(space);
  std::vector<Values> held;
  for (const std::size_t i : space->representatives()) held.push_back(space->values(i));
  EXPECT_THAT(held, ElementsAre(Values{"1", "1"}, Values{"1", "2"}, Values{"2", "1"}, Values{"3", "1"}));
}

}  // namespace
}  // namespace outrider
