// Which figures of a calibrated machine are another machine's.
#pragma once

#include <string>
#include <vector>

#include "calibration/samples/host_facts.h"
#include "sim/spec/machine.h"

namespace outrider {

// What `measured` has from `base` as it was there: "cpu.clock", or "link" where all of it is.
std::vector<std::string> unmeasured_figures(const MachineSpec& measured, const MachineSpec& base);

// Whether some figure of it is from samples.
bool is_measured(const MachineSpec& machine, const MachineSpec& base);

// For a machine that no file describes: what it is, and at each figure from `base` that it is from there. `same_gpu`:
// `base` has the host's GPU, so that its datasheet is the host's.
void name_origins(MachineSpec& measured, const MachineSpec& base, const HostFacts& host, bool same_gpu);

}  // namespace outrider
