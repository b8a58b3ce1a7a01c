// The timeline of one point as a Perfetto trace, with provenance and caveats in it.
#pragma once

#include <string>

#include "sim/study/run.h"
#include "validation/measure_point.h"

namespace outrider {

std::string timeline_text(const RunReport& report, const PointDetail& detail);

// Of an executed point: its execution above its simulation, step by step.
std::string timeline_text(const RunReport& about, const MeasuredPoint& point);

}  // namespace outrider
