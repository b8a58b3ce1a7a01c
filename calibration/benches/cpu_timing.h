// Timing of host work, with a watch for preemptions.
#pragma once

#include <functional>

#include "calibration/benches/stop_rule.h"

namespace outrider {

// A thread that loses its core now and then does no harm to a long trial, and spoils a short one.
Trial timed(const std::function<void()>& work);

}  // namespace outrider
