// Which sizes of an operation decide its time, and whether they lie in the ranges that a profile was fitted to.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "hwmodels/profile.h"
#include "sim/graph/op.h"

namespace outrider {

inline constexpr std::size_t kMostSizes = 3;

// Ops whose time rests on the same coefficients, under the name of the samples that these are fitted to.
struct SizedFamily {
  std::string_view name;
  std::array<std::string_view, kMostSizes> sizes;  // empty: none further; names that end in "bytes" are of bytes

  std::optional<std::size_t> size_named(std::string_view size) const;
};
std::span<const SizedFamily> sized_families();
std::optional<std::size_t> sized_family_named(std::string_view name);

// The sizes of one op, in its family's order.
struct OpSizes {
  std::size_t family = 0;  // index into sized_families()
  std::array<double, kMostSizes> values{};
  auto operator<=>(const OpSizes&) const = default;
};
// Nothing for ops of no work, and for those that nothing is fitted to: attention of prompts and training, gathers by a
// kernel, Adam on the CPU, batched and pageable copies, host steps.
std::optional<OpSizes> sizes_of(const Op& op);

// A size is outside of its range where it is beyond an end of it by more than this factor.
inline constexpr double kRangeTolerance = 1.25;

// The ranges of a profile, to ask for every op. Families without one are never outside.
class SampledRanges {
 public:
  struct Range {
    double low = 0.0, high = 0.0;
  };

  explicit SampledRanges(const Profile& profile);
  bool empty() const { return empty_; }
  // Of a family in sized_families(), and one of its sizes.
  const Range& range(std::size_t family, std::size_t size) const { return ranges_[family][size]; }
  bool outside(std::size_t family, std::size_t size, double value) const;
  bool outside(const OpSizes& sizes) const;  // in any size

 private:
  std::vector<std::array<Range, kMostSizes>> ranges_;  // by family; unbounded where nothing is stated
  bool empty_ = true;
};

}  // namespace outrider
