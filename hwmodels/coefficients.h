// The coefficients of the hardware models: what a profile must state, no more and no less.
#pragma once

#include <span>
#include <string_view>

namespace outrider {

struct CoefficientInfo {
  std::string_view name;
  std::string_view meaning;  // with its unit: a ratio, or seconds, or bytes
};
std::span<const CoefficientInfo> coefficient_table();
// Whether it is in seconds.
bool is_time(std::string_view coefficient);

}  // namespace outrider
