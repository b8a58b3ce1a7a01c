// What a profile leaves open, drawn: coefficients within their intervals, and how far the time of an op of some size is
// off its model. A simulation with each of many draws gives every figure an interval.
//
// Coefficients. Each is drawn from a log-normal distribution of two halves (normal where its interval begins at 0): its
// median is the value, its P5 and P95 are the interval that the profile states. It is never negative, and a share is
// never above 1 unless its interval is. Those of a fit are drawn each by itself. What is not fitted on the machine, but
// transferred from another, with wider intervals (profile.h), or assumed, is off for a reason that coefficients of one
// kind share: half of the variance is common to the times of the GPU, likewise to its efficiencies, and so on by part
// of the machine. The half is an assumption: nothing measured tells the parts.
//
// Ops. The residuals of a fit say how far a family's models are off shapes that the fit did not see; noise of the
// samples and differences between the runs' machines are among them. The time of an op is its model's times a factor,
// log-normal, whose magnitude has the family's held-out P90. On the H200 machines (calibration/data/h200-16c) the
// errors of one shape on the GPU differ by 1 % from run to run and by 3 to 5 % from shape to shape, also between shapes
// alike, while those of the CPU's attention differ by 10 % from run to run. So ops of one family on the GPU, and
// copies, share their factor where each size is within the same power of two, and a family's ops on the CPU share one
// all together. Beyond the sizes that were sampled, the error is larger, by kBeyondPerDoubling for each doubling.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "hwmodels/op_sizes.h"
#include "hwmodels/profile.h"

namespace outrider {

// The profile with coefficients of the draw of that number, and with its seed for the errors of ops.
Profile drawn_profile(const Profile& profile, std::uint64_t seed, std::uint64_t number);

// Of the logarithm of an op's time, added to the family's own in quadrature, for each doubling beyond what was sampled.
extern const double kBeyondPerDoubling;

// The factors on the times of ops in one draw; all 1 for a profile that is none.
class OpErrors {
 public:
  explicit OpErrors(const Profile& profile);
  bool empty() const { return deviations_.empty(); }
  double factor(const OpSizes& sizes) const;

 private:
  double beyond(const OpSizes& sizes) const;  // doublings, of the size that is farthest

  std::uint64_t seed_ = 0;
  std::vector<double> deviations_;  // of the logarithm, by family of op_sizes.h
  SampledRanges ranges_;
};

}  // namespace outrider
