// Ranges of values as study files write them: "8..128 step 8", "16 GB/s..64 GB/s log".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace outrider {

// Both ends are meant. Of whole numbers where neither end nor the step has a point, an exponent or a unit.
struct ValueRange {
  double low = 0.0, high = 0.0;
  std::string unit{};  // behind every value; empty: none
  std::optional<double> step{};
  bool logarithmic = false;  // sampled with equal chances by ratio
  bool whole = false;
};

// Nothing where the text is no range with low < high (and low > 0 where logarithmic), one unit and a step above 0.
std::optional<ValueRange> parse_range(std::string_view text);
// Of a range with a step: low, low + step, … up to high.
std::vector<std::string> values_of(const ValueRange& range);
// The value a share of the way from low to high, 0 ≤ share < 1, in equal parts of the range, or of its ratio.
std::string value_at(const ValueRange& range, double share);

}  // namespace outrider
