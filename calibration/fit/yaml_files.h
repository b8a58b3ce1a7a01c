// Profiles and machines as the YAML that their readers accept.
#pragma once

#include <string>

#include "hwmodels/profile.h"
#include "sim/spec/machine.h"

namespace outrider {

// `schemas`: the path from the file to the folder of schemas, for editors; no such line where it is empty.
std::string profile_yaml(const Profile& profile, const std::string& schemas);
// Every figure with its source. Machines with a topology of their own are not written (CHECKed).
std::string machine_yaml(const MachineSpec& machine, const std::string& schemas);

}  // namespace outrider
