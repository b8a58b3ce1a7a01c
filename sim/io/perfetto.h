// Timelines that ui.perfetto.dev opens.
#pragma once

#include <map>
#include <string>

#include "sim/trace/trace.h"

namespace outrider {

// Chrome trace JSON: lanes as threads, spans as complete events with their ledger in microseconds, arrows along
// recorded edges, a counter per resource with recorded usage. `about` becomes the file's metadata.
std::string perfetto_json(const Trace& trace, const std::map<std::string, std::string>& about);

}  // namespace outrider
