// Timelines that ui.perfetto.dev opens.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "sim/trace/trace.h"

namespace outrider {

// Chrome trace JSON: lanes as threads (with further rows where spans of a lane overlap), spans as complete events with
// their ledger in microseconds and what they waited for, each replica a process, arrows along recorded edges between
// lanes, a counter per resource with recorded usage. Times are microseconds with all digits down to the picosecond.
// `about` becomes the file's metadata. Requires valid indices and finite usage (CHECKed).
std::string perfetto_json(const Trace& trace, const std::map<std::string, std::string>& about);

// One above the other, each a process with its lanes and, above these, a track of its steps. Every step begins at the
// same time in all of them: a trace whose step was quicker pauses behind it. What of a span runs on into the next step
// is drawn longer by the pause; its ledger is as it was. The traces must have the same number of steps (CHECKed).
struct TimelineProcess {
  std::string name;
  const Trace* trace = nullptr;
};
std::string perfetto_json(const std::vector<TimelineProcess>& processes,
                          const std::map<std::string, std::string>& about);

}  // namespace outrider
