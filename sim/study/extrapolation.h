// Marks results that rest on operations of other sizes than their profile was fitted to.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "hwmodels/op_sizes.h"
#include "sim/study/results.h"

namespace outrider {

// Less of the critical path than this is not listed: whatever such an op really takes, it does not move the figure.
inline constexpr double kLeastExtrapolatedShare = 0.01;

// Sees every op of a trace, and remembers those outside of the ranges.
class ExtrapolationWatch {
 public:
  explicit ExtrapolationWatch(const SampledRanges& ranges) : ranges_(ranges) {}

  void see(const Op& op);  // in the order of the trace's spans
  // By family, size and side of its range, largest share first: ops that together have at least
  // kLeastExtrapolatedShare of the critical path.
  std::vector<Extrapolation> marks(const Trace& trace, StepRanges ranges) const;

 private:
  std::vector<Duration> critical_times(const Trace& trace, StepRanges ranges) const;  // of shapes_

  const SampledRanges& ranges_;
  std::vector<OpSizes> shapes_;             // different ones, outside
  std::map<OpSizes, std::size_t> numbers_;  // their places
  std::vector<std::uint32_t> of_span_;      // place + 1; 0: inside
};

}  // namespace outrider
