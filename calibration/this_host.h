// What this host is, as far as it tells.
#pragma once

#include "calibration/host_facts.h"

namespace outrider {

HostFacts host_facts();

}  // namespace outrider
