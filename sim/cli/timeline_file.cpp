// Provenance of a timeline, and the call of the Perfetto writer.
#include "sim/cli/timeline_file.h"

#include <fmt/format.h>

#include "sim/cli/format.h"
#include "sim/io/perfetto.h"

namespace outrider {

std::string timeline_text(const RunReport& report, const PointDetail& detail) {
  const PointResult& point = detail.result;
  return perfetto_json(detail.trace, {{"scenario", report.scenario},
                                      {"model", report.model},
                                      {"machine", report.machine},
                                      {"profile", fmt::format("{} ({})", report.profile, report.profile_kind)},
                                      {"seed", fmt::format("{}", report.seed)},
                                      {"version", report.version},
                                      {"caveats", join(report.caveats, " | ")},
                                      {"method", point.label},
                                      {"context", fmt::format("{}", point.context)},
                                      {"batch", fmt::format("{}", point.batch)}});
}

}  // namespace outrider
