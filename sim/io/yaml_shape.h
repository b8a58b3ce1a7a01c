// What a place in a document may hold: the one description behind error messages and published schemas.
#pragma once

#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/io/quantities.h"

namespace outrider {

// A closed interval; the default takes all.
struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool contains(double value) const { return value >= low && value <= high; }
};
inline constexpr Range kPositive{std::numeric_limits<double>::min(), std::numeric_limits<double>::infinity()};
inline constexpr Range kNotNegative{0.0, std::numeric_limits<double>::infinity()};

// A reader that runs without a document notes here what it asks for; see Section::recording.
struct YamlShape {
  struct Member {
    std::string name;
    bool required = false;
    std::unique_ptr<YamlShape> shape;
  };

  std::vector<std::string> types{};  // of JSON: "string", "integer", "array", …; several where any of them will do
  std::string expected{};            // completes "expected …"
  std::string meaning{};
  std::string pattern{};                                   // of strings, a regular expression
  std::vector<std::string> choices{};                      // of strings; empty: any
  Range range{};                                           // of numbers
  std::vector<Member> members{};                           // of objects, which hold no others
  std::unique_ptr<YamlShape> items{};                      // of arrays
  std::size_t least_items = 1;                             // of arrays
  std::vector<std::unique_ptr<YamlShape>> alternatives{};  // one of these instead of all of the above

  YamlShape& member(std::string_view name, bool required);  // found or made
  // Says that this is what the place may hold; the second to say so makes both alternatives. Returns the place of
  // `shape`.
  YamlShape& allow(YamlShape shape);
};

YamlShape text_shape();
YamlShape name_shape();
YamlShape flag_shape();
YamlShape integer_shape(Range range);
YamlShape number_shape(Range range);
YamlShape token_count_shape(Range range);
YamlShape quantity_shape(Dimension dimension, Range range);
YamlShape choice_shape(std::vector<std::string> choices);
YamlShape list_shape(std::string expected);
YamlShape section_shape();

// As a JSON schema (draft 2020-12), with a final newline. The title names the file format.
std::string json_schema(const YamlShape& shape, std::string_view title);

}  // namespace outrider
