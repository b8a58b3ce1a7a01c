// Overrides placed in a document by index, label and new key; limits on what a document may hold.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/io/yaml_node.h"

namespace outrider {
namespace {

YamlNode document() {
  ConfigErrors errors;
  return *parse_yaml("methods: [scout, {label: other, method: hgca}]\nseed: 1\n", "f.yaml", errors);
}

const YamlNode& method(const YamlNode& root, std::size_t i) { return root.find("methods")->items[i]; }

TEST(Overrides, ReplaceAValue) {
  YamlNode root = document();
  ConfigErrors errors;
  assign(root, "seed", "7", errors);
  EXPECT_TRUE(errors.empty());
  EXPECT_EQ(root.find("seed")->text, "7");
  EXPECT_EQ(root.find("seed")->origin, "--set seed");
}

TEST(Overrides, FindAnElementByLabelAndMakeMapsOnTheWay) {
  YamlNode root = document();
  ConfigErrors errors;
  assign(root, "methods.other.set.cpu_tokens", "600", errors);
  EXPECT_TRUE(errors.empty());
  EXPECT_EQ(method(root, 1).find("set")->find("cpu_tokens")->text, "600");
}

TEST(Overrides, FindElementsByTheBracketsOfMessages) {
  YamlNode root = document();
  ConfigErrors errors;
  assign(root, "methods[1].set.cpu_tokens", "600", errors);
  assign(root, "methods[other].preset", "x", errors);
  assign(root, "methods[0]", "full_kv", errors);
  EXPECT_TRUE(errors.empty());
  EXPECT_EQ(method(root, 1).find("set")->find("cpu_tokens")->text, "600");
  EXPECT_EQ(method(root, 1).find("preset")->text, "x");
  EXPECT_EQ(method(root, 0).text, "full_kv");
}

TEST(Overrides, ValuesWithOpenBracketsAreToldFromQuotedOnes) {
  for (const auto& [value, message] : {std::pair{"[32K", "unclosed '['"},
                                       {"{a: [1, 2]", "unclosed '{'"},
                                       {"{a: ['[']}", ""},
                                       {"[\"]\", it's]", ""},
                                       {"a[", ""},
                                       {"[1, {b: 2}]", ""}}) {
    YamlNode root = document();
    ConfigErrors errors;
    assign(root, "seed", value, errors);
    EXPECT_EQ(errors.empty(), std::string(message).empty()) << value;
    if (!errors.empty()) { EXPECT_THAT(to_string(errors.all()[0]), testing::HasSubstr(message)); }
  }
}

TEST(Overrides, BracketsAreRefusedLikeIndices) {
  for (const char* path : {"methods[9].preset", "methods[].preset", "[0].x", "methods[0", "methods[0]x"}) {
    YamlNode root = document();
    ConfigErrors errors;
    assign(root, path, "x", errors);
    EXPECT_EQ(errors.empty(), std::string(path) == "methods[0") << path;
  }
}

TEST(Overrides, ABareNameBecomesAMappingOfItsMethod) {
  YamlNode root = document();
  ConfigErrors errors;
  assign(root, "methods.scout.preset", "sglang", errors);
  EXPECT_EQ(method(root, 0).find("method")->text, "scout");
  EXPECT_EQ(method(root, 0).find("preset")->text, "sglang");
}

TEST(Overrides, AnElementThatIsNotThereIsAnError) {
  YamlNode root = document();
  ConfigErrors errors;
  assign(root, "methods.9.preset", "x", errors);
  assign(root, "methods.nobody.preset", "x", errors);
  ASSERT_EQ(errors.size(), 2u);
  EXPECT_THAT(to_string(errors.all()[0]), testing::HasSubstr("expected an element of the list"));
}

TEST(YamlLimits, DuplicatesAnchorsTagsAndDepthAreRefused) {
  const std::pair<const char*, const char*> cases[] = {
      {"a: 1\na: 2\n", "f.yaml:2:1: a: expected each key once"},
      {"a: &x 1\n", "without anchors"},
      {"a: *x\n", "f.yaml:1:"},
      {"a: !!str 1\n", "without tags"},
      {"", "an empty document"},
      {"a: [1\n", "expected valid YAML, got an unclosed bracket '['"},
      {"a: {b: 1\n", "expected valid YAML, got an unclosed brace '{'"},
      {"\ta: 1\n", "f.yaml:1:1: expected spaces as indentation, got a tab"},
      {"a: 1\n---\nb: 2\n", "expected one document"},
  };
  for (const auto& [text, message] : cases) {
    ConfigErrors errors;
    EXPECT_FALSE(parse_yaml(text, "f.yaml", errors).has_value()) << text;
    ASSERT_FALSE(errors.empty()) << text;
    EXPECT_THAT(to_string(errors.all().front()), testing::HasSubstr(message)) << text;
  }
  ConfigErrors deep;
  std::string nested;
  for (int i = 0; i < 40; ++i) nested += "- ";
  EXPECT_FALSE(parse_yaml(nested + "1\n", "f.yaml", deep).has_value());
  EXPECT_THAT(to_string(deep.all().front()), testing::HasSubstr("at most 32 levels"));
  ConfigErrors brackets;
  EXPECT_FALSE(parse_yaml(std::string(500000, '['), "f.yaml", brackets).has_value());
  EXPECT_FALSE(brackets.empty());
}

}  // namespace
}  // namespace outrider
