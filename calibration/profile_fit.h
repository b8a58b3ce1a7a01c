// From samples to a profile: what can be read off directly, then what the hardware models are fitted with.
#pragma once

#include <string>
#include <vector>

#include "calibration/sample.h"
#include "hwmodels/profile.h"
#include "sim/spec/machine.h"

namespace outrider {

struct ProfileFit {
  Profile profile;                // its fit has samples and residuals; who and when is left to the caller
  std::vector<std::string> kept;  // coefficients that no sample says anything of: as in the base profile
};

// `machine` states the ceilings (datasheet peaks, core_bandwidth); its measured rates are left aside, since the samples
// say the same. Coefficients without samples stay as in `base`, with their sources.
ProfileFit fit_profile(const MachineSpec& machine, const Profile& base, const std::vector<Sample>& samples);

}  // namespace outrider
