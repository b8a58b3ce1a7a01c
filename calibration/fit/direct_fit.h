// Coefficients that samples state each for themselves: ceilings, ratios and differences of samples of one run.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "calibration/samples/sample.h"
#include "hwmodels/profile.h"
#include "sim/spec/machine.h"

namespace outrider {

using Samples = std::vector<const Sample*>;

// Those to rely on.
Samples of_family(const std::vector<Sample>& samples, const std::string& family);

// "5 samples of hbm_read".
std::string provenance(const std::string& families, std::size_t samples);

// The best reading rate of the run, bytes per second: machines of one kind differ.
std::optional<double> read_rate_of(const Samples& reads, int run);

// A coefficient becomes the median of what its samples state, its interval the range of them and of their intervals.
// What no sample states stays.
void read_directly(Profile& profile, const MachineSpec& machine, const std::vector<Sample>& samples);
// link.hand_over, which is what is left of chains of kernels and copies once all else of a copy is known.
void read_hand_over(Profile& profile, const MachineSpec& machine, const std::vector<Sample>& samples);

}  // namespace outrider
