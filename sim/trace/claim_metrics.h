// The figures that claims may name: one list for those who read claims and those who judge them.
#pragma once

#include <span>
#include <string_view>

namespace outrider {

struct ClaimMetric {
  std::string_view name;
  std::string_view meaning;
};
std::span<const ClaimMetric> claim_metrics();

}  // namespace outrider
