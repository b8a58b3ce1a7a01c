// What this host is, as far as it tells.
#pragma once

#include "calibration/samples/host_facts.h"

namespace outrider {

HostFacts host_facts();

}  // namespace outrider
