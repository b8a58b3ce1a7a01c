// What the typed getters remember of what they refused.
#include "sim/io/yaml_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/io/config_messages.h"

namespace outrider {
namespace {

// Reads `value` as a number and says of it, as a reader of profiles does, that it is out of its interval.
std::vector<std::string> complaints(const std::string& text) {
  ConfigErrors errors;
  const std::optional<YamlNode> tree = parse_yaml(text, "p.yaml", errors);
  ReadContext context{"p.yaml", errors};
  Section root(*tree, "", context);
  root.number("value");
  root.complain("value", "a value from 1 to 2", "0");
  return messages(errors);
}

TEST(Section, AValueThatWasRefusedIsNotComplainedOfAgain) {
  EXPECT_THAT(complaints("value: abc149\n"), testing::ElementsAre(testing::HasSubstr("got 'abc149'")));
  EXPECT_THAT(complaints("value: [1]\n"), testing::ElementsAre(testing::HasSubstr("got a list")));
  EXPECT_THAT(complaints("value: 7\n"), testing::ElementsAre("p.yaml:1:8: value: expected a value from 1 to 2, got 0"));
}

}  // namespace
}  // namespace outrider
