// Steps of the host thread as demands: fixed costs, times how often.
#pragma once

#include "sim/engine/demand.h"
#include "sim/graph/op.h"
#include "sim/spec/machine.h"

namespace outrider {

Demand host_demand(const HostSpec& host, Family family, const HostShape& shape);

}  // namespace outrider
