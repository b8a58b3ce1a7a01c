// The timeline of one point as a Perfetto trace, with the run's provenance and caveats in it.
#pragma once

#include <string>

#include "sim/study/run.h"

namespace outrider {

std::string timeline_text(const RunReport& report, const PointDetail& detail);

}  // namespace outrider
