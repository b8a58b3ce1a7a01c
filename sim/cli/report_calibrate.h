// What `calibrate` prints of measurements, imports and fits.
#pragma once

#include <string>
#include <vector>

#include "calibration/benches/microbench.h"
#include "calibration/fit/profile_fit.h"
#include "calibration/samples/nvbandwidth.h"
#include "sim/cli/table.h"

namespace outrider {

std::string measured_text(const MeasureReport& report);
// `added`: samples that were not there already.
std::string imported_text(const NvbandwidthFile& file, std::size_t added);
std::string fit_text(const ProfileFit& fit, const TableLook& look);

// What a reader of the fit should doubt: lines that begin with "warning: ".
std::string fit_warnings(const ProfileFit& fit, const MachineSpec& machine);

}  // namespace outrider
