// Named random streams and our own distributions, identical on every compiler and library.
#pragma once

#include <cstdint>
#include <string_view>

namespace outrider {

// A counter-free 64-bit generator (xoshiro256++), seeded by forking names or numbers from a parent,
// so that adding a stream never shifts the numbers of another.
class RandomStream {
 public:
  explicit RandomStream(std::uint64_t seed);

  // An independent stream; depends on this stream's seed and the name only, not on what was drawn.
  RandomStream fork(std::string_view name) const;
  RandomStream fork(std::uint64_t index) const;

  std::uint64_t next();                      // uniform in [0, 2^64)
  double uniform();                          // uniform in [0, 1), 53 bits
  std::uint64_t below(std::uint64_t bound);  // uniform in [0, bound); requires bound > 0
  double normal();                           // standard normal, by inverse transform of one uniform
  double exponential(double mean);

 private:
  std::uint64_t seed_;
  std::uint64_t state_[4];
};

// Quantile of the standard normal, p in (0, 1): Acklam's rational approximation, relative error < 1.2e-9.
double normal_quantile(double p);

}  // namespace outrider
