// Simulated time: signed 64-bit picoseconds, and the only crossing from floating-point seconds.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>

#include "sim/base/quantity.h"

namespace outrider {

// A span of simulated time in whole picoseconds (about ±106 days).
class Duration {
 public:
  constexpr Duration() = default;
  static constexpr Duration from_ps(std::int64_t ps) { return Duration(ps); }
  constexpr std::int64_t ps() const { return ps_; }
  constexpr Seconds seconds() const { return Seconds(static_cast<double>(ps_) * 1e-12); }

  constexpr auto operator<=>(const Duration&) const = default;
  constexpr Duration& operator+=(Duration other) {
    ps_ += other.ps_;
    return *this;
  }
  constexpr Duration& operator-=(Duration other) {
    ps_ -= other.ps_;
    return *this;
  }
  friend constexpr Duration operator+(Duration a, Duration b) { return Duration(a.ps_ + b.ps_); }
  friend constexpr Duration operator-(Duration a, Duration b) { return Duration(a.ps_ - b.ps_); }
  friend constexpr Duration operator*(Duration a, std::int64_t k) { return Duration(a.ps_ * k); }

 private:
  constexpr explicit Duration(std::int64_t ps) : ps_(ps) {}
  std::int64_t ps_ = 0;
};

// A point of simulated time, counted from the start of the run.
class Instant {
 public:
  constexpr Instant() = default;
  static constexpr Instant from_ps(std::int64_t ps) { return Instant(ps); }
  static constexpr Instant never() { return Instant(std::numeric_limits<std::int64_t>::max()); }
  constexpr std::int64_t ps() const { return ps_; }
  constexpr Seconds seconds() const { return Seconds(static_cast<double>(ps_) * 1e-12); }

  constexpr auto operator<=>(const Instant&) const = default;
  friend constexpr Instant operator+(Instant t, Duration d) { return Instant(t.ps_ + d.ps()); }
  friend constexpr Instant operator-(Instant t, Duration d) { return Instant(t.ps_ - d.ps()); }
  friend constexpr Duration operator-(Instant a, Instant b) { return Duration::from_ps(a.ps_ - b.ps_); }

 private:
  constexpr explicit Instant(std::int64_t ps) : ps_(ps) {}
  std::int64_t ps_ = 0;
};

// Rounds up to whole picoseconds, so that nothing ends before its work is done.
// Requires: seconds is finite, not negative and below 10^6 (CHECKed).
Duration ceil_to_ticks(Seconds seconds);

}  // namespace outrider
