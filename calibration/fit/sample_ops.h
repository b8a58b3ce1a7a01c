// What a sample measured, as the simulator sees it: an operation on a machine.
#pragma once

#include <optional>
#include <vector>

#include "calibration/samples/sample.h"
#include "hwmodels/profile.h"
#include "sim/graph/op.h"
#include "sim/spec/machine.h"

namespace outrider {

// The operation of a family that the hardware models time; none for families that are read directly.
// Shapes: see families.cpp.
std::optional<Op> op_of(const Sample& sample);

// A copy of pinned fragments by calls.
Op copy_op(Direction direction, double fragment, double fragments);

// The ranges of the samples' sizes, family by family in the order of op_sizes.h.
std::vector<SizeRange> sampled_ranges(const std::vector<const Sample*>& samples);

// The machine as far as the sample used it: so many of its cores, of which all read DRAM at its profile's efficiency.
MachineSpec machine_of(const Sample& sample, const MachineSpec& machine, const Profile& profile);

}  // namespace outrider
