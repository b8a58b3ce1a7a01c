// A machine file's figures as the samples of this host state them.
#pragma once

#include <string_view>
#include <vector>

#include "calibration/samples/host_facts.h"
#include "calibration/samples/sample.h"
#include "sim/spec/machine.h"

namespace outrider {

// Where no file states a rate of DRAM and all samples of it are too noisy to be trusted, it is theirs nonetheless, and
// its source begins so.
inline constexpr std::string_view kNoisySource = "noisy, ";

// `machine` with what was measured in place of its own figures, each with that source: one core's bandwidth, the link's
// rates and copy surfaces, what calls cost the host. Measured rates of an older kind are dropped: the profile says the
// same. Where the datasheet of this host is not known, cores and memory are what it shows, and DRAM's peak is what all
// cores read.
MachineSpec measured_machine(MachineSpec machine, const HostFacts& facts, const std::vector<Sample>& samples,
                             bool datasheet_known);

}  // namespace outrider
