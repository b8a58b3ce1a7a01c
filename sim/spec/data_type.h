// Number formats of weights, caches and arithmetic.
#pragma once

#include <optional>
#include <string_view>

#include "sim/base/quantity.h"

namespace outrider {

enum class DataType { fp32, bf16, fp16, fp8, int8, fp4, int4 };
inline constexpr int kDataTypes = 7;

// Bits of payload per element, block scales not counted.
constexpr double bits_of(DataType type) {
  switch (type) {
    case DataType::fp32:
      return 32.0;
    case DataType::bf16:
    case DataType::fp16:
      return 16.0;
    case DataType::fp8:
    case DataType::int8:
      return 8.0;
    case DataType::fp4:
    case DataType::int4:
      return 4.0;
  }
  return 0.0;
}
constexpr Bytes bytes_of(DataType type) { return Bytes(bits_of(type) / 8.0); }

std::string_view to_string(DataType type);
std::optional<DataType> data_type_named(std::string_view name);  // nothing where no type has that name

}  // namespace outrider
