// The coefficients that the hardware models read from a profile: one table for reader, schema and documentation.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "sim/io/quantities.h"

namespace outrider {

struct CoefficientInfo {
  std::string_view name;
  std::optional<Dimension> dimension;  // nothing: a plain number
  double low = 0.0, high = 0.0;        // what makes sense at all, in base units
  std::string_view meaning;
};

// Sorted by name.
std::span<const CoefficientInfo> coefficient_table();

}  // namespace outrider
