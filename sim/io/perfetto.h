// Timelines that ui.perfetto.dev opens.
#pragma once

#include <map>
#include <string>

#include "sim/trace/trace.h"

namespace outrider {

// Chrome trace JSON: lanes as threads (with further rows where spans of a lane overlap), spans as complete events with
// their ledger in microseconds and what they waited for, arrows along recorded edges between lanes, a counter per
// resource with recorded usage. Times are microseconds with all digits down to the picosecond. `about` becomes the
// file's metadata. Requires valid indices and finite usage (CHECKed).
std::string perfetto_json(const Trace& trace, const std::map<std::string, std::string>& about);

}  // namespace outrider
