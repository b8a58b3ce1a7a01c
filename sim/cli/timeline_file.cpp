// Provenance of a timeline, and the call of the Perfetto writer.
#include "sim/cli/timeline_file.h"

#include <fmt/format.h>

#include <map>

#include "sim/cli/format.h"
#include "sim/io/perfetto.h"

namespace outrider {

namespace {

std::map<std::string, std::string> about_point(const RunReport& report, const PointResult& point) {
  return {{"scenario", report.scenario},
          {"model", report.model},
          {"machine", report.machine},
          {"profile", fmt::format("{} ({})", report.profile, report.profile_kind)},
          {"seed", fmt::format("{}", report.seed)},
          {"version", report.version},
          {"caveats", join(report.caveats, " | ")},
          {"method", point.label},
          {"context", fmt::format("{}", point.context)},
          {"batch", fmt::format("{}", point.batch)}};
}

}  // namespace

std::string timeline_text(const RunReport& report, const PointDetail& detail) {
  return perfetto_json(detail.trace, about_point(report, detail.result));
}

std::string timeline_text(const RunReport& about, const MeasuredPoint& point) {
  const bool timed = point.timed.value() > 0.0;
  auto notes = about_point(about, point.predicted);
  notes["executed_on"] = point.facts.device;
  notes["executed_step_s"] = fmt::format("{:.6g}", point.measured.value());
  notes["timing"] =
      timed ? fmt::format("operations timed in parts, which lengthened steps by {}", signed_percent(point.lengthened()))
            : "host and CPU operations timed only";
  return perfetto_json({{.name = "executed on this machine", .trace = &point.executed},
                        {.name = fmt::format("simulated {}", about.machine), .trace = &point.simulated}},
                       notes);
}

}  // namespace outrider
