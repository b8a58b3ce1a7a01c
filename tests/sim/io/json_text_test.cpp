// Limits, syntax errors, duplicates and positions of JSON text.
#include "sim/io/json_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/sim/io/config_messages.h"

namespace outrider {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> refused(const std::string& text) {
  ConfigErrors errors;
  EXPECT_FALSE(parse_json(text, "f.json", errors).has_value());
  return messages(errors);
}

JsonText accepted(const std::string& text) {
  ConfigErrors errors;
  auto document = parse_json(text, "f.json", errors);
  EXPECT_TRUE(document.has_value());
  EXPECT_THAT(messages(errors), ElementsAre());
  return document ? *document : JsonText{.file = "", .text = "{}", .root = {}};
}

std::string nested(std::size_t levels) {  // the object is a level too
  return std::string("{\"a\": ").append(levels - 1, '[').append(levels - 1, ']').append("}");
}

TEST(JsonText, TruncatedTextIsReportedAtItsEnd) {
  EXPECT_THAT(refused("{\n  \"a\": 1,\n"),
              ElementsAre(HasSubstr("f.json:3:1: expected valid JSON, got unexpected end of input")));
}

TEST(JsonText, ATrailingCommaIsReportedWhereItHurts) {
  EXPECT_THAT(refused("{\n  \"a\": 1,\n}"),
              ElementsAre(HasSubstr("f.json:3:1: expected valid JSON, got unexpected '}'")));
}

TEST(JsonText, EmptyAndBinaryTextIsInvalid) {
  EXPECT_THAT(refused(""), ElementsAre(HasSubstr("f.json:1:1: expected valid JSON")));
  EXPECT_THAT(refused(std::string("\0\xff\xfe", 3)), ElementsAre(HasSubstr("expected valid JSON")));
  EXPECT_THAT(refused("{\"\xff\": 1}"), ElementsAre(HasSubstr("expected valid JSON")));
}

TEST(JsonText, TextAfterTheDocumentIsInvalid) {
  EXPECT_THAT(refused("{} {}"), ElementsAre(HasSubstr("f.json:1:4: expected valid JSON")));
}

TEST(JsonText, NumbersThatDoNotFitAreInvalid) {
  EXPECT_THAT(refused("{\"a\": 1e999}"), ElementsAre(HasSubstr("expected valid JSON")));
}

TEST(JsonText, TheRootMustBeAnObject) {
  EXPECT_THAT(refused("[1]"), ElementsAre(HasSubstr("f.json:1:1: expected a JSON object, got array")));
  EXPECT_THAT(refused("3"), ElementsAre(HasSubstr("expected a JSON object, got number")));
}

// {"a": takes six columns and is the first level; the 33rd level is the 32nd bracket.
TEST(JsonText, NestingIsAcceptedUpToTheLimitAndNoFurther) {
  accepted(nested(kMaxJsonDepth));
  EXPECT_THAT(refused(nested(kMaxJsonDepth + 1)),
              ElementsAre(HasSubstr("f.json:1:38: expected nesting of at most 32 levels, got more")));
}

TEST(JsonText, SizeIsAcceptedUpToTheLimitAndNoFurther) {
  accepted(std::string("{}").append(kMaxJsonBytes - 2, ' '));
  EXPECT_THAT(refused(std::string("{}").append(kMaxJsonBytes - 1, ' ')),
              ElementsAre(HasSubstr("f.json:1:1: expected at most 1048576 bytes, got more")));
}

TEST(JsonText, TenMegabytesOfBracketsAreRefusedWithoutHarm) {
  EXPECT_THAT(refused(std::string(10'000'000, '[')), ElementsAre(HasSubstr("expected at most 1048576 bytes")));
  EXPECT_THAT(refused(std::string(kMaxJsonBytes, '[')),
              ElementsAre(HasSubstr("f.json:1:33: expected nesting of at most 32")));
}

TEST(JsonText, DuplicateKeysAreAllNamedWithTheirFirstLine) {
  EXPECT_THAT(refused("{\"a\": 1,\n \"b\": [{\"c\": 1,\n  \"c\": 2}],\n\"a\": 1}"),
              ElementsAre(HasSubstr("f.json:3:3: b[0].c: expected each key once, got it again, first on line 2"),
                          HasSubstr("f.json:4:1: a: expected each key once, got it again, first on line 1")));
}

TEST(JsonText, OnlyTheFirstTwentyDuplicatesAreListed) {
  std::string text = "{\"a\": 0";
  for (int i = 0; i < 25; ++i) text += ", \"a\": 0";
  const std::vector<std::string> all = refused(text + "}");
  ASSERT_EQ(all.size(), 21U);
  EXPECT_THAT(all, testing::Contains(HasSubstr("got 5 more duplicates")));
}

TEST(JsonText, TheSameKeyInDifferentObjectsIsNoDuplicate) { accepted(R"({"a": {"a": 1}, "b": [{"a": 1}, {"a": 2}]})"); }

TEST(JsonText, PositionsAreThoseOfKeysAndElements) {
  const JsonText document = accepted("{\n  \"a\": {\n    \"b\": [10,\n 20, \"x\\\"y\", null, {\"c\": -1.5e3}]\n  }\n}");
  const auto at = [&](const char* path) {
    const TextPosition position = document.position_of(path);
    return std::to_string(position.line) + ":" + std::to_string(position.column);
  };
  EXPECT_EQ(at(""), "1:1");
  EXPECT_EQ(at("a"), "2:3");
  EXPECT_EQ(at("a.b"), "3:5");
  EXPECT_EQ(at("a.b[0]"), "3:11");
  EXPECT_EQ(at("a.b[1]"), "4:2");
  EXPECT_EQ(at("a.b[2]"), "4:6");
  EXPECT_EQ(at("a.b[3]"), "4:14");
  EXPECT_EQ(at("a.b[4]"), "4:20");
  EXPECT_EQ(at("a.b[4].c"), "4:21");
  EXPECT_EQ(at("a.missing"), "2:3");  // the object that lacks it
  EXPECT_EQ(at("missing"), "1:1");
}

TEST(JsonText, AKeyThatOnlyBeginsLikeTheOneSoughtIsNotIt) {
  const JsonText document = accepted("{\n\"ab\": 1,\n\"a\": 1}");
  EXPECT_EQ(document.position_of("a").line, 3);
}

}  // namespace
}  // namespace outrider
