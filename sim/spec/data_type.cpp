// Names of number formats.
#include "sim/spec/data_type.h"

#include <array>
#include <cstddef>

namespace outrider {
namespace {
constexpr std::array<std::string_view, kDataTypes> kNames = {"fp32", "bf16", "fp16", "fp8", "int8", "fp4", "int4"};
}  // namespace

std::string_view to_string(DataType type) { return kNames[static_cast<std::size_t>(type)]; }

std::optional<DataType> data_type_named(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<DataType>(i);
  }
  return std::nullopt;
}

}  // namespace outrider
