// Index types that cannot be mixed up: an op is not a lane is not a resource.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

namespace outrider {

template <class Tag>
struct Id {
  static constexpr std::uint32_t kNone = 0xffffffffu;
  std::uint32_t value = kNone;

  constexpr Id() = default;
  constexpr explicit Id(std::size_t index) : value(static_cast<std::uint32_t>(index)) {}
  constexpr bool valid() const { return value != kNone; }
  constexpr std::size_t index() const { return value; }
  constexpr auto operator<=>(const Id&) const = default;
};

using OpId = Id<struct OpTag>;              // an op within one TaskGraph
using SpanId = Id<struct SpanTag>;          // a span within one Trace
using LaneId = Id<struct LaneTag>;          // a FIFO lane
using PoolId = Id<struct PoolTag>;          // a pool of counted slots
using ResourceId = Id<struct ResourceTag>;  // a continuously shared resource

}  // namespace outrider
