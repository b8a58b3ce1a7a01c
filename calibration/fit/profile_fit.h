// From samples to a profile: what can be read off directly, then what the hardware models are fitted with.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "calibration/samples/sample.h"
#include "hwmodels/profile.h"
#include "sim/spec/machine.h"

namespace outrider {

// A sample that something was fitted to.
struct SampleError {
  std::size_t sample = 0;  // its index
  double predicted = 0.0;  // seconds, by the fit to all samples
  double error = 0.0;      // predicted ÷ measured − 1
  double held_out = 0.0;   // the same, by the fit to the folds without its shape
};

struct ProfileFit {
  Profile profile;                // its fit has samples and residuals; who and when is left to the caller
  std::vector<std::string> kept;  // coefficients that no sample says anything of: as in the base profile
  std::vector<SampleError> errors;
};

// residuals.csv: a line for each fitted sample.
std::string residuals_csv(const ProfileFit& fit, const std::vector<Sample>& samples);

// `machine` states the ceilings (datasheet peaks, core_bandwidth); its measured rates are left aside, since the samples
// say the same. Coefficients without samples stay as in `base`, with their sources.
// `progress`: told, now and then, to how many samples the models are fitted already.
using FitProgress = std::function<void(std::size_t done, std::size_t all)>;
ProfileFit fit_profile(const MachineSpec& machine, const Profile& base, const std::vector<Sample>& samples,
                       const FitProgress& progress = {});

}  // namespace outrider
